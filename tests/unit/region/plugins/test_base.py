"""The plugins' shared base: values, differences, preview, errors, concurrency."""

import threading

import pytest
from pulumi.runtime import proto
from pulumi.runtime.proto import status_pb2

from region.plugins.base import (
    UNKNOWN,
    Call,
    IncompleteError,
    Plugin,
    PluginError,
    Properties,
    Resource,
    compare,
    contains_unknown,
)
from region.plugins.wire import plain
from tests.unit.region.plugins.driver import CallError, Driver, bare, integers, is_secret

TYPE = "thing:index:Thing"


class Thing(Resource):
    outputs = frozenset({"address", "token"})
    volatile_outputs = frozenset({"address"})
    secret_outputs = frozenset({"token"})
    replace_on = frozenset({"image", "disk.encrypted"})
    delete_before_replace = True

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        call.log("making it")
        if inputs["image"] == "none":
            raise PluginError("no such image")
        if inputs["image"] == "broken":
            raise IncompleteError("it does not start", id="i-2", state={"image": "broken", "token": "t"})
        if inputs["image"] == "bug":
            raise KeyError("x")
        return "i-1", {"address": "10.0.0.4", "token": "t"}

    async def update(
        self, call: Call, id: str, old_inputs: Properties, state: Properties, inputs: Properties
    ) -> Properties:
        return {"address": "10.0.0.5"}

    def delete(self, call: Call, id: str, inputs: Properties, state: Properties) -> None:
        return


@pytest.fixture
def thing() -> Driver:
    return Driver(Plugin("thing", "1.2.3", {TYPE: Thing()}), TYPE)


def test_numbers_come_back_whole_and_null_as_absent():
    assert plain(integers()) == {"whole": 3, "half": 1.5, "list": [1, None]}
    assert isinstance(plain(integers())["whole"], int)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": None}, {}, []),
        ({}, {"a": 1}, [("a", "add", False)]),
        ({"a": 1}, {}, [("a", "delete", False)]),
        ({"tags": {"a.b": "1"}}, {"tags": {"a.b": "2"}}, [('tags["a.b"]', "update", False)]),
        ({"list": [1, 2]}, {"list": [1, 3, 4]}, [("list[1]", "update", False), ("list[2]", "add", False)]),
        ({"list": []}, {"list": UNKNOWN}, [("list", "update", False)]),
        ({"image": "a"}, {"image": UNKNOWN}, [("image", "update", True)]),
        ({"disk": {"encrypted": False}}, {"disk": {"encrypted": True}}, [("disk.encrypted", "update", True)]),
        ({"images": "a"}, {"images": "b"}, [("images", "update", False)]),
    ],
)
def test_compare_names_every_leaf(old: Properties, new: Properties, changes: list[tuple[str, str, bool]]):
    found = compare(old, new, Thing.replace_on)
    assert [(change.path, change.kind, change.replace) for change in found] == changes


def test_unknown_is_found_at_any_depth():
    assert contains_unknown({"a": [{"b": UNKNOWN}]})
    assert not contains_unknown({"a": [{"b": "known"}]})


def test_version_is_reported(thing: Driver):
    assert thing.call("GetPluginInfo", None).version == "1.2.3"


def test_engine_keeps_the_secrets_and_asks_for_previews(thing: Driver):
    configured = thing.call("Configure", proto.ConfigureRequest())
    assert configured.supportsPreview
    assert not configured.acceptSecrets


def test_configuration_is_decoded():
    taken: list[Properties] = []

    class Configured(Plugin):
        def configure(self, config: Properties) -> None:
            taken.append(config)

    request = proto.ConfigureRequest()
    request.args.update({"region": "us-east-1", "endpoints": '[{"ec2": "http://x"}]', "maxRetries": "2"})
    Driver(Configured("thing", "1", {}), TYPE).call("Configure", request)
    assert taken == [{"region": "us-east-1", "endpoints": [{"ec2": "http://x"}], "maxRetries": 2}]


def test_create_gives_inputs_and_outputs_and_marks_secrets(thing: Driver):
    id, state = thing.create({"image": "a", "subnet": "s"})
    assert (id, bare(state)) == ("i-1", {"image": "a", "subnet": "s", "address": "10.0.0.4", "token": "t"})
    assert is_secret(state["token"])
    assert thing.lines.shown == [("info", "making it")]


