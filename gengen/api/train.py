"""`--mode=train`: starts the run of a folder, or goes on where it stopped."""

import sys
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.api.checkups import LOOKING, Checkups
from gengen.api.endings import diverged, ending
from gengen.api.progress import Progress
from gengen.build.model import build_model, example_batch
from gengen.build.optimizers import learning_rates
from gengen.build.trace import moved_in_stages, parameters_in, patience
from gengen.core.average import evaluation_variables
from gengen.core.compilation import quick_compilation
from gengen.core.model import Batch, GenerativeModel, initialised
from gengen.core.parallel import local_places, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.pipeline import batches
from gengen.data.selection import streams
from gengen.data.signature import DataSet
from gengen.data.splits import RULES, rule_of
from gengen.evaluation.features import UnfitDataError
from gengen.inference.conditions import DOMAIN, classes_of, shown_to
from gengen.inference.sampling import sampler
from gengen.pictures.captions import Block
from gengen.runs.check import check_config
from gengen.runs.folder import begun, held, latest_step, open_folder, read_folder
from gengen.runs.keys import defaults_of
from gengen.runs.precision import settle
from gengen.runs.prepare import load_data
from gengen.training.background import Background
from gengen.training.checkpoint import Checkpoints
from gengen.training.loop import Action, NonFiniteError, train, windows
from gengen.training.report import Report
from gengen.training.screen import wrapped
from gengen.training.stages import Span, spans
from gengen.training.stopping import stopping
from gengen.training.watch import Watch
from gengen.training.writer import Writer

if TYPE_CHECKING:
    from gengen.api.scorekeeper import Scorekeeper
    from gengen.evaluation.judge import Judge


def run(config: ConfigDict, workdir: Path, rule: str = RULES[0]) -> Path:
    """Trains until `training.steps`, from the latest checkpoint if the folder holds one.

    Args:
      config: the experiment.
      workdir: the run folder.
      rule: by which a new run draws "test" where a data set has no such split; one that goes on keeps its own.

    Returns:
      The path of the last grid of samples, reconstructions or translations; that of the metrics where the model only
      recognises images.

    Raises:
      Refusal: the config cannot be run, the folder belongs to another run, or training diverged.
    """
    made = ready(config, rule_of(read_folder(workdir)[1]) if begun(workdir) else rule, workdir)
    quick = quick_compilation(config.training.get("quick_compilation", False))
    with quick, held(workdir) if jax.process_index() == 0 else nullcontext():
        open_folder(workdir, config, made.data.signature.to_json(), partial(defaults_of, config))
        checkpoints = Checkpoints(workdir / "checkpoints")
        try:
            return _Run(config, workdir, made, checkpoints).go()
        except NonFiniteError as error:
            raise Refusal(diverged(error, checkpoints, workdir)) from error
        finally:
            checkpoints.close()


JUDGING, DRAWING, SAVING = "judging", "drawing", "saving"
"""What a run does between steps."""


class Ready(NamedTuple):
    """What a run is made of, before it has a folder.

    Attributes:
      data: of the config.
      shown: what the model can be shown of them.
      model: of the config.
      moved: for each stage, the names of the parameters that it trains; none where no step is left to take.
      judge: of samples while it trains; None where there are to be no scores, or no step is left to take.
    """

    data: DataSet
    shown: DataSet
    model: GenerativeModel
    moved: list[frozenset[str]]
    judge: "Judge | None"


def ready(config: ConfigDict, rule: str = RULES[0], workdir: Path | None = None) -> Ready:
    """Finds everything that can be wrong with a config before a folder is made.

    In the config, `training.epochs` become steps, and a `training.precision` of "auto" becomes what it is here.

    Args:
      config: the experiment.
      rule: by which "test" is drawn where a data set has no such split.
      workdir: the run folder, which may hold a run already; None where there is none yet.

    Raises:
      Refusal: the config cannot be run.
    """
    check_config(config)
    data = load_data(config, rule)
    settle(config, workdir)
    model = build_model(config, data.signature)
    if not (model.sample or (model.encode and model.decode) or model.translate or model.recognise):
        raise Refusal("this model can neither sample nor encode and decode, so there would be nothing to see of it.")
    for stage in model.stages:
        if stage.start >= config.training.steps:
            raise Refusal(
                f"config.training.steps={config.training.steps} end before the stage of step {stage.start} begins; "
                f"raise them, or let it begin earlier."
            )
    shown = shown_to(model, data)
    made = Ready(data, shown, model, [], None)
    done = workdir is not None and latest_step(workdir) >= config.training.steps
    return made if done else _to_train(config, made)


def _to_train(config: ConfigDict, made: Ready) -> Ready:
    """Adds what only a run needs that takes a step."""
    moved = moved_in_stages(config, made.model, made.data.signature)
    return made._replace(moved=moved, judge=_judge_of(config, made.shown, made.model))


def _judge_of(config: ConfigDict, data: DataSet, model: GenerativeModel) -> "Judge | None":
    """What judges samples as a run goes, if they are to be judged and can be."""
    if not config.evaluation.every or not model.sample or DOMAIN in model.conditions:
        return None  # samples of two domains are compared with neither
    from gengen.api.scorekeeper import judge_of  # SciPy, which takes as long to import as all the rest

    try:
        return judge_of(data, config.evaluation, labelled=classes_of(model) > 0)
    except UnfitDataError as error:
        print(f"gengen: there will be no scores while it trains: {error}", file=sys.stderr)
        return None


