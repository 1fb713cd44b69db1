"""The course of a run: what was measured, line after line, and the illnesses that began and ended in it."""

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from gengen.diagnosis.illnesses import ILLNESSES, Illness

FULL = {"critic/jensen_shannon": math.log(2), "critic/total_variation": 1.0, "critic/le_cam": 1.0}
"""Distances that a critic estimates, and what they are where it is never wrong."""


class Finding(NamedTuple):
    """An illness that a run has or had.

    Attributes:
      illness: which.
      since: step at which its signs were first seen.
      told: step at which they had been seen often enough.
      until: step at which they had been gone for as long; None where the run still has it.
      values: of its signs when it was told.
    """

    illness: Illness
    since: int
    told: int
    until: int | None
    values: tuple[float, ...]

    @property
    def seen(self) -> str:
        """What is wrong, by which measures, and since when."""
        signs = zip(self.illness.signs, self.values, strict=True)
        measured = " and ".join(f"{sign.measure} {value:.3g}{sign.beside}" for sign, value in signs)
        return f"{self.illness.title}: {measured} since step {self.since:,}"

    @property
    def sentence(self) -> str:
        """What is wrong, by which measures, since when, and what usually helps."""
        return f"{self.seen}; {self.illness.cure}"


class _Watched:
    """How one illness stands: in which of the last looks its signs were seen, and for how many they have been gone."""

    def __init__(self, illness: Illness) -> None:
        self.illness = illness
        self.looks, self.gone, self.seen = deque[int | None](maxlen=illness.among or illness.looks), 0, False
        self.finding: Finding | None = None

    def look(self, values: tuple[float, ...] | None, step: int) -> Finding | None:
        """Takes one look, with the values of the signs where all are there; returns a finding that begins or ends."""
        self.seen = values is not None
        self.looks.append(step if self.seen else None)
        if values is None:
            self.gone += 1
            if self.finding and self.gone >= self.illness.looks:
                over, self.finding = self.finding._replace(until=step), None
                return over
            return None
        self.gone = 0
        seen = [look for look in self.looks if look is not None]
        if self.finding is None and len(seen) >= self.illness.looks:
            self.finding = Finding(self.illness, seen[0], step, None, values)
            return self.finding
        return None

    def in_a_row(self) -> list[int]:
        """The steps of the latest looks in a row at which the signs were seen, the last one first."""
        row = takewhile(lambda look: look is not None, reversed(self.looks))
        return [look for look in row if look is not None]


class Course:
    """Follows a run line after line; what it finds depends on the lines alone.

    Args:
      codes: entries of the codebook of a vector-quantised model; 0 for others.
      illnesses: that are looked for; of those present at the same time, the earlier in the list hides the ones that it
        is taken for.
    """

    def __init__(self, codes: int = 0, illnesses: Sequence[Illness] = ILLNESSES) -> None:
        self._codes = codes
        self._now: dict[str, float] = {}
        self._largest: dict[str, float] = {}
        self._watched = [_Watched(illness) for illness in illnesses]

    def add(self, line: Mapping[str, Any]) -> list[Finding]:
        """Takes a line of metrics.jsonl; returns the illnesses that begin with it, and those that are over."""
        fresh = self._measures(line)
        self._now |= fresh
        for name, value in fresh.items():
            self._largest[name] = max(self._largest.get(name, value), value)
        changed = []
        for watched in self._watched:
            signs = watched.illness.signs
            if signs[-1].measure in fresh and all(sign.measure in self._now for sign in signs):
                found = watched.look(self._values(watched.illness), line["step"])
                changed += [found] if found else []
        return changed

    def onset(self, names: Collection[str]) -> int | None:
        """The first of the latest looks in a row at which signs of one of some illnesses were seen; None if none is."""
        rows = [watched.in_a_row() for watched in self._watched if watched.illness.name in names]
        return min((row[-1] for row in rows if row), default=None)

    def present(self) -> list[Finding]:
        """The illnesses that the run has now, the gravest first."""
        return [watched.finding for watched in self._watched if watched.finding]

    def _values(self, illness: Illness) -> tuple[float, ...] | None:
        """The values of an illness's signs; None where one is not seen, or an illness that hides it is present."""
        present = {watched.illness.name for watched in self._watched if watched.seen}
        if present & set(illness.hidden_by):
            return None
        values = []
        for sign in illness.signs:
            value = self._now[sign.measure]
            if sign.relative:
                value /= self._largest[sign.measure] or 1.0
            if not sign.low <= value <= sign.high:
                return None
            values.append(value)
        return tuple(values)

    def _measures(self, line: Mapping[str, Any]) -> dict[str, float]:
        """The numbers of a line, and what follows from them under a name that several models share."""
        found = {name: float(value) for name, value in line.items() if isinstance(value, int | float)}
        del found["step"]
        if {"critic/accuracy_real", "critic/accuracy_fake"} <= found.keys():
            found["critic/accuracy"] = (found["critic/accuracy_real"] + found["critic/accuracy_fake"]) / 2
        elif "critic/accuracy" not in found:
            # A critic whose estimate is a part t of the largest one is right in at least (1 + t) / 2 of all cases.
            parts = [found[name] / full for name, full in FULL.items() if name in found]
            found |= {"critic/accuracy": (1 + parts[0]) / 2} if parts else {}
        if self._codes and "autoencoder/perplexity" in found:
            found["codes/used"] = found["autoencoder/perplexity"] / self._codes
        return found


def diagnosed(lines: Iterable[Mapping[str, Any]], codes: int = 0) -> list[Finding]:
    """The illnesses of a run from first to last, those that are over among them, by the steps at which they were told.

    Args:
      lines: of its metrics.jsonl.
      codes: entries of its codebook, where it has one.
    """
    course, found = Course(codes), dict[tuple[str, int], Finding]()
    for line in lines:
        found |= {(finding.illness.name, finding.told): finding for finding in course.add(line)}
    return sorted(found.values(), key=lambda finding: finding.told)
