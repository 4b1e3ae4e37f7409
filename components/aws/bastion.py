"""Bastion: the only machine that the internet can reach, and the way to all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_tls as tls
from pulumi_command.remote import ConnectionArgs, ProxyConnectionArgs

from components.aws.fleet import Fleet
from components.aws.machines import Access, Place, made_of, make_host_key, make_machine
from components.aws.network import Network
from components.host.node import Node
from components.host.step import remote_step
from settings.values import MachineSettings

HOSTNAME = "bastion"
# A booting machine refuses for a minute or two, one that lets nobody in is silent; dials back off to 5 s. So it is some
# minutes until somebody is told who is not among adminCidrs.
DIAL_ERROR_LIMIT, DIAL_SECONDS = 40, 5


def explain(failure: pulumi.ErrorHookArgs) -> bool:
    """Name the setting that whoever cannot get in should look at; the plugin knows of none. There is no other try."""
    if any("i/o timeout" in error for error in failure.errors):
        pulumi.log.error(
            "the bastion is silent to whoever does not come from kubeadm-aws:adminCidrs: is this machine's address, as "
            "the internet sees it, among them?"
        )
    return False


@dataclass(frozen=True, kw_only=True)
class BastionArgs:
    """`protect` is for the address that administrators know.

    `ready` is what there must be before it, and any machine behind it, can be reached and reach the internet.
    """

    network: Network
    security_group_id: pulumi.Input[str]
    fleet: Fleet
    settings: MachineSettings
    login_user: str
    protect: bool
    ready: Sequence[pulumi.Resource]
    tags: Mapping[str, pulumi.Input[str]]


class Bastion(pulumi.ComponentResource):
    """`access` opens every machine of the cluster, `proxy` leads to those behind the bastion.

    What uses `node` or `proxy` waits until the bastion is prepared for it.
    """

    access: Access
    node: Node
    proxy: ProxyConnectionArgs
    address: pulumi.Output[str]

    def __init__(self, name: str, args: BastionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Bastion", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        login = tls.PrivateKey(f"{name}-login", algorithm="ED25519", opts=child)
        self.access = Access(
            user=args.login_user,
            private_key=pulumi.Output.secret(login.private_key_openssh),
            authorized_key=login.public_key_openssh.apply(str.strip),
        )
        host_key = make_host_key(name, self)
        zone, subnet_id = next(iter(args.network.public_subnet_ids.items()))
        place = Place(subnet_id=subnet_id, security_group_id=args.security_group_id)
        machine = make_machine(
            name,
            HOSTNAME,
            args.fleet.image(name),
            args.settings,
            place,
            host_key,
            self.access.authorized_key,
            args.tags,
            child,
        )
        address = aws.ec2.Eip(
            name,
            domain="vpc",
            tags={**args.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        association = aws.ec2.EipAssociation(name, allocation_id=address.id, instance_id=machine.id, opts=child)
        self.address = address.public_ip

        login_by: dict[str, Any] = {
            "user": self.access.user,
            "private_key": self.access.private_key,
            "host_key": host_key.public,
            "dial_error_limit": DIAL_ERROR_LIMIT,
            "per_dial_timeout": DIAL_SECONDS,
        }
        booting = Node(
            name=HOSTNAME,
            address=machine.private_ip,
            zone=zone,
            connection=ConnectionArgs(host=self.address, **login_by),
            identity=machine.id,
            made_of=made_of(args.settings, args.fleet.starts.get(name, 0)),
            wanted="",
            machine=machine,
            running=args.fleet.running(name, machine),
            host_key=host_key.public,
        )
        prepared = remote_step(
            f"{name}-prepare",
            booting,
            "host/prepare-bastion.sh",
            settings={"MADE_OF": booting.made_of},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[booting.running, association, *args.ready],
                hooks=pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("bastion-is-silent", explain)]),
            ),
        )
        # The same address, known no sooner than the bastion is prepared.
        host = pulumi.Output.all(self.address, prepared.id).apply(lambda known: known[0])
        self.node = replace(booting, connection=ConnectionArgs(host=host, **login_by))
        self.proxy = ProxyConnectionArgs(host=host, **login_by)
        self.register_outputs({"address": self.address})
