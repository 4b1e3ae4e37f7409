"""The full tier: every topology's cluster on one region, one after another, each through the whole of its life."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from region import lifecycle
from region.build.toolchain import Toolchain
from region.progress import Progress
from tests.e2e.cluster import Cluster
from tests.e2e.machine import Traces
from tests.full.checkout import Checkout
from tests.full.inventory import Inventory, inventory
from tests.full.layout import STACKS

STAGES = (
    "test_topologies",
    "test_certificates",
    "test_troubles",
    "test_healing",
    "test_lives",
    "test_restarts",
    "test_unready",
    "test_second_life",
    "test_births",
    "test_end",
    "test_gone",
    "test_stages",
)


@dataclass(frozen=True, kw_only=True)
class Region:
    """Where all the clusters are: the `checkout` that they are made from, the machine as it was `before` them.

    `empty` is what AWS has without any.
    """

    checkout: Checkout
    before: Traces
    empty: Inventory


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One topology's whole life before the next one's begins; what is of no topology comes last."""

    def place(item: pytest.Item) -> tuple[int, int]:
        callspec = getattr(item, "callspec", None)
        life = STACKS.index(callspec.params["cluster"]) if callspec else len(STACKS)
        return life, STAGES.index(item.path.stem)

    items.sort(key=place)


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """Whatever happens, nothing of it is left afterwards."""
    checkout = Checkout.copy(tmp_path_factory.mktemp("checkout"))
    for stack in STACKS:
        checkout.set(stack, workerCount="1")
    any_cluster = Cluster(checkout=checkout.path)
    any_cluster.make("down")
    before = Traces.now()
    lifecycle.start(Progress({}, Console()))
    yield Region(checkout=checkout, before=before, empty=inventory(any_cluster))
    any_cluster.make("down")


@pytest.fixture(scope="session", params=STACKS)
def cluster(request: pytest.FixtureRequest, region: Region) -> Iterator[Cluster]:
    """The stack's cluster, made by the README's command; gone before the next one's."""
    one = Cluster(stack=request.param, checkout=region.checkout.path, etcdctl_program="/opt/etcdctl")
    assert one.make("up").returncode == 0, f"make up STACK={one.stack}; what it printed is above"
    one.install_program("master-0", Toolchain().path("etcdctl"), one.etcdctl_program)
    yield one
    if lifecycle.exists() and one.stack in one.stacks():
        one.destroy()
