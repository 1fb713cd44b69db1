"""The parent's side: contenders take turns on the same cores, so that what else the machine does hits all alike."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.machine import environment, pinned

ROOT = Path(__file__).resolve().parent.parent


class Contender(NamedTuple):
    """A program that takes training steps.

    Attributes:
      library: "gengen", or "PyTorch".
      precision: "float32" or "bfloat16".
      python: the interpreter that has what it needs.
      checkout: the folder that gengen is imported from; None for a peer.
      compiled: whether `torch.compile` makes a peer's networks.
      dispatch: steps in one dispatch of gengen; 0 for as many as its config has.
    """

    library: str
    precision: str
    python: str
    checkout: Path | None = None
    compiled: bool = False
    dispatch: int = 0

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.library} {self.precision}"

    def command(self, case: str, images: Path, threads: int) -> list[str]:
        """The command of its child.

        Args:
          case: one of `CASES`.
          images: the file of training images, which gengen's children write where it is missing.
          threads: how many it may use.
        """
        if self.checkout:
            module, rest = "gengen_worker", [str(self.checkout), str(images), str(self.dispatch)]
        else:
            module, rest = "peer_worker", [str(images), str(threads), *(["compile"] if self.compiled else [])]
        return [self.python, "-m", f"benchmarks.{module}", case, self.precision, *rest]


def contenders(peer_python: str | None, against: Path | None, *, compiled: bool, dispatch: int) -> list[Contender]:
    """Who is measured, in the order of the turns; gengen is first, because it writes the images that peers read.

    Args:
      peer_python: an interpreter with PyTorch; None for no peers.
      against: another checkout of gengen; None for none.
      compiled: whether PyTorch is also measured with `torch.compile`.
      dispatch: steps in one dispatch of gengen; 0 for as many as its config has.
    """
    own = Contender("gengen", "float32", sys.executable, ROOT, dispatch=dispatch)
    found = [own, own._replace(precision="bfloat16")]
    if against:
        found.append(own._replace(library="gengen before", checkout=against))
    for library, asked in (("PyTorch", True), ("PyTorch compiled", compiled)):
        if peer_python and asked:
            many = [Contender(library, precision, peer_python) for precision in ("float32", "bfloat16")]
            found += [one._replace(compiled=library != "PyTorch") for one in many]
    return found


def measure(
    case: str, who: Sequence[Contender], *, threads: int, rounds: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Measures contenders in turn.

    Each has one child, which compiles once and sleeps while others are measured; each round begins with another one.

    Args:
      case: one of `CASES`.
      who: the contenders.
      threads: how many each may use.
      rounds: turns of each.
      seconds: least length of a turn.

    Returns:
      By name of a contender: what its child said when it was ready, "peak_memory_mib" of the whole process, and
      lists with the mean of each round, "seconds_per_step" and "processor_seconds_per_step", of all threads together.

    Raises:
      RuntimeError: a child ended early; what it said stands on standard error.
    """
    with TemporaryDirectory() as folder, ExitStack() as stack:
        images = Path(folder) / "images.npy"
        children, found = dict[str, Child](), dict[str, dict[str, Any]]()
        for one in who:  # one after the other: what compiles has the cores for itself
            children[one.name] = stack.enter_context(_child(one, case, images, threads))
            found[one.name] = {**_answer(children[one.name]), "seconds_per_step": [], "processor_seconds_per_step": []}
        for index in range(rounds):
            names = list(children)
            for name in names[index % len(names) :] + names[: index % len(names)]:
                taken = _ask(children[name], seconds)
                for kind in ("seconds", "processor_seconds"):
                    found[name][f"{kind}_per_step"].append(taken[kind] / taken["steps"])
                found[name]["peak_memory_mib"] = taken["peak_memory_mib"]
    return found


Child = subprocess.Popen[str]


@contextmanager
def _child(one: Contender, case: str, images: Path, threads: int) -> Iterator[Child]:
    """Starts a child, and ends it when it is no longer needed."""
    child = subprocess.Popen(
        one.command(case, images, threads),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={key: value for key, value in environment().items() if key != "PYTHONPATH"},
        preexec_fn=pinned(threads),
    )
    try:
        yield child
    finally:
        assert child.stdin
        child.stdin.close()
        child.wait()


def _ask(child: Child, seconds: float) -> Mapping[str, Any]:
    assert child.stdin
    child.stdin.write(f"{seconds}\n")
    child.stdin.flush()
    return _answer(child)


def _answer(child: Child) -> dict[str, Any]:
    assert child.stdout
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"this command ended early: {' '.join(map(str, child.args))}")  # type: ignore[arg-type]
    answer: dict[str, Any] = json.loads(line)
    return answer
