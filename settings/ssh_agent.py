"""The SSH agent that the shell names: every step on a host asks it for keys, and fails when nobody answers."""

import os
import socket

from settings.reading import refuse_all

VARIABLE = "SSH_AUTH_SOCK"


def check_agent() -> None:
    """Raises SettingsError when the agent of this shell has ended."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(path)
    except OSError as error:
        refuse_all([f"{VARIABLE} is {path!r}, where no agent answers ({error.strerror or error}): unset {VARIABLE}"])
