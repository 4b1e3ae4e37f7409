"""A birth does not depend on luck: the same machines get one cluster after another, busy with other work or not."""

import pytest

from tests.bench.births import found_again
from tests.e2e.cluster import Cluster, ready
from tests.full.layout import MASTERS, WORKER


@pytest.mark.parametrize("cluster", ["local"], indirect=True)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_birth_succeeds(cluster: Cluster, number: int) -> None:
    birth = found_again(cluster, busy=number % 2 == 0)
    print(f"born in {birth.seconds:.0f} s")
    assert ready(cluster.get("nodes")) == {*MASTERS, WORKER}
