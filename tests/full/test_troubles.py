"""The troubles of who runs etcd by hand, each provoked on a real host: told soon and in words, and nothing is lost."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.etcd.manager import STAGE
from region.build.toolchain import Toolchain
from region.fabric import hosts
from region.paths import STATE
from tests.e2e.cluster import Cluster
from tests.full.layout import DEDICATED, STATIC_PODS, addresses, instances
from tests.full.member import Member
from tests.step_text import files, with_file

HOST = "etcd-2"
WRITES_PER_SECOND = 40

SYSTEMD = DEDICATED[0:1]
on_systemd = pytest.mark.parametrize("cluster", SYSTEMD, indirect=True)
on_static_pods = pytest.mark.parametrize("cluster", STATIC_PODS, indirect=True)
on_both = pytest.mark.parametrize("cluster", DEDICATED, indirect=True)

# A here-document's escaped backslashes, pasted into a file: no line goes on in the next.
UNIT = r"""
mkdir -p /etc/systemd/system/etcd.service.d
cat >/etc/systemd/system/etcd.service.d/trial.conf <<'END'
[Service]
ExecStart=
ExecStart=/usr/local/bin/etcd \\
  --name etcd-2 \\
  --data-dir=/var/lib/etcd
END
"""
# A flag that the kubelet had once.
DROP_IN = """
cat >/etc/systemd/system/kubelet.service.d/30-trial.conf <<'END'
[Service]
ExecStart=
ExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --allow-privileged=true
END
"""
LISTENER = """
systemd-run --quiet --unit=trial-listener python3 -m http.server --bind {address} 2380
for _ in {{1..50}}; do
  ! ss --no-header --listening --tcp --numeric 'src = {address} and sport = :2380' | grep --quiet . || exit 0
  sleep 0.2
done
exit 1
"""
# Really another cluster's data, from a member that lived alone for a moment.
FOREIGN_DATA = """
mv /var/lib/etcd/member /var/lib/etcd/member.kept
client=http://127.0.0.1:12379 peer=http://127.0.0.1:12380
read -r user group < <(stat --format '%u %g' /var/lib/etcd)
timeout 30 setpriv --reuid="$user" --regid="$group" --clear-groups /tmp/etcd --name stranger --data-dir /var/lib/etcd \
  --listen-client-urls "$client" --advertise-client-urls "$client" \
  --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "stranger=$peer" \
  >/dev/null 2>&1 &
stranger=$!
for _ in {1..50}; do
  if curl --silent --fail "$client/health" >/dev/null; then
    kill "$stranger"
    wait "$stranger" || true
    exit 0
  fi
  sleep 0.2
