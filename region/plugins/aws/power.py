"""Whether an instance runs: a resource that starts and stops it, and whose end touches nothing."""

from region.plugins.aws import instance_state
from region.plugins.aws.calls import wait_until
from region.plugins.aws.instance import SECONDS
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

SETTLED = ("running", "stopped")


class InstanceState(AwsResource):
    token = "aws:ec2transitgateway/instanceState:InstanceState"
    required = ("instanceId", "state")
    replace_on = frozenset({"instanceId"})
    changeable = frozenset({"state", "force"})
    defaults = {"force": False}  # noqa: RUF012
    tagged = False

    def make(self, call: Call, inputs: Properties) -> str:
        self._bring(call, inputs["instanceId"], inputs["state"])
        return inputs["instanceId"]

    def look(self, id: str, before: Properties) -> Properties | None:
        state = self._state(id)
        if state in ("", "terminated"):
            return None
        return {"instanceId": id, "state": state, "force": before.get("force", False)}

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        self._bring(call, id, new["state"])

    def end(self, call: Call, id: str, state: Properties) -> None:
        """The provider leaves the instance as it is."""

    def _bring(self, call: Call, id: str, wanted: str) -> None:
        """A machine on its way is waited for first, since AWS starts none that is still stopping."""
        seconds = call.timeout_seconds or SECONDS
        wait_until(f"instance {id}", lambda: self._state(id), SETTLED, seconds)
        if self._state(id) != wanted:
            ec2 = self.session.ec2
            (ec2.start_instances if wanted == "running" else ec2.stop_instances)(InstanceIds=[id])
            wait_until(f"instance {id}", lambda: self._state(id), [wanted], seconds)

    def _state(self, id: str) -> str:
        found = instance_state.find(self.session, id)
        return found["State"]["Name"] if found else ""
