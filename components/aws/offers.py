"""What AWS offers in the region: asked before anything is made, since a machine that it refuses is told of too late."""

import re
from collections.abc import Collection, Iterator, Sequence

import pulumi
import pulumi_aws as aws

from components.aws.today import Today
from settings.reading import refuse_all
from settings.values import Settings


def check_offers(settings: Settings, today: Today) -> None:
    """Raises SettingsError with every type of machine that the region has not, or that does not fit its image.

    That is the image of machines that are there and change in place, and for others today's. (The image of one that
    does not change may be gone, and is not asked for.) Disks do not shrink.
    """
    problems = [*_problems(sorted(_wanted(settings, today))), *_shrinking(settings, today)]
    if problems:
        refuse_all([f"{pulumi.get_project()}:{problem}" for problem in problems])


def _shrinking(settings: Settings, today: Today) -> Iterator[str]:
    """Only workers are replaced for another disk."""
    for role, machines in settings.quorum_machines.items():
        name = rf"{settings.kubernetes.cluster_name}-{role}-\d+"
        has = max((one.disk_gib for known, one in today.living.items() if re.fullmatch(name, known)), default=0)
        if machines.disk_gib < has:
            yield f"{role}DiskGib is {machines.disk_gib}: there are disks of {has} GiB, and AWS makes none smaller"


def _problems(wanted: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    kinds = sorted({kind for _, kind, _ in wanted})
    architectures = {image: _architecture(image) for image in sorted({image for _, _, image in wanted})}
    offered = _offered(kinds)
    fitting = {architecture: _offered(kinds, architecture) for architecture in sorted(set(architectures.values()))}
    for key, kind, image in wanted:
        if kind not in offered:
            yield f"{key} is {kind!r}: AWS does not offer it in this region"
        elif kind not in fitting[architectures[image]]:
            yield f"{key} is {kind!r}: its processor is another than that of image {image}, {architectures[image]}"


def _wanted(settings: Settings, today: Today) -> set[tuple[str, str, str]]:
    """The setting that has a type of machines, the type, and an image that it must fit."""
    image = today.image
    in_place = {"bastion": settings.bastion, **settings.quorum_machines}
    wanted = {(f"{role}InstanceType", machines.instance_type, image) for role, machines in in_place.items()}
    if not settings.image_rollout:
        for role, machines in in_place.items():
            name = rf"{settings.kubernetes.cluster_name}-{role}(-\d+)?"
            living = [machine for known, machine in today.living.items() if re.fullmatch(name, known)]
            images = [machine.image for machine in living if machine.instance_type != machines.instance_type]
            wanted |= {(f"{role}InstanceType", machines.instance_type, image) for image in images}
    default, *others = settings.pools
    wanted.add(("workerInstanceType", default.machines.instance_type, image))
    for pool in others:
        wanted.add((f"workerPools.{pool.name}.instanceType", pool.machines.instance_type, pool.image or image))
    return wanted


def _offered(kinds: Sequence[str], architecture: str | None = None) -> Collection[str]:
    filters = [aws.ec2.GetInstanceTypesFilterArgs(name="instance-type", values=list(kinds))]
    if architecture:
        name = "processor-info.supported-architecture"
        filters.append(aws.ec2.GetInstanceTypesFilterArgs(name=name, values=[architecture]))
    return aws.ec2.get_instance_types(filters=filters).instance_types


def _architecture(image: str) -> str:
    """Images are deprecated two years after they were made, and still start machines."""
    by_id = aws.ec2.GetAmiFilterArgs(name="image-id", values=[image])
    return aws.ec2.get_ami(filters=[by_id], include_deprecated=True).architecture