def test_preview_of_create_knows_only_inputs(thing: Driver):
    _, state = thing.create({"image": UNKNOWN, "address": "10.0.0.9"}, preview=True)
    assert state == {"image": UNKNOWN, "address": "10.0.0.9", "token": UNKNOWN}
    assert thing.lines.shown == []


def test_diff_says_what_replaces(thing: Driver):
    answer = thing.diff({"image": "a", "name": "x"}, {"image": "b", "name": "y"})
    assert answer.changes == proto.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["image"]
    assert list(answer.diffs) == ["image", "name"]
    assert answer.deleteBeforeReplace
    kinds = proto.PropertyDiff.Kind
    assert {path: kinds.Name(diff.kind) for path, diff in answer.detailedDiff.items()} == {
        "image": "UPDATE_REPLACE",
        "name": "UPDATE",
    }


def test_no_difference_is_said_to_be_none(thing: Driver):
    answer = thing.diff({"image": "a"}, {"image": "a"}, {"address": "10.0.0.4"})
    assert answer.changes == proto.DiffResponse.DIFF_NONE


def test_update_drops_removed_inputs_and_keeps_untouched_outputs(thing: Driver):
    state = {"image": "a", "name": "x", "address": "10.0.0.4", "token": "t"}
    updated = thing.update("i-1", {"image": "a", "name": "x"}, state, {"image": "a"})
    assert bare(updated) == {"image": "a", "address": "10.0.0.5", "token": "t"}
    assert is_secret(updated["token"])


def test_preview_of_update_knows_what_stays(thing: Driver):
    state = {"image": "a", "address": "10.0.0.4", "token": "t"}
    previewed = thing.update("i-1", {"image": "a"}, state, {"image": "a", "name": "y"}, preview=True)
    assert bare(previewed) == {"image": "a", "name": "y", "address": UNKNOWN, "token": "t"}


def test_read_without_anything_to_look_at_gives_the_state_back(thing: Driver):
    answer = thing.read("i-1", {"image": "a"}, {"image": "a", "token": "t"})
    assert (answer.id, plain(answer.inputs)) == ("i-1", {"image": "a"})


def test_what_is_gone_has_no_id():
    class Gone(Thing):
        def read(self, call: Call, id: str, inputs: Properties, state: Properties) -> None:
            return None

    assert Driver(Plugin("thing", "1", {TYPE: Gone()}), TYPE).read("i-1", {}, {}).id == ""


def test_a_failure_is_its_message_only(thing: Driver):
    with pytest.raises(CallError) as failure:
        thing.create({"image": "none"})
    assert str(failure.value) == "no such image"


def test_an_incomplete_resource_enters_the_state(thing: Driver):
    with pytest.raises(CallError) as failure:
        thing.create({"image": "broken"})
    status = status_pb2.Status.FromString(dict(failure.value.metadata)["grpc-status-details-bin"])
    detail = proto.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("i-2", ["it does not start"])
    assert bare(plain(detail.properties)) == {"image": "broken", "token": "t"}
    assert is_secret(plain(detail.properties)["token"])


def test_a_bug_says_where_it_is(thing: Driver):
    with pytest.raises(CallError, match=r"(?s)KeyError in the thing plugin: 'x'\n.*test_base.py"):
        thing.create({"image": "bug"})


def test_an_unknown_type_is_refused_by_name():
    driver = Driver(Plugin("thing", "1", {}), "thing:index:Other")
    with pytest.raises(CallError, match="the region's thing plugin has no type thing:index:Other"):
        driver.create({})


def test_a_function_is_called_by_its_token():
    driver = Driver(Plugin("thing", "1", {}, {"thing:index:double": lambda inputs: {"n": 2 * inputs["n"]}}), TYPE)
    request = proto.InvokeRequest(tok="thing:index:double")
    request.args.update({"n": 21})
    assert plain(getattr(driver.call("Invoke", request), "return")) == {"n": 42}


def test_blocking_methods_run_side_by_side():
    together = threading.Barrier(40, timeout=10)

    class Waits(Thing):
        def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
            together.wait()
            return "i-1", {}

    driver = Driver(Plugin("thing", "1", {TYPE: Waits()}), TYPE)
    callers = [threading.Thread(target=driver.create, args=({},)) for _ in range(40)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not together.broken
