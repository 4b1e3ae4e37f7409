import io

from rich.console import Console

from region.progress import SILENT_SECONDS, Progress


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def progress_of(clock: Clock, *, terminal: bool = False, **seconds: float) -> tuple[Progress, io.StringIO]:
    said = io.StringIO()
    console = Console(file=said, width=100, force_terminal=terminal, highlight=False)
    return Progress(seconds, console, clock), said


def test_the_time_left_is_told_with_the_first_part_and_is_what_was_recorded():
    progress, said = progress_of(Clock(), compiler=420, image=180)
    with progress, progress.part("compiler"):
        assert said.getvalue() == "  0% done, about 10 min left: compiler\n"


def test_a_machine_that_takes_twice_as_long_is_believed_the_more_the_longer_it_shows():
    clock = Clock()
    progress, _ = progress_of(clock, compiler=600)
    left = []
    with progress.part("compiler") as reach:
        for fraction in (0.1, 0.5, 0.9):
            clock.now = 1000 + 2 * fraction * 600
            reach(fraction)
            left.append(progress.time_left())
    assert left == ["about 14 min left", "about 9 min left", "about 2 min left"]


def test_what_is_done_of_several_parts_at_once_counts_by_their_weight():
    clock = Clock()
    progress, said = progress_of(clock, compiler=300, image=100)
    with progress.part("compiler") as compiler, progress.part("image") as image:
        clock.now += 200
        compiler(0.5)
        image(0.5)
        with progress.part("unplanned"):
            pass
    assert said.getvalue().splitlines()[-1] == " 50% done, about 3 min left: compiler, image, unplanned"
    assert progress.time_left() == "less than a minute left"


def test_a_part_never_goes_backwards():
    clock = Clock()
    progress, _ = progress_of(clock, compiler=600)
    with progress.part("compiler") as reach:
        clock.now += 540
        reach(0.9)
        reach(0.1)
        assert progress.time_left() == "about 1 min left"


def test_a_log_gets_a_line_now_and_then_only():
    clock = Clock()
    progress, said = progress_of(clock, compiler=600)
    with progress, progress.part("compiler") as reach:
        for second in range(2 * SILENT_SECONDS + 1):
            clock.now = 1000 + second
            reach(second / 600)
    assert [line[:9] for line in said.getvalue().splitlines()] == ["  0% done", "  5% done", " 10% done"]


def test_a_terminal_has_a_bar_below_whatever_is_said():
    progress, said = progress_of(Clock(), terminal=True, compiler=600)
    with progress, progress.part("compiler"):
        progress("packages: installing [jq]")
    assert "packages: installing [jq]" in said.getvalue()
    assert "about 10 min left" in said.getvalue()


def test_where_nothing_is_to_be_made_nothing_is_said():
    progress, said = progress_of(Clock())
    with progress, progress.part("image") as reach:
        reach(1)
    assert said.getvalue() == ""


def test_the_line_at_a_parts_end_names_it():
    clock = Clock()
    progress, said = progress_of(clock, compiler=300, image=300)
    with progress.part("compiler"):
        clock.now += SILENT_SECONDS
    assert said.getvalue().splitlines()[-1] == " 50% done, about 1 min left: compiler"
