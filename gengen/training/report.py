"""What becomes of the metrics of each window: a progress bar, and a line every `log_every` steps."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gengen.core.mean import Mean
from gengen.training.loop import crossed
from gengen.training.writer import Writer


class Report:
    """Adds metrics over windows and tells people and files about them.

    Args:
      writer: where lines go; None in a process that writes nothing.
      start: step at which the run starts or goes on.
      steps: step at which it ends.
      batch_size: images in a batch, over all devices.
      log_every: steps between lines.
    """

    def __init__(self, writer: Writer | None, *, start: int, steps: int, batch_size: int, log_every: int) -> None:
        self._writer, self._batch_size, self._log_every = writer, batch_size, log_every
        self._sums: dict[str, Mean] = {}
        self._values: dict[str, float] = {}
        self._last = start
        self._since, self._clock = start, 0.0
        watched = writer is not None and (sys.stderr.isatty() or in_notebook())
        self._bar = _bar(total=steps, initial=start, unit="step", dynamic_ncols=True, disable=not watched)
        self._plain = writer is not None and not watched  # a log file gets one plain line at a time

    def __call__(self, first: int, last: int, metrics: dict[str, Mean]) -> None:
        """Takes the metrics of one window, leaves numpy arrays [steps]."""
        window = {name: Mean(np.sum(mean.total), np.sum(mean.count)) for name, mean in metrics.items()}
        self._sums = {name: mean + self._sums[name] if name in self._sums else mean for name, mean in window.items()}
        values = means(self._sums)
        if self._clock:
            values["images_per_second"] = (last - self._since) * self._batch_size / (time.perf_counter() - self._clock)
        else:  # most of the first window went into compiling, so the clock starts after it
            self._since, self._clock = last, time.perf_counter()
        self._bar.set_postfix_str(_line(values), refresh=False)
        self._bar.update(last - first)
        self._last, self._values = last, values
        if crossed(self._log_every, first, last):
            self._write()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves what is done meanwhile out of the speed of training."""
        start = time.perf_counter()
        yield
        if self._clock:
            self._clock += time.perf_counter() - start

    def _write(self) -> None:
        """Writes the means since the line before, and starts over."""
        if self._writer:
            self._writer.scalars(self._last, self._values)
        if self._plain:
            left = self._left(self._last, self._values)
            print(f"step {self._last}/{self._bar.total}, {left}{_line(self._values)}", file=sys.stderr)
        self._sums, self._since, self._clock = {}, self._last, time.perf_counter()

    def _left(self, last: int, values: dict[str, float]) -> str:
        images = (self._bar.total - last) * self._batch_size
        return f"{images / rate:.0f} s left, " if (rate := values.get("images_per_second")) else ""

    def close(self) -> None:
        """Writes what a stop or the end left over since the last line, and ends the progress bar."""
        if self._sums and self._log_every:
            self._write()
        self._bar.close()


def means(sums: dict[str, Mean]) -> dict[str, float]:
    """The value of each mean that counts anything."""
    return {name: float(mean.total / mean.count) for name, mean in sums.items() if mean.count > 0}


def _line(values: dict[str, float]) -> str:
    return ", ".join(
        f"{name} {value:,.0f}" if value >= 1000 else f"{name} {value:.4g}" for name, value in values.items()
    )


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config


def _bar(**settings: Any) -> Any:
    """A progress bar: of widgets in a notebook that has them, of characters elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would complain of widgets that are not installed, and do without
        from tqdm.auto import tqdm
    return tqdm(**settings)
