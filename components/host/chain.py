"""Chain: in a founded cluster machines change one after another, each when the one before is steady again."""

from asyncio import Future
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pulumi


class Chain:
    """`before` has, by node, those that it waits for; all wait for `started`, for machines that had to be started.

    Those that are `gone` wait for no leave to change, others that are `asked` do. The waiting is the program's alone:
    as edges it would be in the state, and `destroy` would end machine after machine.
    """

    def __init__(
        self,
        before: Mapping[str, Sequence[str]],
        *,
        started: Sequence[pulumi.Resource] = (),
        asked: Collection[str] = (),
        gone: Collection[str] = (),
    ) -> None:
        self._before, self._started, self._gone = before, started, gone
        others = {other for those in before.values() for other in those}
        self._steady: dict[str, Future[pulumi.Resource]] = {name: Future() for name in others}
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
    def ended_by_errors(self) -> Iterator[None]:
        """After an error in it nobody waits any more for what the program did not come to declare."""
        try:
            yield
        except Exception as error:
            for promised in (*self._steady.values(), *self._leave.values()):
                if not promised.done():
                    promised.set_exception(error)
            raise

    async def _wait(self, name: str, leave: Future[pulumi.Resource] | None = None) -> Sequence[pulumi.Resource]:
        for step in self._started:
            await step.urn.future()
        for promised in (*(self._steady[other] for other in self._before.get(name, ())), *([leave] if leave else [])):
            await (await promised).urn.future()
        return []


def one_after_another(names: Sequence[str], at_once: int = 1) -> Mapping[str, Sequence[str]]:
    """Each of `names` after the one `at_once` places before it."""
    return {name: [before] for before, name in zip(names, names[at_once:], strict=False)}