class _Run:
    """One run of a folder, from its latest checkpoint to its last step."""

    def __init__(self, config: ConfigDict, workdir: Path, made: Ready, checkpoints: Checkpoints) -> None:
        data, model = made.shown, made.model
        self._rates = learning_rates(config.optimizers, config.training.steps)
        self._settings, self._workdir, self._model, self._checkpoints = config.training, workdir, model, checkpoints
        self._evaluate_every = config.evaluation.every
        self._key = jax.random.key(config.training.seed)
        example = example_batch(data.signature)
        restored = checkpoints.restore_latest(jax.eval_shape(model.init, self._key, example))
        found: tuple[int, State] = restored or (0, initialised(model, self._key, example))
        self._start, self._state = found
        if self._start < config.training.steps and not made.moved:  # the last checkpoint is damaged
            made = _to_train(config, made)
        self._data = data
        self._scores = self._scorekeeper(config, made.judge)
        self._moved, self._watch = made.moved, Watch(parameters_in, patience(config, model))
        self._progress = Progress(model, data, workdir, config.training.seed)
        self._writer = Writer(workdir, self._start) if jax.process_index() == 0 else None
        self._checkups = Checkups(model, data, config, workdir)
        self._drawn: int | None = None
        self._background = Background()

    def _scorekeeper(self, config: ConfigDict, judge: "Judge | None") -> "Scorekeeper | None":
        if judge is None:
            return None
        from gengen.api.scorekeeper import Scorekeeper

        return Scorekeeper(
            self._workdir, judge, config.evaluation, sampler(self._model, self._data.signature.units), self._start
        )

    def go(self) -> Path:
        """Trains, and returns the path of the last grid."""
        settings, start = self._settings, self._start
        report = self._report = Report(
            self._writer,
            start=start,
            steps=settings.steps,
            batch_size=settings.batch_size,
            log_every=settings.log_every,
            every={LOOKING: self._checkups.every, DRAWING: settings.sample_every, SAVING: settings.checkpoint_every}
            | ({JUDGING: self._evaluate_every} if self._scores else {}),
            rates=self._rates,
        )
        actions = (
            Action(self._checkups.every, self._checkups),
            Action(self._evaluate_every, self._judge),
            Action(settings.sample_every, partial(self._picture, every=settings.sample_every)),
            Action(settings.checkpoint_every, self._save),  # last: a run that goes on from it has all that was before
        )
        if self._writer and self._model.notes:
            print(wrapped(f"{self._workdir} {self._model.notes}"))
        fed = self._batches()
        with stopping() as stop:
            try:
                self._checkups.begin(self._state, start, settings.steps, self._writer, report)
                state, stopped = replicate(self._state, jax.local_devices()), None
                for span in spans(self._model, start, settings.steps):
                    watching = self._watching(state, span)
                    state, stopped = train(
                        report.timed(parallel(span.stage.train_step, period=span.stage.period), span.stage.period),
                        self._key,
                        state,
                        zip(self._windows(span), fed, strict=False),  # the batches go on into the next stage
                        report=report,
                        actions=(*actions, *watching),
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
                self._background.close()
                report.close()
                if self._scores:
                    self._scores.close()
                if self._writer:
                    self._writer.close()
        if self._writer:
            self._progress.charts.finish(anew=end > start)
            print(ending(self._workdir, start, end, settings.steps))
        pictures = self._progress.pictures(end)
        return pictures[-1].path if pictures else self._workdir / "metrics.jsonl"

    def _watching(self, state: State, span: Span) -> list[Action]:
        """What looks, once in a stage, whether all that is trained in it has moved; only one process says so."""
        if not self._writer:
            return []
        stages = [0, *(stage.start for stage in self._model.stages)]
        self._watch.begin(state, span.first, self._moved[stages.index(span.stage.start)])
        return [Action(self._watch.steps, self._watch, until=span.first + 2 * self._watch.steps)]

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
        with self._report.paused(SAVING):
            self._background.wait()  # a run that goes on from the checkpoint has all pictures before it
            self._checkpoints.save(step, state)

    def _judge(self, state: State, step: int) -> None:
        if self._scores:
            with self._report.paused(JUDGING):
                said = self._scores(state, step, self._writer)
            if said:
                self._report.say(step, said)

    def _picture(self, state: State, step: int, every: int = 0) -> None:
        """Draws what the model shows of itself, unless that is of a step which this run did not train."""
        pictures = self._progress.pictures(step)
        there = all(picture.path.exists() for picture in pictures)
        if not self._writer or not pictures or step == self._drawn or (step <= self._start and there):
            return
        self._drawn = step
        with self._report.paused(DRAWING):
            drawn = self._progress.draw(jax.device_get(evaluation_variables(state)))
            self._background.begin(partial(self._write, step, drawn))
        self._report.say(step, [str(picture.path) for picture in reversed(pictures)], every)

    def _write(self, step: int, drawn: dict[str, list[Block]]) -> None:
        paths = dict(self._progress.pictures(step))
        for kind, _ in self._progress.write(step, drawn):
            assert self._writer
            self._writer.picture(step, kind, paths[kind])
        self._progress.charts.refresh()
