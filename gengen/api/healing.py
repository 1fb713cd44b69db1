"""Goes back to where a run was healthy, and lets it go on from there with other values."""

from pathlib import Path

from ml_collections import ConfigDict

from gengen.api.checkups import IllError
from gengen.build.model import build_model
from gengen.build.optimizers import RATE
from gengen.core.model import GenerativeModel
from gengen.data.signature import Signature
from gengen.diagnosis.cures import CRITIC, CURED, GENERATOR, MOST, MOVES, cure
from gengen.diagnosis.illnesses import ILLNESSES
from gengen.runs.healed import Change, Healed, as_cured, read_healed, write_healed
from gengen.training.checkpoint import KEEP, Checkpoints
from gengen.training.loop import NonFiniteError
from gengen.training.writer import cut_lines

LOOKS = max(illness.looks for illness in ILLNESSES if illness.name in CURED)
"""The most looks in a row at which something is seen before it is an illness."""


class Healing:
    """What a run folder has been healed of, and what is still to be done about it.

    Whatever a process that was killed did not finish, the next one does: an illness is written down before anything is
    thrown away, and until all of it is gone, no step is taken. So a run depends on its config alone, wherever it was
    killed: what it is healed of, to which step it goes back, and all that it does from there.

    Attributes:
      asked: whether the run is to be healed.
      keep: how many checkpoints the run needs: of as many looks in a row as tell an illness, the last ends the training
        and each of the others may have a checkpoint, and the one before them is healthy.

    Args:
      config: the experiment.
      workdir: the run folder.
    """

    def __init__(self, config: ConfigDict, workdir: Path) -> None:
        self._config, self._workdir = config, workdir
        self.asked = bool(config.training.get("heal", False))
        self._healed = read_healed(workdir)
        self.keep = max(KEEP, LOOKS) if self.asked else KEEP

    @property
    def to_heal(self) -> tuple[str, ...]:
        """Names of the illnesses that the run can still be healed of."""
        return CURED if self.asked and len(self._healed) < MOST else ()

    @property
    def spent(self) -> str:
        """What to say of an illness that is found when all has been tried; "" before."""
        return f"{MOST} cures did not help" if self.asked and len(self._healed) >= MOST else ""

    def config(self) -> ConfigDict:
        """The experiment, as it is after all cures."""
        return as_cured(self._config, self._healed)

    def model(self, model: GenerativeModel, signature: Signature) -> GenerativeModel:
        """The model as it is after all cures, of one as it was before them, and of the signature of its data."""
        return build_model(self.config(), signature) if self._healed else model

    def go_back(self, checkpoints: Checkpoints) -> None:
        """Throws away what was trained after the step that the run goes back to, if that is still to be done."""
        if not self._healed or self._healed[-1].gone_back:
            return
        step = self._healed[-1].back
        checkpoints.drop_after(step)
        if (self._workdir / "best").is_dir():
            best = Checkpoints(self._workdir / "best", keep=1)
            best.drop_after(step)
            best.close()
        cut_lines(self._workdir / "metrics.jsonl", step)
        for path in self._workdir.glob("*/step_*.png"):  # or a film that is stopped would go on with them
            if int(path.stem.removeprefix("step_")) > step:
                path.unlink()
        self._healed = (*self._healed[:-1], self._healed[-1]._replace(gone_back=True))
        write_healed(self._workdir, self._healed)

    def heal(self, error: IllError | NonFiniteError, checkpoints: Checkpoints, onset: int | None) -> Healed | None:
        """Chooses a cure and the step to go back to, and writes both down.

        Args:
          error: what ended the training.
          checkpoints: of the run.
          onset: step of the look at which signs of an illness were first seen, if they were seen at the last look.

        Returns:
          What is done; None where nothing is left to be done.
        """
        if not self.to_heal:
            return None
        checkpoints.wait()
        if isinstance(error, IllError):
            found = error.finding
            told, name, said, before = found.told, found.illness.name, found.seen, found.since
        else:
            told, name, said, before = error.step, "diverging", str(error), error.step + 1
            before = before if onset is None else min(before, onset)
        last = len(self._healed) == MOST - 1
        healthy = [step for step in checkpoints.steps() if step < before]
        healed = Healed(told, name, said, 0 if last else max(healthy, default=0), self._changes(error), gone_back=False)
        self._healed = (*self._healed, healed)
        write_healed(self._workdir, self._healed)
        return healed

    def _changes(self, error: IllError | NonFiniteError) -> tuple[Change, ...]:
        config = self.config()
        players = {key: config.optimizers[key.split(".")[1]].get("rate", RATE) for key in (GENERATOR, CRITIC)}
        values = {**players, MOVES: config.model.get("generator_steps", 1)}
        finite = isinstance(error, IllError) and "samples/finite" not in [
            sign.measure for sign in error.finding.illness.signs
        ]
        return tuple(Change(key, values[key], new) for key, new in cure(values, finite=finite).items())
