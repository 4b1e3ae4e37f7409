"""A Pulumi stack driven by the real CLI, and what an update of it did."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

UNCHANGED = {"same", "refresh", "read"}
REPLACEMENT = {"create-replacement", "delete-replaced", "replace"}
PROVIDER = "pulumi:providers:"
SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of the CLI. `events` are the engine's own, in order."""

    code: int
    output: str
    events: Sequence[Mapping[str, Any]]

    @property
    def changes(self) -> dict[str, str]:
        """Operation (create, update, replace, delete) by resource name, without providers and what stayed the same."""
        return {_name(step): _operation(step) for step in self._steps("resourcePreEvent")}

    @property
    def order(self) -> list[tuple[str, str]]:
        """(engine's operation, resource name) as they ended."""
        return [(step["op"], _name(step)) for step in self._steps("resOutputsEvent")]

    @property
    def messages(self) -> str:
        """Every error and warning."""
        shown = (event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event)
        return "".join(one["message"] for one in shown if one["severity"] in ("error", "warning"))

    def differences(self, name: str) -> set[str]:
        """The properties for which a resource of this name changes."""
        return {
            path
            for step in self._steps("resourcePreEvent")
            if _name(step) == name
            for path in step["detailedDiff"] or ()
        }

    def _steps(self, kind: str) -> list[Mapping[str, Any]]:
        steps = [event[kind]["metadata"] for event in self.events if kind in event]
        return [step for step in steps if step["op"] not in UNCHANGED and not step["type"].startswith(PROVIDER)]


@dataclass(kw_only=True)
class Stack:
    """A stack of the program in `directory`, a copy of its own that a test may edit."""

    name: str
    directory: Path
    environment: Mapping[str, str]
    recorded: Path
    _read: int = field(default=0)

    def init(self) -> None:
        self.run("stack", "init", self.name)

    def set(self, key: str, value: object) -> None:
        """Set a setting of the program, in the stack's file."""
        self._change(lambda config: config.update({f"{self._project}:{key}": value}))

    def unset(self, key: str) -> None:
        self._change(lambda config: config.pop(f"{self._project}:{key}"))

    def preview(self, *flags: str, fails: bool = False) -> Result:
        return self._operate("preview", *flags, fails=fails)

    def up(self, *flags: str, fails: bool = False) -> Result:
        return self._operate("up", "--yes", "--skip-preview", *flags, fails=fails)

    def refresh(self, *flags: str) -> Result:
        return self._operate("refresh", "--yes", "--skip-preview", *flags)

    def destroy(self, *flags: str, fails: bool = False) -> Result:
        return self._operate("destroy", "--yes", "--skip-preview", *flags, fails=fails)

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.run("stack", "output", "--stack", self.name, "--json", "--show-secrets"))

    def export(self) -> dict[str, Any]:
        """The stack's state, secrets as they are stored."""
        return json.loads(self.run("stack", "export", "--stack", self.name))

    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The state's resources by name (of two of a name, the last)."""
        return {_name(one): one for one in self.export()["deployment"].get("resources", [])}

    def steps(self) -> list[dict[str, str]]:
        """What the command plugin recorded since the last call."""
        lines = self.recorded.read_text().splitlines() if self.recorded.exists() else []
        new, self._read = lines[self._read :], len(lines)
        return [json.loads(line) for line in new]

    def edit(self, file: str, old: str, new: str) -> None:
        """Change the stack's copy of a file of the program."""
        path = self.directory / file
        text = path.read_text()
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new))

    def run(self, *arguments: str) -> str:
        done = self._pulumi(*arguments)
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    @property
    def _project(self) -> str:
        return yaml.safe_load((self.directory / "Pulumi.yaml").read_text())["name"]

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        file = self.directory / f"Pulumi.{self.name}.yaml"
        content = yaml.safe_load(file.read_text()) if file.exists() else {}
        change(content.setdefault("config", {}))
        file.write_text(yaml.safe_dump(content))

    def _operate(self, operation: str, *flags: str, fails: bool = False) -> Result:
        log = self.directory.parent / f"{self.name}-{operation}.events"
        log.unlink(missing_ok=True)
        done = self._pulumi(operation, "--stack", self.name, "--non-interactive", "--event-log", str(log), *flags)
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        result = Result(code=done.returncode, output=done.stdout + done.stderr, events=events)
        assert (result.code != 0) == fails, f"pulumi {operation} ended with {result.code}:\n{result.output}"
        return result

    def _pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment, "PULUMI_DEBUG_COMMANDS": "true"}
        return subprocess.run(
            ["pulumi", *arguments],
            cwd=self.directory,
            env={**environment, "KUBEADM_AWS_RECORD_STEPS": str(self.recorded)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )


def _name(step: Mapping[str, Any]) -> str:
    return step["urn"].rsplit("::", 1)[-1]


def _operation(step: Mapping[str, Any]) -> str:
    return "replace" if step["op"] in REPLACEMENT else step["op"]
