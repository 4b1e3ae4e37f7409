import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from region import preflight, probes
from region.build import packages
from region.fabric import leftovers
from region.progress import Progress

DEBIAN = {"ID": "debian", "PRETTY_NAME": "Debian 12"}


@pytest.mark.parametrize(
    ("release", "machine", "expected"),
    [
        (DEBIAN, "x86_64", []),
        ({"ID": "ubuntu"}, "x86_64", []),
        ({"ID": "pop", "ID_LIKE": "ubuntu debian"}, "x86_64", []),
        (
            {"ID": "fedora", "PRETTY_NAME": "Fedora 45"},
            "x86_64",
            ["this is Fedora 45: the region runs on Debian and Ubuntu"],
        ),
        (DEBIAN, "aarch64", ["the processor is aarch64: the region's hosts are x86_64"]),
    ],
)
def test_system(release: dict[str, str], machine: str, expected: list[str]) -> None:
    assert list(preflight.system_problems(release, machine)) == expected


@pytest.mark.parametrize(
    ("go", "python", "expected"),
    [
        ((1, 26, 8), (3, 11), []),
        ((1, 27), (3, 11), []),
        ((2, 0), (3, 13), []),
        (None, (3, 11), ["Go is not on PATH: install 1.26.8 or later"]),
        ((1, 26, 2), (3, 11), ["Go is 1.26.2: install 1.26.8 or later"]),
        ((1, 9), (3, 9), ["Go is 1.9: install 1.26.8 or later", "Python is 3.9: install 3.11 or later"]),
    ],
)
def test_versions(go: tuple[int, ...] | None, python: tuple[int, ...], expected: list[str]) -> None:
    assert list(preflight.version_problems(go, python)) == expected


def test_memory_that_is_available_counts() -> None:
    assert not list(preflight.memory_problems("MemFree: 1 kB\nMemAvailable:    8388608 kB\n"))
    assert list(preflight.memory_problems("MemTotal: 99999999 kB\nMemAvailable:    4194304 kB\n")) == [
        "4.0 GiB of memory are available: 8 GiB are needed"
    ]


def test_folders_of_one_disk_share_what_is_free(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert not list(preflight.disk_problems({one: 0, two: 0}))
    (problem,) = preflight.disk_problems({one: 1_000_000, two: 2_000_000})
    assert re.fullmatch(rf"[\d.]+ GiB are free on the disk of {one} and {two}: 3000000 GiB are needed", problem)


@pytest.mark.parametrize(("free", "problems"), [(200, 0), (158, 0), (156, 1), (30, 1)])
def test_a_disk_on_which_kubelets_would_evict_pods_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, problems: int
) -> None:
    usage = SimpleNamespace(total=1000 * preflight.GIB, free=free * preflight.GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    assert len(list(preflight.eviction_problems(tmp_path, 7))) == problems


def test_addresses_of_the_region_are_free() -> None:
    links = [{"ifname": "eth0", "addr_info": [{"local": "192.0.2.5"}, {"local": "203.0.113.7"}]}]
    routes = [{"dst": "default"}, {"dst": "192.0.2.0/24"}, {"dst": "198.51.0.0/16"}, {"dst": "10.0.0.1"}]
    assert list(preflight.address_problems(links, routes)) == [
        "203.0.113.7 on eth0 is in a range the region uses: 198.51.100.0/24, 203.0.113.0/24",
        "the route to 198.51.0.0/16 is in a range the region uses: 198.51.100.0/24, 203.0.113.0/24",
    ]


def test_everything_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_problems", lambda: iter(["no memory", "no disk"]))
    with pytest.raises(preflight.PreflightError, match=r"cannot hold the region:\n- no memory\n- no disk$"):
        preflight.check()


def test_packages_that_are_only_configured_are_not_installed() -> None:
    listed = "jq installed\nhaproxy config-files\ngcc not-installed\n"
    assert packages.not_installed(["jq", "haproxy", "gcc", "skopeo"], listed) == ["haproxy", "gcc", "skopeo"]


def test_nothing_is_run_when_no_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda: [])
    monkeypatch.setattr(packages, "_apt", lambda argv: pytest.fail(f"apt-get {argv}"))
    preflight.install_packages(Progress({}, Console()))


def test_a_user_is_told_the_command_that_root_must_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda: ["jq", "gcc"])
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    with pytest.raises(preflight.PreflightError, match="apt-get install --no-install-recommends jq gcc"):
        preflight.install_packages(Progress({}, Console()))


def test_a_policy_against_services_lasts_as_long_as_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", policy)
    with packages.no_services():
        assert policy.stat().st_mode & 0o111
        assert "exit 101" in policy.read_text()
    assert not policy.exists()


def test_a_policy_of_the_machine_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    monkeypatch.setattr(packages, "POLICY", policy)
    with packages.no_services():
        pass
    assert policy.read_text() == "#!/bin/sh\nexit 101\n"


def test_a_controller_is_in_a_hierarchy_of_its_own_or_offered_by_the_unified_one(tmp_path: Path) -> None:
    unified, memory = tmp_path / "unified", tmp_path / "memory"
    unified.mkdir()
    (unified / "cgroup.controllers").write_text("cpu pids\n")
    assert probes.has_controller("memory", (memory, unified))
    assert probes.has_controller("pids", (memory, unified))
    assert not probes.has_controller("cpuset", (memory, unified))


def test_links_of_a_namespace_are_named_without_their_peers() -> None:
    listed = "lo UNKNOWN 00:00\neth0@if2 UP 26:02\ncni0 DOWN 00:01\n"
    assert list(leftovers.link_names(listed)) == ["eth0", "cni0"]


def test_mount_points_with_blanks_are_read_as_the_kernel_writes_them() -> None:
    assert leftovers.unescaped(r"/run/kubeadm-aws/a\040b") == Path("/run/kubeadm-aws/a b")
