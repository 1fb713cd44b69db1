"""What becomes of the metrics of each window: a line of numbers every `log_every` steps, and progress for people."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import jax
import numpy as np

from gengen.core.mean import Mean
from gengen.core.model import Batch
from gengen.core.state import State
from gengen.training.headline import Headline
from gengen.training.loop import Dispatch, crossed
from gengen.training.pace import Pace
from gengen.training.screen import screen_of
from gengen.training.status import Status
from gengen.training.writer import Writer

LINES = 16
"""The most lines of one kind that a log file gets, whatever the length of a run: of steps, and of pictures."""


class Report:
    """Adds metrics over windows and tells people and files about them.

    Args:
      writer: where numbers go; None in a process that writes nothing and shows nothing.
      start: step at which the run starts or goes on.
      steps: step at which it ends.
      batch_size: images in a batch, over all devices.
      log_every: steps between lines of numbers.
      every: what is done between steps, and after how many, for the time left.
      rates: by the names of metrics, the learning rate of each player at a step, and what else is known of it.
    """

    def __init__(
        self,
        writer: Writer | None,
        *,
        start: int,
        steps: int,
        batch_size: int,
        log_every: int,
        every: Mapping[str, int] | None = None,
        rates: Callable[[int], Mapping[str, float | Sequence[float]]] | None = None,
    ) -> None:
        self._writer, self._batch_size, self._log_every = writer, batch_size, log_every
        self._start, self._rates = start, rates
        self._sums: dict[str, Mean] = {}
        self._latest: dict[str, float] = {}
        self._headline, self._pace = Headline(), Pace(steps, every or {})
        self._mark: float | None = None  # since when steps are timed; the first window is not
        self._compiled: set[int] = set()
        self._trained, self._seconds = 0, 0.0
        self._status, self._began = Status(start, steps), time.perf_counter()
        self._screen, self._stride = screen_of(watched=writer is not None), stride(steps)
        self._lock = threading.Lock()  # pictures and scores are told of by another thread
        self._told, self._pausing = start, False

    def __call__(self, first: int, last: int, metrics: dict[str, Mean]) -> None:
        """Takes the metrics of one window, leaves numpy arrays [steps], or [steps, members]."""
        self._time(first, last)
        window = {name: Mean(np.sum(mean.total, 0), np.sum(mean.count, 0)) for name, mean in metrics.items()}
        self._sums = {name: mean + self._sums[name] if name in self._sums else mean for name, mean in window.items()}
        values = means(self._sums)
        self._latest |= values
        self._status = Status(
            last,
            self._status.steps,
            rate=self._pace.rate,
            left=self._pace.left(last),
            numbers=[(name, self._latest[name]) for name in self._headline(metrics) if name in self._latest],
            spreads=spreads(self._sums),
        )
        written = crossed(self._log_every, first, last)
        first_line = written and self._told == self._start
        self._show(line=last < self._status.steps and (first_line or crossed(self._stride, first, last)))
        if written:
            self._write()

    def _time(self, first: int, last: int) -> None:
        """Counts the time since the window before, unless something was compiled in it."""
        now = time.perf_counter()
        if self._mark is not None and first not in self._compiled:
            self._pace.trained(last - first, now - self._mark)
            self._trained, self._seconds = self._trained + last - first, self._seconds + now - self._mark
        self._mark = now

    @contextmanager
    def paused(self, doing: str) -> Iterator[None]:
        """Leaves what is done meanwhile out of the speed of training, and shows it, once where one is in another."""
        if self._pausing:
            yield
            return
        self._pausing, start = True, time.perf_counter()
        self._put(self._status._replace(doing=doing), line=False)
        try:
            yield
        finally:
            self._pausing = False
        seconds = time.perf_counter() - start
        self._pace.spent(doing, seconds)
        if self._mark is not None:
            self._mark += seconds
        self._put(self._status._replace(left=self._pace.left(self._status.step)), line=False)

    def timed(self, dispatch: Dispatch, period: int) -> Dispatch:
        """Lets the report know of dispatches that are compiled first: those of a new length, or phase of a period."""
        seen = set[tuple[int, int]]()

        def told(key: jax.Array, state: State, batch: Batch, first: int) -> tuple[State, dict[str, Mean]]:
            form = jax.tree.leaves(batch)[0].shape[1], first % period
            with nullcontext() if form in seen else self.compiling(first):
                seen.add(form)
                return dispatch(key, state, batch, first)

        return told

    @contextmanager
    def compiling(self, first: int) -> Iterator[None]:
        """Leaves out of the speed of training what is compiled before the window of a step, and that window too.

        So is the window before it, on which the device works meanwhile.
        """
        self._compiled.add(first)
        self._pace.changes()
        with self.paused("compiling"):
            yield
        self._mark = None

    def say(self, step: int, parts: Sequence[str], every: int = 0) -> None:
        """Tells people of something that happened at a step.

        Args:
          step: the step.
          parts: what to say of it, the most important first: the last ones are left out where a line is too short.
          every: steps between two of its kind, of which at most about `LINES` are told of; 0 tells in any case.
        """
        steps = self._status.steps
        apart = math.ceil(steps / every / LINES) if every else 1
        if not every or step // every % apart == 0 or step >= steps:
            with self._lock:
                self._screen.say(f"step {step:{len(f'{steps:,}')},}", parts)

    def _show(self, *, line: bool) -> None:
        self._put(self._status, line=line)
        if line:
            self._told = self._status.step

    def _put(self, status: Status, *, line: bool) -> None:
        with self._lock:
            self._screen.show(status, line=line)

    def _write(self) -> None:
        """Writes the means since the line before, and starts over."""
        values = means(self._sums)
        if self._seconds > 0:
            values["images_per_second"] = self._trained * self._batch_size / self._seconds
        if self._writer:
            rates = self._rates(self._status.step - 1) if self._rates else {}  # of the last step that was taken
            moved = {name: rate for name, rate in rates.items() if _moved(name, values)}
            values |= {name: float(np.mean(rate)) for name, rate in moved.items()}
            members: dict[str, Sequence[float | None]] = {**by_member(self._sums)}
            members |= {name: rate for name, rate in moved.items() if not isinstance(rate, float)}
            self._writer.scalars(self._status.step, values, members=members)
        self._sums, self._trained, self._seconds = {}, 0, 0.0

    def close(self) -> None:
        """Writes what a stop or the end left over since the last line, and shows where the run is for the last time."""
        if self._sums and self._log_every:
            self._write()
        if self._status.step > self._start:
            self._status = self._status._replace(took=time.perf_counter() - self._began)
            self._show(line=True)
        self._screen.close()


def _moved(name: str, values: Mapping[str, float]) -> bool:
    """Whether a rate belongs into a line: all do, but for the learning rates of players who did not play."""
    player, _, what = name.rpartition("/")
    return what != "learning_rate" or f"{player}/loss" in values


def means(sums: dict[str, Mean]) -> dict[str, float]:
    """The value of each mean that counts anything; of several members the mean over those whose metrics count."""
    found = {}
    for name, mean in sums.items():
        total, count = np.atleast_1d(np.asarray(mean.total)), np.atleast_1d(np.asarray(mean.count))
        if np.any(count > 0):
            found[name] = float(np.mean(total[count > 0] / count[count > 0]))
    return found


def by_member(sums: dict[str, Mean]) -> dict[str, list[float | None]]:
    """The value that each mean has for each of several members, None where it counts nothing; {} of a single run."""
    several = {name: mean for name, mean in sums.items() if np.ndim(mean.count) and np.any(mean.count > 0)}
    return {
        name: [float(total / count) if count > 0 else None for total, count in zip(mean.total, mean.count, strict=True)]
        for name, mean in several.items()
    }


def spreads(sums: dict[str, Mean]) -> dict[str, float]:
    """The standard deviation of each mean over members, where there are at least two whose metrics count."""
    each = {name: [value for value in values if value is not None] for name, values in by_member(sums).items()}
    return {name: float(np.std(values, ddof=1)) for name, values in each.items() if len(values) > 1}


def stride(steps: int) -> int:
    """Steps between lines of a log file: 1, 2 or 5 with zeros, so that there are at most `LINES` of them."""
    shortest = max(1, math.ceil(steps / LINES))
    power: int = 10 ** (len(str(shortest)) - 1)
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= shortest)
