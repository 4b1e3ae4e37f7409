"""What settings must be to one another, said in words where they are not."""

import re
from ipaddress import IPv4Network
from itertools import combinations

from settings.reading import Configuration
from settings.releases import minor_of, release_of
from settings.values import ZONE_LETTERS, Settings

AWS_ZONES = r"(^|\.)(amazonaws\.com|compute\.internal|ec2\.internal)$"
RULES_OF_A_GROUP = 60


def check(settings: Settings, read: Configuration) -> None:
    """Tell `read` of every setting that does not go with the others."""
    _check_counts(settings, read)
    _check_zones(settings, read)
    _check_networks(settings, read)
    _check_etcd(settings, read)


def _check_counts(settings: Settings, read: Configuration) -> None:
    if read.sound("etcdTopology") and not settings.topology.dedicated and settings.master_count % 2 == 0:
        reason = "it must be odd: an even number of etcd members outlives no more failures than one member fewer"
        read.refuse("masterCount", reason, settings.master_count)
    if read.sound("masterCount", "workerCount", "podCidr"):
        nodes = settings.master_count + settings.worker_count
        room = 1 << (24 - IPv4Network(settings.pod_cidr).prefixlen)
        if nodes > room:
            reason = f"it is too small: each of {nodes} nodes gets a /24 of it, and there are {room}"
            read.refuse("podCidr", reason, settings.pod_cidr)


def _check_zones(settings: Settings, read: Configuration) -> None:
    if not read.sound("availabilityZones"):
        return
    key, zones = "availabilityZones", list(settings.availability_zones)
    strangers = [zone for zone in zones if not zone.startswith(settings.region)]
    if strangers:
        read.refuse(key, f"{', '.join(strangers)}: not in region {settings.region}", zones)
    elif {zone[-1] for zone in zones} - set(ZONE_LETTERS) or len({zone[-1] for zone in zones}) < len(zones):
        read.refuse(key, "each must end with a letter of its own, from a to o: subnets are laid out by it", zones)
    elif (settings.topology.dedicated or settings.master_count > 1) and len(zones) < 3:
        members = "etcd's machines" if settings.topology.dedicated else "the masters"
        read.refuse(key, f"{members} need three at least, or the loss of one zone may take the quorum", zones)


def _check_networks(settings: Settings, read: Configuration) -> None:
    blocks = {"vpcCidr": settings.vpc_cidr, "podCidr": settings.pod_cidr, "serviceCidr": settings.service_cidr}
    for (one, first), (other, second) in combinations(blocks.items(), 2):
        if read.sound(one, other) and IPv4Network(first).overlaps(IPv4Network(second)):
            read.refuse(other, f"it overlaps {one}, {first}: an address would be two things at once", second)
    if read.sound("adminCidrs"):
        if not settings.admin_cidrs:
            reason = "somebody must be let in: name the addresses that you administer the cluster from"
            read.refuse("adminCidrs", reason, [])
        for cidr in settings.admin_cidrs:
            if IPv4Network(cidr).prefixlen < 8:
                reason = f"{cidr} opens the bastion's SSH to the world; name the addresses that you use"
                read.refuse("adminCidrs", reason, list(settings.admin_cidrs))
    if settings.ingress_scheme == "internet-facing" and read.sound("ingressCidrs") and not settings.ingress_cidrs:
        reason = "an internet-facing balancer needs to know who may connect; 0.0.0.0/0 is everybody"
        read.refuse("ingressCidrs", reason, [])
    zone = f"{settings.cluster_name}.{settings.private_zone}"
    if read.sound("clusterName", "privateZone") and re.search(AWS_ZONES, zone):
        read.refuse(
            "privateZone", f"the zone is {zone} then, and that name is AWS's own inside a VPC", settings.private_zone
        )
    _check_rules(settings, read)


def _check_rules(settings: Settings, read: Configuration) -> None:
    if not read.sound("adminCidrs", "nodePorts", "ingressCidrs", "natGateways", "availabilityZones"):
        return
    gateways = 1 if settings.nat_gateways == "one" else len(settings.availability_zones)
    clients = 1 + gateways + len(set(settings.ingress_cidrs) - {settings.vpc_cidr})
    rules = {"adminCidrs": len(settings.admin_cidrs), "nodePorts": len(settings.node_ports) * clients}
    for key, count in rules.items():
        if count > RULES_OF_A_GROUP:
            reason = f"it makes {count} rules of one security group, and AWS grants {RULES_OF_A_GROUP} unasked"
            if key == "nodePorts":
                reason += ": each port has one for the VPC, each NAT gateway and each of ingressCidrs"
            read.refuse(key, reason)


def _check_etcd(settings: Settings, read: Configuration) -> None:
    if (
        read.sound("heartbeatMilliseconds", "electionMilliseconds")
        and 5 * settings.heartbeat_milliseconds > settings.election_milliseconds
    ):
        reason = (
            f"etcd wants five heartbeats in it at least, and heartbeatMilliseconds is {settings.heartbeat_milliseconds}"
        )
        read.refuse("electionMilliseconds", reason, settings.election_milliseconds)
    if not read.sound("kubernetesVersion", "etcdVersion"):
        return
    try:
        release = release_of(settings.kubernetes_version)
    except LookupError as error:
        read.refuse("kubernetesVersion", str(error), settings.kubernetes_version)
        return
    if minor_of(settings.etcd_version) not in release.etcd_minors:
        known = " or ".join(release.etcd_minors)
        reason = f"Kubernetes {minor_of(settings.kubernetes_version)} is supported with etcd {known}"
        read.refuse("etcdVersion", reason, settings.etcd_version)
