"""Memory and processors of the instance types that the region offers, as AWS lists them."""

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    memory_bytes: int
    cpus: int


INSTANCE_TYPES = {
    name: InstanceType(memory_bytes=int(gib * GIB), cpus=cpus)
    for name, gib, cpus in (
        ("t2.nano", 0.5, 1),
        ("t2.micro", 1, 1),
        ("t2.small", 2, 1),
        ("t2.medium", 4, 2),
        ("t2.large", 8, 2),
        ("t3.nano", 0.5, 2),
        ("t3.micro", 1, 2),
        ("t3.small", 2, 2),
        ("t3.medium", 4, 2),
        ("t3.large", 8, 2),
        ("t3.xlarge", 16, 4),
        ("m5.large", 8, 2),
        ("m5.xlarge", 16, 4),
        ("m6i.large", 8, 2),
        ("m6i.xlarge", 16, 4),
    )
}
