"""`--mode=train`: starts the run of a folder, or goes on where it stopped."""

import math
import sys
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.core.average import evaluation_variables
from gengen.core.model import Batch, GenerativeModel, require
from gengen.core.parallel import local_places, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.pipeline import batches
from gengen.data.signature import DataSet
from gengen.pictures.grid import grid, save_png
from gengen.tasks.conditions import by_class, classes_of, columns_of
from gengen.tasks.features import UnfitDataError
from gengen.tasks.prepare import check_training, load_data
from gengen.tasks.sample import sampler
from gengen.tasks.stopping import stopping
from gengen.training.checkpoint import Checkpoints
from gengen.training.loop import Action, NonFiniteError, train, windows
from gengen.training.report import Report
from gengen.training.run_folder import held, open_folder
from gengen.training.writer import Writer

if TYPE_CHECKING:
    from gengen.tasks.scorekeeper import Scorekeeper

PICTURES = 64
"""Samples in the grids that a run writes as it goes, or as many more as fill the last row where columns are classes."""


def run(config: ConfigDict, workdir: Path) -> Path:
    """Trains until `training.steps`, from the latest checkpoint if the folder holds one.

    Args:
      config: the experiment.
      workdir: the run folder.

    Returns:
      The path of the last grid of samples.

    Raises:
      Refusal: the config cannot be run, the folder belongs to another run, or training diverged.
    """
    check_training(config)
    data = load_data(config)
    model = build_model(config, data.signature)
    require(model, "sample")
    with held(workdir) if jax.process_index() == 0 else nullcontext():
        open_folder(workdir, config, data.signature.to_json())
        checkpoints = Checkpoints(workdir / "checkpoints")
        try:
            return _Run(config, workdir, data, model, checkpoints).go()
        except NonFiniteError as error:
            raise Refusal(_diverged(error, checkpoints, workdir)) from error
        finally:
            checkpoints.close()


class _Run:
    """One run of a folder, from its latest checkpoint to its last step."""

    def __init__(
        self, config: ConfigDict, workdir: Path, data: DataSet, model: GenerativeModel, checkpoints: Checkpoints
    ) -> None:
        self._settings, self._workdir, self._model, self._checkpoints = config.training, workdir, model, checkpoints
        self._evaluate_every = config.evaluation.every
        self._key = jax.random.key(config.training.seed)
        example = example_batch(data.signature)
        restored = checkpoints.restore_latest(jax.eval_shape(model.init, self._key, example))
        # Initialised under jit, or the averages would share memory with what they average.
        self._start, self._state = restored or (0, jax.jit(model.init)(self._key, example))
        self._draw = sampler(model)
        self._scores = self._scorekeeper(config, data)
        self._writer = Writer(workdir, self._start) if jax.process_index() == 0 else None
        self._data = data

    def _scorekeeper(self, config: ConfigDict, data: DataSet) -> "Scorekeeper | None":
        """What judges samples as the run goes, if they are to be judged and can be."""
        if not config.evaluation.every:
            return None
        from gengen.tasks.scorekeeper import Scorekeeper  # SciPy, which takes as long to import as all the rest

        try:
            return Scorekeeper(
                self._workdir, data, config.evaluation, self._draw, self._start, labelled=classes_of(self._model) > 0
            )
        except UnfitDataError as error:
            print(f"gengen: there will be no scores while it trains: {error}", file=sys.stderr)
            return None

    def go(self) -> Path:
        """Trains, and returns the path of the last grid."""
        settings, start = self._settings, self._start
        report = self._report = Report(
            self._writer,
            start=start,
            steps=settings.steps,
            batch_size=settings.batch_size,
            log_every=settings.log_every,
        )
        actions = (
            Action(self._evaluate_every, self._judge),  # before a checkpoint: a run that goes on from it has the scores
            Action(settings.checkpoint_every, self._save),
            Action(settings.sample_every, self._picture),
        )
        fed = self._batches()
        with stopping() as stop:
            try:
                state, stopped = train(
                    parallel(self._model.train_step, period=self._model.period),
                    self._key,
                    replicate(self._state, jax.local_devices()),
                    zip(self._windows(), fed, strict=True),
                    report=report,
                    actions=actions,
                    stop=stop,
                )
                end = stopped or max(start, settings.steps)
                if end == settings.steps > start:
                    self._judge(state, end)
                self._save(state, end)
                self._picture(state, end)
                self._checkpoints.wait()
            finally:
                fed.close()
                report.close()
                if self._scores:
                    self._scores.close()
                if self._writer:
                    self._writer.close()
        if self._writer:
            print(_ending(self._workdir, start, end, settings.steps))
        return self._picture_path(end)

    def _windows(self) -> Iterator[tuple[int, int]]:
        return windows(self._start, self._settings.steps, self._settings.steps_per_dispatch)

    def _batches(self) -> Generator[Batch, None, None]:
        return batches(
            self._data.splits["train"],
            seed=self._settings.seed,
            batch_size=self._settings.batch_size,
            windows=self._windows(),
            devices=jax.device_count(),
            local=local_places(),
        )

    def _save(self, state: State, step: int) -> None:
        self._checkpoints.save(step, state)

    def _judge(self, state: State, step: int) -> None:
        if self._scores:
            with self._report.paused():
                self._scores(state, step, self._writer)

    def _picture(self, state: State, step: int) -> None:
        """Writes a grid, unless it is that of a step which this run did not train."""
        if self._writer and not (step <= self._start and self._picture_path(step).exists()):
            variables, columns = jax.device_get(evaluation_variables(state)), columns_of(self._model)
            number = math.ceil(PICTURES / columns) * columns if columns else PICTURES
            images = self._draw(variables, self._settings.seed, number, by_class(self._model, number))
            shown = grid(images, columns=columns)
            save_png(self._picture_path(step), shown)
            self._writer.picture(step, "samples", shown)

    def _picture_path(self, step: int) -> Path:
        return self._workdir / "samples" / f"step_{step:08d}.png"


def _ending(workdir: Path, start: int, end: int, steps: int) -> str:
    if start >= steps:
        return f"{workdir} is complete at step {start}; raise --config.training.steps to train on."
    if end < steps:
        return f"stopped and saved at step {end} of {steps}; the same command goes on from there."
    return f"{workdir} is complete at step {end}."


def _diverged(error: NonFiniteError, checkpoints: Checkpoints, workdir: Path) -> str:
    checkpoints.wait()
    latest = checkpoints.latest()
    kept = "no checkpoint was written yet" if latest is None else f"the checkpoint of step {latest} is kept"
    return f"{error.name} became {error.value} at step {error.step} in {workdir}; {kept}; try a lower learning rate."
