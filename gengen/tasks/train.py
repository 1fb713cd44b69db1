"""`--mode=train`: starts the run of a folder, or goes on where it stopped."""

import sys
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.core.average import evaluation_variables
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import local_places, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.pipeline import batches
from gengen.data.selection import streams
from gengen.data.signature import DataSet
from gengen.tasks.conditions import DOMAIN, classes_of
from gengen.tasks.features import UnfitDataError
from gengen.tasks.prepare import check_training, load_data
from gengen.tasks.progress import Progress
from gengen.tasks.sample import sampler
from gengen.tasks.stopping import stopping
from gengen.training.checkpoint import Checkpoints
from gengen.training.loop import Action, NonFiniteError, train, windows
from gengen.training.report import Report
from gengen.training.run_folder import held, open_folder
from gengen.training.stages import Span, spans
from gengen.training.writer import Writer

if TYPE_CHECKING:
    from gengen.tasks.scorekeeper import Scorekeeper


def run(config: ConfigDict, workdir: Path) -> Path:
    """Trains until `training.steps`, from the latest checkpoint if the folder holds one.

    Args:
      config: the experiment.
      workdir: the run folder.

    Returns:
      The path of the last grid of samples, reconstructions or translations; that of the metrics where the model only
      recognises images.

    Raises:
      Refusal: the config cannot be run, the folder belongs to another run, or training diverged.
    """
    check_training(config)
    data = load_data(config)
    model = build_model(config, data.signature)
    if not (model.sample or (model.encode and model.decode) or model.translate or model.recognise):
        raise Refusal("this model can neither sample nor encode and decode, so there would be nothing to see of it.")
    for stage in model.later:
        if stage.start >= config.training.steps:
            raise Refusal(
                f"config.training.steps={config.training.steps} end before the stage of step {stage.start} begins; "
                f"raise them, or let it begin earlier."
            )
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
        self._scores = self._scorekeeper(config, data)
        self._progress = Progress(model, data, workdir, config.training.seed)
        self._writer = Writer(workdir, self._start) if jax.process_index() == 0 else None
        self._data = data

    def _scorekeeper(self, config: ConfigDict, data: DataSet) -> "Scorekeeper | None":
        """What judges samples as the run goes, if they are to be judged and can be."""
        if not config.evaluation.every or not self._model.sample or DOMAIN in self._model.conditions:
            return None  # samples of two domains are compared with neither
        from gengen.tasks.scorekeeper import Scorekeeper  # SciPy, which takes as long to import as all the rest

        try:
            return Scorekeeper(
                self._workdir,
                data,
                config.evaluation,
                sampler(self._model),
                self._start,
                labelled=classes_of(self._model) > 0,
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
            Action(self._evaluate_every, self._judge),
            Action(settings.sample_every, self._picture),
            Action(settings.checkpoint_every, self._save),  # last: a run that goes on from it has all that was before
        )
        if self._writer and self._model.notes:
            print(f"{self._workdir} {self._model.notes}")
        fed = self._batches()
        with stopping() as stop:
            try:
                state, stopped = replicate(self._state, jax.local_devices()), None
                for span in spans(self._model, start, settings.steps):
                    if span.begins:
                        entered = jax.jit(span.stage.enter)(jax.device_get(state))
                        state = replicate(entered, jax.local_devices())
                    state, stopped = train(
                        parallel(span.stage.train_step, period=span.stage.period),
                        self._key,
                        state,
                        zip(self._windows(span), fed, strict=False),  # the batches go on into the next stage
                        report=report,
                        actions=actions,
                        stop=stop,
                    )
                    if stopped:
                        break
                end = stopped or max(start, settings.steps)
                if end == settings.steps > start:
                    self._judge(state, end)
                if stopped:
                    self._save(state, end)  # first, because who stops a run may not wait for long
                self._picture(state, end)
                self._save(state, end)
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
        pictures = self._progress.pictures(end)
        return pictures[-1].path if pictures else self._workdir / "metrics.jsonl"

    def _windows(self, span: Span) -> Iterator[tuple[int, int]]:
        return windows(span.first, span.last, self._settings.steps_per_dispatch)

    def _batches(self) -> Generator[Batch, None, None]:
        return batches(
            streams(self._data),
            seed=self._settings.seed,
            batch_size=self._settings.batch_size,
            windows=chain.from_iterable(map(self._windows, spans(self._model, self._start, self._settings.steps))),
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
        """Draws what the model shows of itself, unless that is of a step which this run did not train."""
        there = all(picture.path.exists() for picture in self._progress.pictures(step))
        if self._writer and not (step <= self._start and there):
            for kind, shown in self._progress.write(step, jax.device_get(evaluation_variables(state))):
                self._writer.picture(step, kind, shown)


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
