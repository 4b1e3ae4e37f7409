"""What settings must be to one another, said in words where they are not."""

import re
from ipaddress import IPv4Network
from itertools import combinations

import pulumi

from settings import stack_files
from settings.minors import MINORS, minor_of
from settings.reading import Configuration
from settings.values import ZONE_LETTERS, NetworkSettings, Settings

AWS_ZONES = r"(^|\.)(amazonaws\.com|compute\.internal|ec2\.internal)$"
RULES_OF_A_GROUP = 60


def check(settings: Settings, read: Configuration) -> None:
    """Tell `read` of every setting that does not go with the others."""
    _check_counts(settings, read)
    _check_rollout(settings, read)
    _check_zones(settings, read)
    _check_networks(settings, read)
    _check_etcd(settings, read)
    _check_secrets(settings, read)


def _check_counts(settings: Settings, read: Configuration) -> None:
    masters, pod_cidr = settings.masters.count, settings.kubernetes.pod_cidr
    if read.sound("etcdTopology") and not settings.etcd.topology.dedicated and masters % 2 == 0:
        reason = "it must be odd: an even number of etcd members outlives no more failures than one member fewer"
        read.refuse("masterCount", reason, masters)
    if read.sound("masterCount", "workerCount", "workerPools", "podCidr"):
        nodes = masters + sum(pool.machines.count for pool in settings.pools)
        room = 1 << (24 - IPv4Network(pod_cidr).prefixlen)
        if nodes > room:
            reason = f"it is too small: each of {nodes} nodes gets a /24 of it, and there are {room}"
            read.refuse("podCidr", reason, pod_cidr)


def _check_rollout(settings: Settings, read: Configuration) -> None:
    if settings.image_rollout and settings.masters.count == 1:
        reason = "it would replace the only master, and nobody is left whom its successor could join"
        read.refuse("imageRollout", reason, value=True)


def _check_zones(settings: Settings, read: Configuration) -> None:
    if not read.sound("availabilityZones"):
        return
    key, zones, dedicated = "availabilityZones", list(settings.network.zones), settings.etcd.topology.dedicated
    strangers = [zone for zone in zones if not zone.startswith(settings.region)]
    if strangers:
        read.refuse(key, f"{', '.join(strangers)}: not in region {settings.region}", zones)
    elif {zone[-1] for zone in zones} - set(ZONE_LETTERS) or len({zone[-1] for zone in zones}) < len(zones):
        read.refuse(key, "each must end with a letter of its own, from a to o: subnets are laid out by it", zones)
    elif (dedicated or settings.masters.count > 1) and len(zones) < 3:
        members = "etcd's machines" if dedicated else "the masters"
        read.refuse(key, f"{members} need three at least, or the loss of one zone may take the quorum", zones)


def _check_networks(settings: Settings, read: Configuration) -> None:
    network, kubernetes = settings.network, settings.kubernetes
    blocks = {"vpcCidr": network.vpc_cidr, "podCidr": kubernetes.pod_cidr, "serviceCidr": kubernetes.service_cidr}
    for (one, first), (other, second) in combinations(blocks.items(), 2):
        if read.sound(one, other) and IPv4Network(first).overlaps(IPv4Network(second)):
            read.refuse(other, f"it overlaps {one}, {first}: an address would be two things at once", second)
    if read.sound("adminCidrs"):
        if not network.admin_cidrs:
            reason = "somebody must be let in: name the addresses that you administer the cluster from"
            read.refuse("adminCidrs", reason, [])
        for cidr in network.admin_cidrs:
            if IPv4Network(cidr).prefixlen < 8:
                reason = f"{cidr} opens the bastion's SSH to the world; name the addresses that you use"
                read.refuse("adminCidrs", reason, list(network.admin_cidrs))
    if network.ingress_scheme == "internet-facing" and read.sound("ingressCidrs") and not network.ingress_cidrs:
        reason = "an internet-facing balancer needs to know who may connect; 0.0.0.0/0 is everybody"
        read.refuse("ingressCidrs", reason, [])
    zone = f"{kubernetes.cluster_name}.{kubernetes.private_zone}"
    if read.sound("clusterName", "privateZone") and re.search(AWS_ZONES, zone):
        reason = f"the zone is {zone} then, and that name is AWS's own inside a VPC"
        read.refuse("privateZone", reason, kubernetes.private_zone)
    elif read.sound("clusterName", "privateZone") and re.search(r"(^|\.)local$", zone):
        reason = "resolvers ask no server for names in .local, and cluster.local is what Services have their names from"
        read.refuse("privateZone", reason, kubernetes.private_zone)
    _check_rules(network, read)


def _check_rules(network: NetworkSettings, read: Configuration) -> None:
    if not read.sound("adminCidrs", "nodePorts", "ingressCidrs", "natGateways", "availabilityZones"):
        return
    gateways = 1 if network.nat_gateways == "one" else len(network.zones)
    clients = 1 + gateways + len(set(network.ingress_cidrs) - {network.vpc_cidr})
    rules = {"adminCidrs": len(network.admin_cidrs), "nodePorts": len(network.node_ports) * clients}
    for key, count in rules.items():
        if count > RULES_OF_A_GROUP:
            reason = f"it makes {count} rules of one security group, and AWS grants {RULES_OF_A_GROUP} unasked"
            if key == "nodePorts":
                reason += ": each port has one for the VPC, each NAT gateway and each of ingressCidrs"
            read.refuse(key, reason)


def _check_etcd(settings: Settings, read: Configuration) -> None:
    etcd, version = settings.etcd, settings.kubernetes.version
    heartbeat, election = etcd.heartbeat_milliseconds, etcd.election_milliseconds
    if read.sound("heartbeatMilliseconds", "electionMilliseconds") and 5 * heartbeat > election:
        reason = f"etcd wants five heartbeats in it at least, and heartbeatMilliseconds is {heartbeat}"
        read.refuse("electionMilliseconds", reason, election)
    if not read.sound("kubernetesVersion", "etcdVersion"):
        return
    minor, runs_version = MINORS.get(minor_of(version)), etcd.topology.manager == "systemd"
    if not (runs_version or settings.release or read.is_default("etcdVersion", etcd.version)):
        reason = f"with etcdTopology {etcd.topology.name} Kubernetes' version decides, {etcd.image_tag}: leave it out"
        read.refuse("etcdVersion", reason, etcd.version)
    if minor is None:
        read.refuse("kubernetesVersion", f"this program knows Kubernetes {', '.join(MINORS)}", version)
    elif runs_version and minor_of(etcd.version) not in minor.etcd_minors:
        known = " or ".join(minor.etcd_minors)
        read.refuse("etcdVersion", f"Kubernetes {minor_of(version)} is supported with etcd {known}", etcd.version)


def _check_secrets(settings: Settings, read: Configuration) -> None:
    """Whoever has a passphrase once has all keys of a cluster for good, and nobody sees it used."""
    is_allowed = read.boolean("allowPassphrase") or not settings.deletion_protection
    if not is_allowed and "encryptionsalt" in stack_files.read(pulumi.get_stack()):
        reason = (
            "with deletionProtection this is a cluster to keep, and a passphrase guards its keys. 'pulumi stack "
            "change-secrets-provider awskms://alias/NAME' has a cloud's KMS guard them; or say true here"
        )
        read.refuse("allowPassphrase", reason, value=False)
