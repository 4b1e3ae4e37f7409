"""The `command` plugin's types by token. `serve(plugin())` is the process the engine starts."""

import os

from region.plugins.base import Plugin
from region.plugins.command import recording
from region.plugins.command.remote import Command

VERSION = "1.2.1"


def plugin() -> Plugin:
    recorded = recording.RECORD in os.environ
    return Plugin(
        "command",
        VERSION,
        {
            "command:remote:Command": recording.RecordedCommand() if recorded else Command(),
        },
    )
