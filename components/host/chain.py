"""Chain: in a founded cluster machines change one after another, each when the one before is steady again."""

from asyncio import Future
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pulumi


class Chain:
    """`before` has, by node, the one that it waits for; all wait for `started`, for machines that had to be started.

    Those that are `gone` wait for no leave to change, others that are `asked` do. The waiting is the program's alone:
    as edges it would be in the state, and `destroy` would end machine after machine.
    """

    def __init__(
        self,
        before: Mapping[str, str],
        *,
        started: Sequence[pulumi.Resource] = (),
        asked: Collection[str] = (),
        gone: Collection[str] = (),
    ) -> None:
        self._before, self._started, self._gone = before, started, gone
        self._steady: dict[str, Future[pulumi.Resource]] = {name: Future() for name in before.values()}
        self._leave: dict[str, Future[pulumi.Resource]] = {name: Future() for name in asked if name not in gone}

    def is_gone(self, name: str) -> bool:
        """Is there no machine that could be asked yet?"""
        return name in self._gone

    def turn_of_peers(self, name: str) -> pulumi.Output[Sequence[pulumi.Resource]]:
        """What the step `depends_on` that asks whether `name` may change: nothing, but not before its turn."""
        return pulumi.Output.from_input(self._wait(name))

    def turn(self, name: str) -> pulumi.Output[Sequence[pulumi.Resource]]:
        """What a machine `depends_on`: nothing, but only known when it may change."""
        return pulumi.Output.from_input(self._wait(name, self._leave.get(name)))

    def may_change(self, name: str, step: pulumi.Resource) -> None:
        """`step` found that the others can do without `name`."""
        if name in self._leave:
            self._leave[name].set_result(step)

    def is_steady(self, name: str, step: pulumi.Resource) -> None:
        """`step` proves that `name` does its work as before."""
        if name in self._steady:
            self._steady[name].set_result(step)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever is waited for must be declared within it, or who waits would do so without end."""
        failure: Exception = pulumi.RunError("nothing was declared that proves a machine which others wait for")
        try:
            yield
        except Exception as error:
            failure = error
            raise
        finally:
            for promised in (*self._steady.values(), *self._leave.values()):
                if not promised.done():
                    promised.set_exception(failure)

    async def _wait(self, name: str, leave: Future[pulumi.Resource] | None = None) -> Sequence[pulumi.Resource]:
        before = self._before.get(name)
        for step in self._started:
            await step.urn.future()
        for promised in (before and self._steady[before], leave):
            if promised:
                await (await promised).urn.future()
        return []


def one_after_another(names: Sequence[str], at_once: int = 1) -> Mapping[str, str]:
    """Each of `names` after the one `at_once` places before it."""
    return dict(zip(names[at_once:], names, strict=False))
