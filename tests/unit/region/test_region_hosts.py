import os
from pathlib import Path

import pytest
import yaml

from region.fabric import cloud_init, disks, hosts
from region.fabric.disks import Disk, DiskFile
from region.fabric.host_link import HostLink

SPEC = hosts.HostSpec(
    instance_id="i-0123456789abcdef0",
    hostname="ip-10-0-1-10",
    private_address="10.0.1.10",
    prefix_length=24,
    gateway="10.0.1.1",
    resolver="10.0.0.2",
    router_namespace="ka-vpc-1",
    memory_bytes=4 << 30,
    cpus=2,
    user_data="#cloud-config\nhostname: master-0\n",
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(disks, "HOSTS", tmp_path / "hosts")
    return tmp_path


def test_the_seed_names_the_instance_and_passes_user_data_unread() -> None:
    seed = cloud_init.seed(
        instance_id="i-1", hostname="ip-10-0-1-10", private_address="10.0.1.10", user_data="#!x\n: ["
    )
    assert yaml.safe_load(seed["meta-data"]) == {
        "instance-id": "i-1",
        "local-hostname": "ip-10-0-1-10",
        "local-ipv4": "10.0.1.10",
    }
    assert seed["user-data"] == "#!x\n: ["


def test_the_routers_end_fits_a_links_name() -> None:
    assert HostLink("i-0123456789abcdef0").router_end == "h456789abcdef0"
    assert HostLink("i-0123456789abcdef0").namespace == "ka-i-0123456789abcdef0"
    assert len(HostLink("i-0123456789abcdef0").router_end) <= 15


def test_a_disk_is_whole_and_open_where_the_image_is(state: Path) -> None:
    disk = Disk("i-1")
    files = {"var/lib/seed/user-data": DiskFile("secret", 0o600), "etc/resolv.conf": DiskFile("public", 0o644)}
    before = os.umask(0o077)
    disk.create(state / "image", files)
    os.umask(before)
    assert (disk.upper / "etc/resolv.conf").stat().st_mode & 0o777 == 0o644
    assert (disk.upper / "var/lib/seed/user-data").stat().st_mode & 0o777 == 0o600
    for folder in (".", "var", "var/lib", "var/lib/seed"):
        assert (disk.upper / folder).stat().st_mode & 0o777 == 0o755
    assert disk.overlay_options() == (
        f"lowerdir={state}/image,upperdir={state}/hosts/i-1/disk/upper,workdir={state}/hosts/i-1/disk/work"
    )
    assert list(disk.binds().values()) == ["/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd"]
    assert all(outside.is_dir() for outside in disk.binds())


def test_a_half_made_disk_is_known_and_made_anew(state: Path) -> None:
    half = disks.HOSTS / "i-1/disk.new/upper/etc"
    half.mkdir(parents=True)
    (half / "stale").write_text("")
    assert disks.known() == {"i-1"}
    assert not Disk("i-1").exists()
    Disk("i-1").create(state / "image", {})
    assert not (Disk("i-1").upper / "etc/stale").exists()


def test_a_removed_disk_is_unknown(state: Path) -> None:
    Disk("i-1").create(state / "image", {})
    Disk("i-1").remove()
    Disk("i-1").remove()
    assert disks.known() == set()


def test_a_host_without_power_does_not_run_whatever_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts.processes, "running_names", lambda: {"host-i-1", "host-i-2", "daemon"})
    Disk("i-1").folder.mkdir(parents=True)
    Disk("i-1").switch.touch()
    assert hosts.running() == {"i-1"}


def test_known_is_whatever_left_a_disk_a_control_group_or_a_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts.cgroups, "names", lambda: {"host-i-2", "daemon"})
    monkeypatch.setattr(hosts.namespaces, "names", lambda: {"ka-i-3", "ka-internet", "ka-vpc-1"})
    Disk("i-1").folder.mkdir(parents=True)
    assert hosts.all_known() == {"i-1", "i-2", "i-3"}


def test_first_files_are_the_seed_and_the_resolver() -> None:
    files = hosts.first_files(SPEC)
    assert files["etc/resolv.conf"] == DiskFile("nameserver 10.0.0.2\n", 0o644)
    assert files["var/lib/cloud/seed/nocloud/user-data"] == DiskFile(SPEC.user_data, 0o600)
    assert set(files) == {
        "etc/resolv.conf",
        "var/lib/cloud/seed/nocloud/meta-data",
        "var/lib/cloud/seed/nocloud/user-data",
    }
