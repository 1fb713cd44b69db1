"""Looks at a run while it trains: what they measure is written, and an illness is told of when it begins and ends."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.core.state import State
from gengen.data.signature import DataSet
from gengen.diagnosis.course import Course, Finding
from gengen.diagnosis.cures import CURED
from gengen.diagnosis.looks import Looks
from gengen.training.writer import Writer, entries_from


class IllError(Exception):
    """A run has an illness that is to be healed.

    Attributes:
      finding: what was found.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


LOOKING = "looking"
"""What a run does between steps."""


class Checkups:
    """Looks at states now and then, and follows the course of the run by its metrics.

    Args:
      model: the model.
      data: what it can be shown of its data.
      config: the experiment; `training.diagnose_every` steps lie between two looks.
      workdir: the run folder.
      to_heal: names of the illnesses that end the training, so that they can be healed.
      spent: what is said of an illness that has a cure when all have been tried; "" before.
    """

    def __init__(
        self,
        model: GenerativeModel,
        data: DataSet,
        config: ConfigDict,
        workdir: Path,
        to_heal: Collection[str] = (),
        spent: str = "",
    ) -> None:
        self.every: int = config.training.get("diagnose_every", 0)
        self._to_heal, self._spent = to_heal, spent
        self._make = partial(Looks, model, data, config.model.get("clip"))
        self._looks: Looks | None = None
        self._course, self._read = Course(config.model.get("codes", 0)), 0
        self._lines = workdir / "metrics.jsonl"
        self._waiting = list[Mapping[str, Any]]()

    def begin(self, state: State, step: int, steps: int, writer: Writer | None) -> None:
        """Starts where a run starts or goes on, if a look is still to come.

        A run that goes on at a step that had a look compares the next one with it, as if it had never stopped.

        Args:
          state: before the first step.
          step: number of that step.
          steps: length of the run.
          writer: where numbers go; None in a process that looks at nothing.
        """
        if writer is None or not self.every:
            return
        self._follow(step)
        if step // self.every == steps // self.every:
            return
        self._writer, self._looks = writer, self._make()
        # There is a look at every checkpoint of a run that is healed, also where all cures have been tried.
        if step % self.every == 0 or self._to_heal or self._spent:
            self._looks.begin(state)

    def __call__(self, state: State, step: int) -> list[str]:
        """Looks at a state after a step and writes what is measured; returns what has begun or is over, in words.

        Raises:
          IllError: an illness has begun that is to be healed.
        """
        if not self._looks:
            return []
        self._writer.scalars(step, self._looks(state))
        said = []
        for finding in self._follow(step):
            began, curable = finding.until is None, finding.illness.name in CURED
            if began and finding.illness.name in self._to_heal:
                raise IllError(finding)
            said.append(finding.sentence if began else f"over: {finding.illness.title}")
            said += [f"{self._spent}, and it goes on as it is"] if began and curable and self._spent else []
        return said

    def onset(self, names: Collection[str]) -> int | None:
        """The step of the look at which signs of some illnesses were first seen, if they are seen now, told or not."""
        return self._course.onset(names)

    def _follow(self, step: int) -> list[Finding]:
        """Takes the lines up to a step that were written since; returns what they begin and end.

        Those of later steps, which may be there before a look is done, are kept for the next one.
        """
        lines, self._read = entries_from(self._lines, self._read)
        waiting = [*self._waiting, *lines]
        self._waiting = [line for line in waiting if line["step"] > step]
        return [finding for line in waiting if line["step"] <= step for finding in self._course.add(line)]
