"""Which Debian packages a host is given: the library, run by a real bash where dpkg and apt are played."""

import subprocess
from pathlib import Path

import pytest

from components.host.script import SCRIPTS

DPKG_QUERY = """#!/usr/bin/env bash
case ${@: -1} in
  jq) printf 'ii =1.7.1-6+deb13u1' ;;
  kubelet) printf 'hi =1.37.1-1.1' ;;
  removed) printf 'rc =1.0-1' ;;
  *) exit 1 ;;
esac
"""


@pytest.mark.parametrize(
    ("specs", "there"),
    [
        (["jq"], True),
        (["jq", "kubelet=1.37.1-*"], True),
        (["kubelet=1.37.2-*"], False),
        (["jq", "containerd"], False),
        (["removed"], False),
    ],
    ids=["installed", "held in that version", "in another version", "one is missing", "only its settings are left"],
)
def test_a_package_that_is_there_is_not_installed_again(tmp_path: Path, specs: list[str], there: bool) -> None:
    (tmp_path / "dpkg-query").write_text(DPKG_QUERY)
    (tmp_path / "dpkg-query").chmod(0o755)
    library = (SCRIPTS / "lib/packages.sh").read_text()
    done = subprocess.run(
        ["bash", "-c", f'{library}\nhave_packages "$@"', "have_packages", *specs],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == (0 if there else 1), done.stderr
