from pathlib import Path

import pytest

from region.fabric import cgroups
from region.fabric.cgroups import Cgroup, Limits

HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw,relatime 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
cgroup /var/lib/elsewhere/cgroup/memory cgroup ro,memory 0 0
"""
UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\nproc /proc proc rw 0 0\n"


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Folders in the place of mounted hierarchies."""
    memory, unified = tmp_path / "memory", tmp_path / "unified"
    for path in (memory, unified):
        path.mkdir()
    monkeypatch.setattr(cgroups, "hierarchies", lambda: (memory, unified))
    return memory, unified


def processes_in(folder: Path, *pids: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))


def test_hierarchies_are_those_at_the_usual_places_systemds_first() -> None:
    found = cgroups.mounted_hierarchies(HYBRID)
    assert [str(path) for path in found] == [f"/sys/fs/cgroup/{name}" for name in ("systemd", "memory", "unified")]


def test_a_unified_machine_has_one_hierarchy() -> None:
    assert cgroups.mounted_hierarchies(UNIFIED) == (Path("/sys/fs/cgroup"),)


def test_pids_are_found_at_every_depth_of_every_hierarchy(hierarchies: tuple[Path, Path]) -> None:
    memory, unified = hierarchies
    processes_in(memory / "kubeadm-aws/one/kubepods/pod", 11)
    processes_in(unified / "kubeadm-aws/one", 11, 12)
    processes_in(unified / "kubeadm-aws/other", 13)
    assert Cgroup("one").pids() == {11, 12}


def test_a_process_of_an_outer_namespace_reads_as_zero_and_is_nobody(hierarchies: tuple[Path, Path]) -> None:
    processes_in(hierarchies[0] / "kubeadm-aws/one", 0)
    assert not Cgroup("one").alive()


def test_names_come_from_every_hierarchy(hierarchies: tuple[Path, Path]) -> None:
    for folder, name in zip(hierarchies, ("here", "there"), strict=True):
        (folder / "kubeadm-aws" / name).mkdir(parents=True)
    assert cgroups.names() == {"here", "there"}


def test_creating_takes_over_the_cpuset_and_switches_on_controllers(hierarchies: tuple[Path, Path]) -> None:
    memory, unified = hierarchies
    (memory / "cpuset.cpus").write_text("0-1\n")
    (memory / "kubeadm-aws").mkdir()
    (memory / "kubeadm-aws/cpuset.cpus").write_text("\n")
    (unified / "cgroup.controllers").write_text("memory\n")
    (unified / "cgroup.subtree_control").write_text("")
    Cgroup("one").create()
    assert (memory / "kubeadm-aws/cpuset.cpus").read_text() == "0-1\n"
    assert (unified / "cgroup.subtree_control").read_text() == "+memory"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("memory.limit_in_bytes", "1024"),
        ("memory.max", "1024"),
        ("cpu.cfs_quota_us", "150000"),
        ("cpu.max", "150000 100000"),
    ],
)
def test_limits_are_written_in_the_words_of_either_version(
    hierarchies: tuple[Path, Path], setting: str, value: str
) -> None:
    folder = hierarchies[0] / "kubeadm-aws/one"
    folder.mkdir(parents=True)
    (folder / setting).write_text("max")
    Cgroup("one").create(Limits(memory_bytes=1024, cpus=1.5))
    assert (folder / setting).read_text() == value


# A host's group as each version lays it out: its hierarchies, and its files in one of them.
VERSION_1 = (
    ("memory", "systemd", "unified"),
    "memory",
    {
        "memory.limit_in_bytes": "4294967296\n",
        "memory.usage_in_bytes": "3000\n",
        "memory.stat": "cache 900\nrss 10\ntotal_cache 1900\ntotal_rss 1100\n",
    },
)
VERSION_2 = (
    ("",),
    "",
    {"memory.max": "4294967296\n", "memory.current": "3000\n", "memory.stat": "anon 1100\nfile 1900\n"},
)


@pytest.fixture(params=[VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def host(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of group `one` that the memory controller is in."""
    mounted, controller, files = request.param
    monkeypatch.setattr(cgroups, "hierarchies", lambda: tuple(tmp_path / name for name in mounted))
    for name in mounted:
        processes_in(tmp_path / name / "kubeadm-aws/one", 11)
    folder = tmp_path / controller / "kubeadm-aws/one"
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_memory_is_told_in_the_words_of_either_version(host: Path) -> None:
    assert Cgroup("one").memory_limit() == 4 << 30
    assert Cgroup("one").memory_usage() == 3000
    assert Cgroup("one").anonymous_memory() == 1100


def test_a_limit_that_is_none_reads_as_none(host: Path) -> None:
    for name, text in (("memory.limit_in_bytes", "9223372036854771712\n"), ("memory.max", "max\n")):
        if (host / name).exists():
            (host / name).write_text(text)
    assert Cgroup("one").memory_limit() is None


def test_a_group_that_is_not_there_has_no_memory(hierarchies: tuple[Path, Path]) -> None:
    assert Cgroup("one").memory_limit() is None
    assert Cgroup("one").memory_usage() is None
    assert Cgroup("one").anonymous_memory() == 0


def test_ending_removes_empty_groups_below_first(hierarchies: tuple[Path, Path]) -> None:
    for folder in hierarchies:
        (folder / "kubeadm-aws/one/a/b").mkdir(parents=True)
    Cgroup("one").end()
    assert not Cgroup("one").exists()
    cgroups.remove_parent()
    assert not any((folder / "kubeadm-aws").exists() for folder in hierarchies)


def test_a_parent_with_something_in_it_is_not_removed(
    hierarchies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "BUSY_SECONDS", 0)
    monkeypatch.setattr(Path, "rmdir", busy)
    (hierarchies[0] / "kubeadm-aws/one").mkdir(parents=True)
    with pytest.raises(cgroups.CgroupError, match="kubeadm-aws cannot be removed: something is still in it"):
        cgroups.remove_parent()


def busy(_: Path) -> None:
    raise OSError(16, "Device or resource busy")
