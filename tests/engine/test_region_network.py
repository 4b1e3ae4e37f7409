"""Runs the network trial where it meets no other region: own namespaces, own control groups, own state."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces")
def test_the_network_does_what_the_api_says() -> None:
    code = (
        "import os, subprocess, sys; from region.fabric import namespaces; namespaces.create_internet(); "
        f"sys.exit(subprocess.run(['nsenter', '--net=/run/netns/ka-internet', '--', sys.executable, '-m', 'pytest', "
        f"'-q', '-p', 'no:cacheprovider', '{HERE / 'trial_network.py'}', *sys.argv[1:]]).returncode)"
    )
    path = os.pathsep.join(str(folder) for folder in (HERE.parent.parent, HERE))
    done = subprocess.run(
        [HERE / "isolated.sh", sys.executable, "-c", code],
        cwd=HERE.parent.parent,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