done
exit 1
"""
OWN_DATA = """
[[ ! -d /var/lib/etcd/member.kept ]] || {
  rm -rf /var/lib/etcd/member
  mv /var/lib/etcd/member.kept /var/lib/etcd/member
}
"""


@pytest.fixture(scope="module")
def member(cluster: Cluster) -> Member:
    return Member.of(cluster, HOST)


@on_systemd
def test_a_unit_that_systemd_does_not_understand(member: Member) -> None:
    undo = "rm -rf /etc/systemd/system/etcd.service.d; systemctl daemon-reload"
    with member.trouble("unit", provoke=f"{member.stop}\n{UNIT}", undo=undo):
        member.assert_told_soon(member.text, "systemd does not understand etcd's unit", "trial.conf:4")


@on_static_pods
def test_a_kubelet_that_ends_by_itself(member: Member) -> None:
    undo = "rm -f /etc/systemd/system/kubelet.service.d/30-trial.conf; systemctl daemon-reload"
    with member.trouble("kubelet", provoke=f"{member.stop}\n{DROP_IN}", undo=undo):
        member.assert_told_soon(member.text, "the kubelet, which runs etcd here, ends by itself", "allow-privileged")


@on_both
def test_a_certificate_that_is_missing(member: Member) -> None:
    text = with_file(member.text, f"{STAGE}/pki/peer.crt", "")
    with member.trouble("missing"):
        member.assert_told_soon(text, "etcd's peer certificate or its key is missing", f"{member.pki}/peer.crt")


@on_both
def test_a_certificate_of_another_authority(member: Member) -> None:
    certificate, key = foreign_certificate(addresses(member.cluster)[HOST])
    text = with_file(member.text, f"{STAGE}/pki/peer.crt", certificate)
    text = with_file(text, f"{STAGE}/pki/peer.key", key)
    with member.trouble("foreign"):
        member.assert_told_soon(text, "etcd's peer certificate is not from etcd's authority", "verification failed")


@on_both
def test_a_certificate_of_another_member(member: Member) -> None:
    others = files(Member.of(member.cluster, "etcd-1").text)
    text = member.text
    for path in (f"{STAGE}/pki/server.crt", f"{STAGE}/pki/server.key"):
        text = with_file(text, path, others[path])
    with member.trouble("mistaken"):
        member.assert_told_soon(text, "etcd's server certificate is not for this host's address")


@on_both
def test_an_address_in_use(member: Member) -> None:
    address = addresses(member.cluster)[HOST]
    provoke, undo = f"{member.stop}\n{LISTENER.format(address=address)}", "systemctl stop trial-listener"
    with member.trouble("address", provoke=provoke, undo=undo):
        member.assert_told_soon(member.text, "another process of this host is at etcd's address", "python3", address)


@on_both
def test_data_of_another_cluster(member: Member) -> None:
    member.cluster.install_program(HOST, Toolchain().path("etcd"), "/tmp/etcd")
    with member.trouble("data", provoke=f"{member.stop}\n{FOREIGN_DATA}", undo=OWN_DATA):
        member.assert_told_soon(member.text, "the data in /var/lib/etcd/member is another cluster's")


@on_both
def test_data_that_is_gone_is_no_trouble_while_a_quorum_answers(member: Member) -> None:
    with member.trouble("gone", provoke=f"{member.stop}\nrm -rf /var/lib/etcd/member"):
        outcome = member.run(member.text)
        assert outcome.code == 0, outcome.said
        assert f"the machine or the data that was {HOST} is gone: removing its member" in outcome.said


@on_systemd
def test_a_disk_that_is_too_slow(cluster: Cluster) -> None:
    text = cluster.step_text(f"{cluster.name}-etcd-disk-{HOST}")
    with throttled(instances(cluster)[HOST]):
        measured = cluster.ssh_script(HOST, text)
    print(measured.stdout)
    assert measured.returncode == 0, "a slow disk is a warning"
    found = re.search(r"WARNING: this disk is slow for etcd: .* within (\d+\.\d) ms", measured.stdout)
    assert found is not None
    assert float(found[1]) > 10
    assert "etcd wants 10.0 ms at most" in measured.stdout


@contextmanager
def throttled(instance: str) -> Iterator[None]:
    """The host's disk at a few writes a second."""
    name = "blkio.throttle.write_iops_device"
    limit = hosts.cgroup(instance).setting(name)
    if limit is None:
        pytest.skip(f"the machine has no {name}: only cgroup v1 has it")
    device = disk_of(STATE)
    limit.write_text(f"{device} {WRITES_PER_SECOND}")
    try:
        yield
    finally:
        limit.write_text(f"{device} 0")


def disk_of(path: Path) -> str:
    """Major and minor number of the whole disk under a path: partitions cannot be throttled."""
    number = path.stat().st_dev
    device = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()
    disk = device.parent if (device / "partition").exists() else device
    return (disk / "dev").read_text().strip()


def foreign_certificate(address: str) -> tuple[str, str]:
    """A certificate for a member's name and address, and its key, from an authority nobody has heard of."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd-ca")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ip_address(address))]), critical=False
        )
        .sign(authority, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(encoding).decode(), private.decode()
