"""A root disk that grew, by the script's own function in a real bash, where the tools that would change it are played.

Volumes of AWS alone are disks of their own: there is none on the local region.
"""

import subprocess
from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

LSBLK = '[[ $* == *"PKNAME,PARTN /dev/nvme0n1p1" ]] && echo " nvme0n1   1"'
CHANGE = 'echo "${0##*/} $*" >>"$FAKE/calls"'


def grow(
    folder: Path, device: str, growpart: int = 0, kind: str = "ext4", lsblk: str = LSBLK
) -> subprocess.CompletedProcess[str]:
    commands = {
        "findmnt": f"[[ -n '{device}' ]] && echo '{device} {kind}'",
        "lsblk": lsblk,
        "growpart": f"{CHANGE}; exit {growpart}",
        "resize2fs": CHANGE,
    }
    libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "root-disk"))
    return run_with(commands, f"STEP=trial\n{libraries}\ntell_failures\ngrow_root_file_system", folder)


@pytest.mark.parametrize("growpart", [0, 1], ids=["grown", "nothing to grow"])
def test_the_file_system_becomes_as_large_as_the_disk(tmp_path: Path, growpart: int):
    done = grow(tmp_path, "/dev/nvme0n1p1", growpart)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text() == "growpart /dev/nvme0n1 1\nresize2fs /dev/nvme0n1p1\n"


def test_a_partition_that_stays_small_is_told(tmp_path: Path):
    done = grow(tmp_path, "/dev/nvme0n1p1", growpart=2)
    assert done.returncode == 1
    assert "partition 1 of /dev/nvme0n1 cannot be made as large as the disk" in done.stderr
    assert "resize2fs" not in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("device", ["", "overlay", "/dev/vda[/hosts/master-0]"])
def test_what_is_no_disk_of_the_machines_own_is_left_alone(tmp_path: Path, device: str):
    assert grow(tmp_path, device).returncode == 0
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(("kind", "lsblk"), [("xfs", LSBLK), ("ext4", "echo")], ids=["another kind", "no partition"])
def test_what_debians_images_have_not_is_left_to_the_next_boot(tmp_path: Path, kind: str, lsblk: str):
    assert grow(tmp_path, "/dev/nvme0n1p1", kind=kind, lsblk=lsblk).returncode == 0
    assert not (tmp_path / "calls").exists()
