"""What a mode of the command line is: what it takes first, and which flags, numbers and keys it heeds."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from gengen.core.refusal import Refusal


class Number(NamedTuple):
    """The whole numbers that a mode takes by a flag.

    Attributes:
      default: what a mode takes if it is not given.
      least: the smallest value that makes sense.
      most: the largest one.
      why: what an end is, in words to add to it.
    """

    default: int
    least: int = 1
    most: int = 2**31 - 1  # as JAX numbers examples
    why: str = ""

    def check(self, flag: str, value: int) -> None:
        """Checks a value.

        Raises:
          Refusal: it is out of range.
        """
        why = f", {self.why}" if self.why else ""
        if value < self.least:
            raise Refusal(f"--{flag}={value} must be at least {self.least}{why}.")
        if value > self.most:
            raise Refusal(f"--{flag}={value} must be at most {self.most}{why}.")


class Task(NamedTuple):
    """A mode of the command line.

    Attributes:
      line: what it does, for `--help`.
      example: the flags of a command, for `--help`.
      takes: what its `main` takes first: an opened run, an experiment and its run folder, a folder that holds runs, or
        nothing beside its flags.
      flags: all that it heeds beside `--mode`.
      numbers: by the names of flags, the numbers that it takes.
      keys: keys and sections of a config that it heeds; None for all of them.
      members: whether it shows every seed of a run that has several, where none is asked for.
    """

    line: str
    example: str
    takes: Literal["run", "experiment", "folder", "nothing"]
    flags: tuple[str, ...]
    numbers: Mapping[str, Number] = MappingProxyType({})
    keys: tuple[str, ...] | None = None
    members: bool = False
