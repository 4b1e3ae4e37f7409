"""How long work says what it is doing."""

from collections.abc import Callable

Report = Callable[[str], None]
"""Takes one line of progress."""
