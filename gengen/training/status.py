"""Where a run is, and the words for it, which are the same in a terminal, a notebook and a log file."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class Status(NamedTuple):
    """Where a run is.

    Attributes:
      step: steps that are done.
      steps: step at which it ends.
      rate: steps per second; None while that is unknown.
      left: seconds to the end; None while that is unknown.
      took: seconds since the run began or went on, once it is over.
      doing: what it does instead of training, such as "judging"; empty while it trains.
      numbers: names and values of the metrics that are shown.
      spreads: standard deviations of some of them over the members of a run.
    """

    step: int
    steps: int
    rate: float | None = None
    left: float | None = None
    took: float | None = None
    doing: str = ""
    numbers: Sequence[tuple[str, float]] = ()
    spreads: Mapping[str, float] = MappingProxyType({})

    def figures(self) -> list[str]:
        """Step, share, speed and time left, or what is done instead; lines with them are aligned."""
        width = len(f"{self.steps:,}")
        share = f"{100 * self.step // max(self.steps, 1):3d}%"
        said = [f"{self.step:{width},}/{self.steps:,}", share]
        if self.rate is not None:
            said.append(f"{speed(self.rate):>13}")
        last = self.doing
        if self.took is not None:
            last = f"took {duration(self.took)}"
        elif not self.doing and self.left is not None:
            last = f"{duration(self.left):>5} left"
        return [*said, f"{last:10}"] if last else said

    def readings(self) -> list[str]:
        """The numbers after their names "player/metric", which say the player again only where it is another one."""
        said, before = list[str](), ""
        for name, value in self.numbers:
            player, _, metric = name.rpartition("/")
            spread = f" ± {number(self.spreads[name])}" if name in self.spreads else ""
            said.append(f"{metric if player == before else name} {number(value)}{spread}")
            before = player
        return said


def number(value: float) -> str:
    """Four digits of a number, so that it is as wide the next time."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}"


def speed(rate: float) -> str:
    """Steps per second, or seconds per step where these are more than one."""
    if rate < 1:
        return f"{1 / rate:,.1f} s/step"
    return f"{rate:,.0f} steps/s" if rate >= 100 else f"{rate:.1f} steps/s"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as in "1:02:03", or "0:07"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def fitted(parts: Sequence[str], width: int, between: str) -> str:
    """As many parts as fit into a line, whole; of the first one its end, where even that does not fit."""
    line = ""
    for part in parts:
        longer = f"{line}{between}{part}" if line else part
        if len(longer) > width:
            break
        line = longer
    return line or (f"...{parts[0][3 - width :]}" if parts and width > 3 else "")
