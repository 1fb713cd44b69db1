"""Where a run tells people how far it is: a terminal, a notebook, or a log file."""

import html
import math
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gengen.training.status import Status, fitted

if TYPE_CHECKING:
    from rich.console import RenderableType

REDRAWN = 0.25
"""Seconds between two pictures of a status."""

WIDTH = 100
"""Characters of a line in a notebook, which does not say how wide it is."""

LONGEST, SHORTEST = 40, 8
"""Characters of a bar, at most and at least."""


class Screen(Protocol):
    """What shows how far a run is."""

    def show(self, status: Status, *, line: bool) -> None:
        """Shows where the run is; `line` is whether that is worth a line in a log file."""

    def say(self, head: str, parts: Sequence[str]) -> None:
        """Says for good what has happened: what stands first, and as many of the parts as fit into the line."""

    def close(self) -> None:
        """Leaves the last status where it is."""


def screen_of(*, watched: bool) -> Screen:
    """Where to show how far a run is.

    Args:
      watched: whether this process shows anything at all.
    """
    if not watched or sys.stderr is None:
        return Nowhere()
    if in_notebook():
        return Notebook()
    return Terminal() if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown") else Log()


class Nowhere:
    """Shows nothing."""

    def show(self, status: Status, *, line: bool) -> None:
        """Does nothing."""

    def say(self, head: str, parts: Sequence[str]) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class Log:
    """Lines on standard error, of any length: nothing in them moves."""

    def show(self, status: Status, *, line: bool) -> None:
        """Prints a status that is worth a line."""
        if line:
            print("step", "  ".join([*status.figures(), *status.readings()]), file=sys.stderr)

    def say(self, head: str, parts: Sequence[str]) -> None:
        """Prints all that there is to say."""
        print(f"{head}  {', '.join(parts)}", file=sys.stderr)

    def close(self) -> None:
        """Does nothing."""


class Notebook:
    """A bar that IPython draws anew, without widgets, and lines below it."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn, self._shown = -math.inf, {"text/plain": ""}

    def show(self, status: Status, *, line: bool) -> None:
        """Draws a status, if the one before is not too young."""
        share = f'<progress max="{status.steps}" value="{status.step}"></progress>'
        figures, readings = (fitted(parts, WIDTH, "  ") for parts in (status.figures(), status.readings()))
        text = f"{figures}\n{readings}"
        self._shown = {"text/plain": text, "text/html": f"{share}<pre>{html.escape(text)}</pre>"}
        if time.monotonic() - self._drawn >= REDRAWN:
            self._draw()

    def say(self, head: str, parts: Sequence[str]) -> None:
        """Prints as much as fits into a line."""
        print(f"{head}  {fitted(parts, WIDTH - len(head) - 2, ', ')}")

    def close(self) -> None:
        """Draws the last status, if there was any."""
        if self._handle:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display  # there is one where there is a notebook

        self._drawn = time.monotonic()
        if self._handle:
            self._handle.update(self._shown, raw=True)
        else:
            self._handle = display(self._shown, raw=True, display_id=True)


class Terminal:
    """A bar and a line of numbers at the bottom of a terminal; what is printed meanwhile comes above them."""

    def __init__(self) -> None:
        from rich.console import Console  # only here is it needed
        from rich.live import Live

        self._status: Status | None = None
        self._console = Console(stderr=True, force_terminal=True, force_jupyter=False, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=1 / REDRAWN,
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )

    def show(self, status: Status, *, line: bool) -> None:
        """Keeps a status, which is drawn a few times a second."""
        self._status = status
        if not self._live.is_started:
            self._live.start()

    def say(self, head: str, parts: Sequence[str]) -> None:
        """Prints as much as fits into a line above the bar."""
        text = f"{head}  {fitted(parts, self._width - len(head) - 2, ', ')}"
        self._console.print(text, markup=False, no_wrap=True, crop=True)

    def close(self) -> None:
        """Draws the last status and leaves it there."""
        self._live.stop()

    @property
    def _width(self) -> int:
        return self._console.width - 1  # some terminals go on to the next line after a full one

    def _drawn(self) -> "RenderableType":
        """A bar as long as there is room for beside the figures, and the numbers below."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._status is None:
            return ""
        figures = fitted(self._status.figures(), self._width, "  ")
        row: list[RenderableType] = [Text(figures)]
        if (room := self._width - len(figures) - 2) >= SHORTEST:
            bar = ProgressBar(
                self._status.steps,
                self._status.step,
                width=min(room, LONGEST),
                style="bright_black",
                complete_style="cyan",
                finished_style="green",
            )
            row.insert(0, bar)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(*row)
        readings = fitted(self._status.readings(), self._width, "   ")
        return Group(table, *([Text(readings)] if readings else []))


def wrapped(text: str) -> str:
    """A sentence for standard output, in lines where that is a terminal, which would break them within words."""
    if not sys.stdout.isatty():
        return text
    return textwrap.fill(text, shutil.get_terminal_size().columns - 1, break_long_words=False, break_on_hyphens=False)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config
