"""A VPC's DNS: one dnsmasq on the resolver's address that knows the VPC's names and nobody to ask about others."""

import signal
from collections.abc import Iterator

from region.cloud.world import Record, Vpc
from region.fabric import router
from region.fabric.processes import Process
from region.paths import RUN

PREFIX = "names-"
FOLDER = RUN / "names"


def process(vpc_id: str) -> Process:
    return Process(
        name=f"{PREFIX}{vpc_id}",
        argv=("dnsmasq", "--keep-in-foreground", f"--conf-file={FOLDER / vpc_id}.conf"),
        netns=router.namespace(vpc_id),
    )


def apply(vpc: Vpc) -> None:
    """Run dnsmasq as the VPC says. Addresses are read anew in place, anything else takes a restart (0.1 s)."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    dnsmasq, applied = process(vpc.vpc_id), FOLDER / f"{vpc.vpc_id}.applied"
    settings, addresses = render_settings(vpc), render_addresses(vpc)
    running = dnsmasq.running()
    if running and applied.exists() and applied.read_text() == settings + addresses:
        return
    (FOLDER / f"{vpc.vpc_id}.hosts").write_text(addresses)
    path = FOLDER / f"{vpc.vpc_id}.conf"
    if running and path.exists() and path.read_text() == settings:
        dnsmasq.cgroup.signal(signal.SIGHUP)
    else:
        dnsmasq.stop()
        path.write_text(settings)
        dnsmasq.start()
    applied.write_text(settings + addresses)


def remove(vpc_id: str) -> None:
    process(vpc_id).stop()
    for path in FOLDER.glob(f"{vpc_id}.*"):
        path.unlink(missing_ok=True)


def render_settings(vpc: Vpc) -> str:
    """dnsmasq's configuration: where it listens, and every record that is no address."""
    lines = [
        "user=root",
        "no-resolv",
        "no-hosts",
        "bind-interfaces",
        f"listen-address={vpc.resolver}",
        "local-ttl=5",
        f"addn-hosts={FOLDER / vpc.vpc_id}.hosts",
        # Nobody to ask: every other name does not exist.
        "address=/#/",
    ]
    lines += [line for zone in vpc.zones for record in zone.records for line in _setting(record)]
    return "\n".join(lines) + "\n"


def render_addresses(vpc: Vpc) -> str:
    """Names with addresses, in the form of /etc/hosts: instances, balancers, private zones."""
    lines = [f"{host.address} {host.dns_name}" for host in vpc.hosts]
    lines += [
        f"{address.public_address or address.address} {balancer.dns_name.lower()}"
        for balancer in vpc.balancers
        for address in balancer.addresses
    ]
    lines += [
        f"{value} {record.name}"
        for zone in vpc.zones
        for record in zone.records
        if record.type == "A"
        for value in record.values
    ]
    return "\n".join(lines) + "\n"


def _setting(record: Record) -> Iterator[str]:
    if record.type == "CNAME":
        yield f"cname={record.name},{record.values[0].rstrip('.').lower()}"
    elif record.type == "TXT":
        yield from (f"txt-record={record.name},{value}" for value in record.values)
