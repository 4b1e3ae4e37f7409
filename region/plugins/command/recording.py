"""Steps written down instead of run, for tests of the program that need no hosts.

`KUBEADM_AWS_RECORD_STEPS` names the file that gets one JSON line per step, `KUBEADM_AWS_STEP_OUTPUTS` (optional) a JSON
file {pattern: what the step writes to stdout, or {"error": message}}; the first pattern found in its name counts, and
`${NAME}` is the step's setting of that name.
"""

import hashlib
import json
import os
import re
import shlex
from pathlib import Path

from region.plugins.base import Call, PluginError, Properties
from region.plugins.command.remote import Command

RECORD = "KUBEADM_AWS_RECORD_STEPS"
OUTPUTS = "KUBEADM_AWS_STEP_OUTPUTS"


class RecordedCommand(Command):
    async def run(
        self, call: Call, verb: str, command: str | None, inputs: Properties, previous: Properties
    ) -> Properties:
        if command is None:
            return {name: previous.get(name, "") for name in self.outputs}
        _record(call, verb, inputs, create=command, stdin=inputs.get("stdin", ""))
        return {"stdout": _stdout(call, inputs.get("stdin", "")), "stderr": ""}


def _record(call: Call, verb: str, inputs: Properties, *, create: str, stdin: str) -> None:
    step = {
        "urn": call.urn,
        "name": call.name,
        "verb": verb,
        "host": inputs["connection"]["host"],
        "create": create,
        "stdin_sha256": hashlib.sha256(stdin.encode()).hexdigest(),
        "stdin": stdin,
    }
    with Path(os.environ[RECORD]).open("a") as file:
        file.write(json.dumps(step) + "\n")


def _stdout(call: Call, stdin: str) -> str:
    path = os.environ.get(OUTPUTS)
    answers = json.loads(Path(path).read_text()) if path else {}
    answer = next((answer for pattern, answer in answers.items() if re.search(pattern, call.name)), "")
    if isinstance(answer, dict):
        raise PluginError(answer["error"])
    return re.sub(r"\$\{(\w+)\}", lambda found: _setting(stdin, found[1]), answer)


def _setting(stdin: str, name: str) -> str:
    """As the step's text has it."""
    found = re.search(rf"^{name}=(.*)$", stdin, re.MULTILINE)
    return shlex.split(found[1])[0] if found else ""
