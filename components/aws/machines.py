"""Machines: the EC2 instances of one role, as a list of Node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
import pulumi_tls as tls
from pulumi_command.remote import ConnectionArgs, ProxyConnectionArgs

from components.aws.fleet import Fleet
from components.aws.network import Network
from components.host.chain import Chain
from components.host.first_boot import first_boot
from components.host.node import Node
from settings.values import MachineSettings, WorkerPool

Role = Literal["master", "worker", "etcd"]
# Machines whose successors must be found at the same address, and where theirs begin among a zone's reserved ones.
FIXED_ADDRESSES: Mapping[Role, int] = {"master": 0, "etcd": 8}
# Dials back off to 5 s, so that is some minutes: a machine that has answered before is rebooting, or gone.
DIAL_ERROR_LIMIT = 60


@dataclass(frozen=True, kw_only=True)
class Access:
    """How the program logs in: the user and the key that it made for itself, the private half secret."""

    user: str
    private_key: pulumi.Output[str]
    authorized_key: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a machine is in the network. No `address`: the subnet gives it one."""

    subnet_id: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class HostKey:
    """A machine's SSH identity in OpenSSH's formats, the private half secret."""

    private: pulumi.Output[str]
    public: pulumi.Output[str]


def make_host_key(name: str, parent: pulumi.Resource) -> HostKey:
    """A host key that is known before the machine is, so that no connection ever trusts the first answer."""
    key = tls.PrivateKey(name, algorithm="ED25519", opts=pulumi.ResourceOptions(parent=parent))
    return HostKey(
        private=pulumi.Output.secret(key.private_key_openssh), public=key.public_key_openssh.apply(str.strip)
    )


def make_machine(
    name: str,
    hostname: str,
    image: pulumi.Input[str],
    settings: MachineSettings,
    place: Place,
    host_key: HostKey,
    authorized_key: pulumi.Input[str],
    tags: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    spot: bool = False,
    keep: bool = False,
) -> aws.ec2.Instance:
    """One instance. Other user data or another key never end a living one.

    One to `keep` is ended by nobody but Pulumi, who knows of it from the machine's birth on (`force_destroy`).
    """
    user_data = pulumi.Output.all(host_key.private, host_key.public, authorized_key).apply(
        lambda keys: first_boot(
            hostname=hostname, host_private_key=keys[0], host_public_key=keys[1], authorized_key=keys[2]
        )
    )
    tags = {**tags, "Name": name}
    return aws.ec2.Instance(
        name,
        ami=image,
        instance_type=settings.instance_type,
        subnet_id=place.subnet_id,
        private_ip=place.address,
        vpc_security_group_ids=[place.security_group_id],
        user_data=user_data,
        # One hop is as far as the host itself: no pod reads the host key out of the user data.
        metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        credit_specification=_credits(settings.instance_type),
        disable_api_termination=keep,
        force_destroy=keep,
        instance_market_options=aws.ec2.InstanceInstanceMarketOptionsArgs(market_type="spot") if spot else None,
        root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
            volume_type="gp3", volume_size=settings.disk_gib, encrypted=True, delete_on_termination=True
        ),
        tags=tags,
        volume_tags=tags,
        opts=pulumi.ResourceOptions.merge(
            # The next machine has the same fixed address and the same name.
            pulumi.ResourceOptions(ignore_changes=["user_data", "key_name"], delete_before_replace=True),
            opts,
        ),
    )


def made_of(settings: MachineSettings, starts: int = 0) -> str:
    """What changes when a machine that stays the same was stopped, in words."""
    return f"{settings.instance_type}, {settings.disk_gib} GiB" + (f", started {starts} times" if starts else "")


def _credits(instance_type: str) -> aws.ec2.InstanceCreditSpecificationArgs | None:
    """A burstable machine that is throttled for want of credits misses etcd's heartbeats."""
    burstable = instance_type.startswith("t") and instance_type[1:2].isdigit()
    return aws.ec2.InstanceCreditSpecificationArgs(cpu_credits="unlimited") if burstable else None


@dataclass(frozen=True, kw_only=True)
class MachinesArgs:
    """What the machines of one role, or of one pool of workers, have in common.

    `chain` says when a living one may change. Those to `keep` nobody ends by hand.
    """

    role: Role
    settings: MachineSettings
    keep: bool
    pool: WorkerPool | None = None
    fleet: Fleet
    chain: Chain
    network: Network
    security_group_id: pulumi.Input[str]
    access: Access
    bastion: ProxyConnectionArgs
    tags: Mapping[str, pulumi.Input[str]]


class Machines(pulumi.ComponentResource):
    """`nodes` are named after their pool or role and numbered; number n is in zone n, counted round."""

    nodes: list[Node]

    def __init__(self, name: str, args: MachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Machines", name, None, opts)
        zones = list(args.network.plan)
        self.nodes = [self._node(name, args, ordinal, zones) for ordinal in range(args.settings.count)]
        self.register_outputs({})

    def _node(self, name: str, args: MachinesArgs, ordinal: int, zones: Sequence[str]) -> Node:
        zone, hostname = zones[ordinal % len(zones)], f"{args.pool.name if args.pool else args.role}-{ordinal}"
        first = FIXED_ADDRESSES.get(args.role)
        address = None if first is None else str(args.network.plan[zone].reserved[first + ordinal])
        resource = f"{name}-{ordinal}"
        host_key = make_host_key(resource, self)
        image = args.fleet.image(resource, zone, args.pool)
        change = args.fleet.changes.get(resource)
        machine = make_machine(
            resource,
            hostname,
            image,
            args.settings,
            Place(
                subnet_id=args.network.private_subnet_ids[zone],
                security_group_id=args.security_group_id,
                address=address,
            ),
            host_key,
            args.access.authorized_key,
            args.tags,
            pulumi.ResourceOptions(
                parent=self,
                depends_on=args.chain.turn(hostname),
                # A worker is drained before it ends, but not before it is stopped.
                replace_on_changes=["instanceType", "rootBlockDevice.volumeSize"] if args.role == "worker" else None,
            ),
            spot=args.pool is not None and args.pool.spot,
            keep=args.keep,
        )
        return Node(
            name=hostname,
            address=address or machine.private_ip,
            zone=zone,
            connection=ConnectionArgs(
                host=address or machine.private_ip,
                user=args.access.user,
                private_key=args.access.private_key,
                host_key=host_key.public,
                dial_error_limit=DIAL_ERROR_LIMIT,
                proxy=args.bastion,
            ),
            identity=machine.id,
            made_of=made_of(args.settings, args.fleet.starts.get(resource, 0)),
            wanted=f"{made_of(args.settings)}, {image}" + (f", change {change}" if change else ""),
            machine=machine,
            running=args.fleet.running(resource, machine),
            host_key=host_key.public,
            pool=args.pool,
        )
