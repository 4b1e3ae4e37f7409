"""What AWS offers in the region: asked before anything is made, since a machine that it refuses is told of too late."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.aws.machines import resolve_image
from settings.reading import refuse_all
from settings.values import Settings


def check_offers(settings: Settings) -> None:
    """Raises SettingsError with every type of machine that the region has not, or that does not fit its image."""
    image = resolve_image(settings.machine_image, settings.machine_image_parameter)
    problems = [f"{pulumi.get_project()}:{problem}" for problem in _problems(settings, image)]
    if problems:
        refuse_all(problems)


def _problems(settings: Settings, image: str) -> Iterator[str]:
    images = {image, *(pool.image for pool in settings.pools if pool.image)}
    architectures = {image: _architecture(image) for image in sorted(images)}
    machines = {**_types(settings, image)}
    kinds = sorted({kind for kind, _ in machines.values()})
    offered = _offered(kinds)
    fitting = {architecture: _offered(kinds, architecture) for architecture in set(architectures.values())}
    for key, (kind, its_image) in machines.items():
        architecture = architectures[its_image]
        if kind not in offered:
            yield f"{key} is {kind!r}: AWS does not offer it in region {settings.region}"
        elif kind not in fitting[architecture]:
            yield f"{key} is {kind!r}: its processor is another than that of image {its_image}, {architecture}"


def _types(settings: Settings, image: str) -> Mapping[str, tuple[str, str]]:
    """Type and image of each kind of machine, by the setting that has the type."""
    pools = {f"workerPools.{pool.name}.instanceType": pool for pool in settings.pools[1:]}
    kinds = {
        "bastionInstanceType": settings.bastion.instance_type,
        "masterInstanceType": settings.masters.instance_type,
        "workerInstanceType": settings.pools[0].machines.instance_type,
        **({"etcdInstanceType": settings.etcd_machines.instance_type} if settings.etcd.topology.dedicated else {}),
    }
    return {
        **{key: (kind, image) for key, kind in kinds.items()},
        **{key: (pool.machines.instance_type, pool.image or image) for key, pool in pools.items()},
    }


def _offered(kinds: Sequence[str], architecture: str | None = None) -> Collection[str]:
    filters = [aws.ec2.GetInstanceTypesFilterArgs(name="instance-type", values=list(kinds))]
    if architecture:
        name = "processor-info.supported-architecture"
        filters.append(aws.ec2.GetInstanceTypesFilterArgs(name=name, values=[architecture]))
    return aws.ec2.get_instance_types(filters=filters).instance_types


def _architecture(image: str) -> str:
    return aws.ec2.get_ami(filters=[aws.ec2.GetAmiFilterArgs(name="image-id", values=[image])]).architecture
