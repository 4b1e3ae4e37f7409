"""How far long work is and how long it still takes: a bar on a terminal, elsewhere a line now and then."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

SILENT_SECONDS = 30
TRUSTED_SECONDS = 60
"""For how long the recorded speed counts as much as what this machine has shown so far."""

Reach = Callable[[float], None]
"""Takes how much of a part is done, from 0 to 1."""


class Progress:
    """What is done of parts that take `seconds` each where they were recorded, several of them at once.

    This machine's own speed corrects the estimate while parts get done. A part that nobody planned counts nothing.
    """

    def __init__(
        self, seconds: Mapping[str, float], console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._console, self._clock = dict(seconds), console, clock
        self._done = dict.fromkeys(self._seconds, 0.0)
        self._making: list[str] = []
        self._begin = self._said = clock()
        self._lock = RLock()
        self._bar = Bar(
            *(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), _TimeLeft(self)),
            console=console,
            transient=True,
            disable=not self._seconds or not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=sum(self._seconds.values()))

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, line: str) -> None:
        """Say one line, above the bar."""
        self._console.print(line, markup=False)

    @contextmanager
    def part(self, name: str) -> Iterator[Reach]:
        """While a part is in the making; what it gives takes how far the part is."""
        with self._lock:
            self._making.append(name)
            self._show(silent_seconds=0)
        yield lambda fraction: self._reach(name, fraction)
        with self._lock:
            self._reach(name, 1)
            self._making.remove(name)

    def time_left(self) -> str:
        minutes = round(self._seconds_left() / 60)
        return f"about {minutes} min left" if minutes else "less than a minute left"

    def _seconds_left(self) -> float:
        done = self._seconds_done()
        slowness = (self._clock() - self._begin + TRUSTED_SECONDS) / (done + TRUSTED_SECONDS)
        return (sum(self._seconds.values()) - done) * slowness

    def _seconds_done(self) -> float:
        return sum(self._seconds[name] * fraction for name, fraction in self._done.items())

    def _reach(self, name: str, fraction: float) -> None:
        with self._lock:
            if name in self._done:
                self._done[name] = min(1, max(fraction, self._done[name]))
            self._show(SILENT_SECONDS)

    def _show(self, silent_seconds: float) -> None:
        making = ", ".join(self._making)
        self._bar.update(self._task, completed=self._seconds_done(), description=making)
        if self._console.is_terminal or not self._seconds or self._clock() - self._said < silent_seconds:
            return
        self._said = self._clock()
        share = self._seconds_done() / sum(self._seconds.values())
        self(f"{share:4.0%} done, {self.time_left()}: {making}")


class _TimeLeft(ProgressColumn):
    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def render(self, task: Task) -> Text:
        return Text(self._progress.time_left())
