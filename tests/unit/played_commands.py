"""A script run by a real bash that finds played commands before the real ones."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def run_with(
    commands: Mapping[str, str], text: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `text` where `commands`, each a script in bash, are in `folder`/bin; FAKE is `folder` to all of them."""
    (folder / "bin").mkdir(exist_ok=True)
    for name, script in commands.items():
        (folder / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (folder / "bin" / name).chmod(0o755)
    return subprocess.run(
        ["bash", "-c", text],
        env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "FAKE": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
