"""A highly available kubeadm cluster on AWS: settings, then components in the order they are built, then outputs."""

import pulumi

from components.aws.infrastructure import Infrastructure
from components.aws.losses import check_losses
from components.aws.offers import check_offers
from components.aws.strangers import check_strangers
from components.aws.today import look_up
from components.host.known_hosts import known_hosts
from components.kubernetes.cluster import Cluster, ClusterArgs
from components.kubernetes.release import Release, ReleaseArgs
from settings import birth
from settings.promotion import check_promotion
from settings.release import HISTORY, VERIFIED, remember
from settings.source import Source
from settings.ssh_agent import check_agent
from settings.stack import load
from settings.stages import check_stages

settings = load()
check_agent()
source = Source.read()
past = birth.read()
check_promotion(settings.release, settings.promoted_from, source, past)
check_stages(settings, past)
check_strangers(settings, past)
past.check(settings)
today = look_up(settings, past)
check_losses(settings, past, today)
check_offers(settings, today)
release = Release(f"{settings.kubernetes.cluster_name}-release", ReleaseArgs(settings=settings, source=source))
infrastructure = Infrastructure(settings.kubernetes.cluster_name, settings, past, today)
bastion, nodes = infrastructure.bastion, [*infrastructure.masters, *infrastructure.workers, *infrastructure.etcd]
with infrastructure.chain.ended_by_errors():
    cluster = Cluster(
        settings.kubernetes.cluster_name,
        ClusterArgs(
            settings=settings,
            past=past,
            release=release,
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

history = cluster.verified.apply(lambda verified: remember(past.verified, verified))
pulumi.export("release", release.runs)
pulumi.export(VERIFIED, history.apply(lambda proved: proved[-1] if proved else None))
pulumi.export(HISTORY, history)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("apiEndpoint", cluster.api_endpoint)
pulumi.export("ingressEndpoint", infrastructure.ingress_name)
pulumi.export("etcdEndpoints", cluster.etcd_endpoints)
pulumi.export("nodes", [{"name": n.name, "address": n.address, "zone": n.zone, "machine": n.identity} for n in nodes])
pulumi.export("bastionAddress", bastion.address)
pulumi.export("loginUser", settings.login_user)
pulumi.export("sshPrivateKey", bastion.access.private_key)
pulumi.export("sshKnownHosts", known_hosts(bastion.node, bastion.address, nodes))
