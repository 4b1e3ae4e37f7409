"""A highly available kubeadm cluster on AWS: settings, then components in the order they are built, then outputs."""

import pulumi

from components.aws.infrastructure import Infrastructure
from components.aws.losses import check_losses
from components.aws.offers import check_offers
from components.aws.today import look_up
from components.host.known_hosts import known_hosts
from components.kubernetes.cluster import Cluster, ClusterArgs
from settings import birth
from settings.ssh_agent import check_agent
from settings.stack import load

settings = load()
check_agent()
past = birth.read()
past.check(settings)
today = look_up(settings, past)
check_losses(settings, past, today)
check_offers(settings, today)
infrastructure = Infrastructure(settings.kubernetes.cluster_name, settings, past, today)
bastion, nodes = infrastructure.bastion, [*infrastructure.masters, *infrastructure.workers, *infrastructure.etcd]
with infrastructure.chain.ended_by_errors():
    cluster = Cluster(
        settings.kubernetes.cluster_name,
        ClusterArgs(
            settings=settings,
            past=past,
            firewall=infrastructure.firewall,
            chain=infrastructure.chain,
            bastion=bastion.node,
            masters=infrastructure.masters,
            workers=infrastructure.workers,
            etcd_machines=infrastructure.etcd,
            named=infrastructure.named,
            reachable=infrastructure.reachable,
            ingress_name=infrastructure.ingress_name,
            served=infrastructure.served,
            attached=infrastructure.attached,
        ),
    )

pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("apiEndpoint", cluster.api_endpoint)
pulumi.export("ingressEndpoint", infrastructure.ingress_name)
pulumi.export("etcdEndpoints", cluster.etcd_endpoints)
pulumi.export("nodes", [{"name": n.name, "address": n.address, "zone": n.zone, "machine": n.identity} for n in nodes])
pulumi.export("bastionAddress", bastion.address)
pulumi.export("loginUser", settings.login_user)
pulumi.export("sshPrivateKey", bastion.access.private_key)
pulumi.export("sshKnownHosts", known_hosts(bastion.node, bastion.address, nodes))
