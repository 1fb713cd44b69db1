"""`--mode=train`: starts the run of a folder, or goes on where it stopped."""

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import jax
from ml_collections import ConfigDict

from gengen.api.checkups import LOOKING, Checkups, IllError
from gengen.api.endings import diverged, ending, stopped_at
from gengen.api.film import Film
from gengen.api.healing import Healing
from gengen.api.progress import Progress
from gengen.api.ready import Ready, first_state, ready, to_train
from gengen.api.together import Together
from gengen.build.trace import parameters_in, patience
from gengen.core.model import Batch
from gengen.core.parallel import local_places, replicate
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.pipeline import batches, first_batch
from gengen.data.selection import streams
from gengen.data.splits import RULES, rule_of
from gengen.diagnosis.cures import CURED
from gengen.inference.sampling import sampler
from gengen.pictures.captions import Block
from gengen.runs.folder import begun, held, open_folder, read_folder
from gengen.runs.keys import defaults_of
from gengen.runs.program import template
from gengen.training.background import Background
from gengen.training.checkpoint import Checkpoints
from gengen.training.compilation import quick_compilation
from gengen.training.loop import Action, NonFiniteError, train, windows
from gengen.training.report import Report
from gengen.training.screen import wrapped
from gengen.training.stages import Span, spans
from gengen.training.stopping import stopping
from gengen.training.watch import Watch
from gengen.training.writer import Writer

if TYPE_CHECKING:
    from gengen.api.scorekeeper import Scorekeeper
    from gengen.evaluation.judging import Judge


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
        healing = Healing(config, workdir)
        while (path := _trained(workdir, made, healing)) is None:
            gc.collect()  # what was raised holds frames, and these the state, which need not be there twice
        return path


def _trained(workdir: Path, made: Ready, healing: Healing) -> Path | None:
    """Trains until the end, or until an illness is found that the run is to be healed of: then the path is None."""
    checkpoints = Checkpoints(workdir / "checkpoints", keep=healing.keep)
    try:
        healing.go_back(checkpoints)
        made = made._replace(model=healing.model(made.model, made.data.signature))
        run = _Run(healing.config(), workdir, made, checkpoints, healing)
        try:
            return run.go()
        except (IllError, NonFiniteError) as error:
            healed = healing.heal(error, checkpoints, run.onset())
            if healed is None:
                assert isinstance(error, NonFiniteError)
                raise Refusal(diverged(error, made.model.layers, checkpoints, workdir, healing.spent)) from error
        print(wrapped(f"{workdir} {healed.line}"))
        if not run.asked_to_stop:
            return None
        print(stopped_at(workdir, healed.told, healed.back))
        return workdir / METRICS
    finally:
        checkpoints.close()


METRICS = "metrics.jsonl"

JUDGING, DRAWING, SAVING = "judging", "drawing", "saving"
"""What a run does between steps."""


class _Run:
    """One run of a folder, from its latest checkpoint to its last step."""

    def __init__(
        self, config: ConfigDict, workdir: Path, made: Ready, checkpoints: Checkpoints, healing: Healing
    ) -> None:
        data, self._together = made.shown, Together(made.model, config, made.data.signature)
        model, self._key, alone = self._together.model, self._together.key, self._together.alone
        self._settings, self._workdir, self._model, self._checkpoints = config.training, workdir, model, checkpoints
        self._evaluate_every = config.evaluation.every
        restored = checkpoints.restore_latest(template(model, self._key, data.signature))
        batch = self._first_batch(streams(data))
        found: tuple[int, State] = restored or (0, first_state(made, self._together, batch, workdir))
        self._start, self._state = found
        if self._start < config.training.steps and not made.moved:  # the last checkpoint is damaged
            made = to_train(config, made)
        self._data = data
        self._scores = self._scorekeeper(config, made.judge)
        self._moved = made.moved
        self._watch = Watch(lambda state: parameters_in(self._together.first(state)), patience(alone, model))
        self._progress = Progress(model, data, workdir, self._together.seeds, self._together.names)
        self._film_every = config.training.get("film_every", 0)
        self._film = Film(model, data, workdir, config.training.seed) if self._film_every else None
        self._writer = Writer(workdir, self._start) if jax.process_index() == 0 else None
        self._checkups = Checkups(model, data, alone, workdir, healing.to_heal, healing.spent)
        self._heals, self.asked_to_stop = healing.asked, False
        self._drawn: int | None = None

    def _scorekeeper(self, config: ConfigDict, judge: "Judge | None") -> "Scorekeeper | None":
        if judge is None:
            return None
        from gengen.api.scorekeeper import Scorekeeper

        draw = sampler(self._model, self._data.signature.units)
        return Scorekeeper(self._workdir, judge, config.evaluation, draw, self._start, self._together.shown)

    def go(self) -> Path:
        """Trains, and returns the path of the last grid."""
        start, steps = self._start, self._settings.steps
        report = self._report = self._reporting()
        self._background = Background(report.paused)
        if self._writer and self._model.notes:
            print(wrapped(f"{self._workdir} {self._model.notes}"))
        fed = self._batches()
        with stopping() as stop:
            try:
                state, stopped = self._train(fed, stop)
                end = stopped or max(start, steps)
                keeps = end >= steps or not self._heals  # or it would go on from where it was not looked at
                if end == steps > start:
                    self._judge(state, end)
                if stopped and keeps:
                    self._save(state, end)  # first, because who stops a run may not wait for long
                self._picture(state, end)
                if keeps:
                    self._save(state, end)
                self._checkpoints.wait()
            finally:
                self.asked_to_stop = self._heals and stop()
                fed.close()
                self._background.close()
                report.close()
                if self._scores:
                    self._scores.close()
                if self._writer:
                    self._writer.close()
        if self._writer:
            self._progress.charts.finish(anew=end > start)
            kept = end if keeps else self._checkpoints.latest() or 0
            print(ending(self._workdir, start, end, steps, kept))
        pictures = self._progress.pictures(end)
        return pictures[-1].path if pictures else self._workdir / METRICS

    def onset(self) -> int | None:
        """The step of the look at which signs of what can be healed were first seen, if they are seen now."""
        return self._checkups.onset(CURED)

    def _train(self, fed: Iterator[Batch], stop: Callable[[], bool]) -> tuple[State, int | None]:
        """Takes the steps of all stages, with what is due between them; returns what `training.loop.train` does."""
        state, stopped = replicate(self._state, jax.local_devices()), None
        checking = self._together.checking(self._state, self._report.say, aloud=self._writer is not None)
        self._checkups.begin(self._together.first(self._state), self._start, self._settings.steps, self._writer)
        if self._start == 0:
            self._frame(state, 0)
        for span in spans(self._model, self._start, self._settings.steps):
            actions = (*self._actions(), *self._watching(state, span))
            try:
                state, stopped = train(
                    self._report.timed(self._together.dispatch(span.stage), span.stage.period),
                    self._key,
                    state,
                    zip(self._windows(span), fed, strict=False),  # the batches go on into the next stage
                    report=self._report,
                    actions=actions,
                    stop=stop,
                    background=self._background,
                    **checking,
                )
            except NonFiniteError:
                if self._heals:
                    self._background.wait()  # what a look at an earlier step is about to find comes first
                raise
            if stopped:
                break
        return state, stopped

    def _reporting(self) -> Report:
        settings = self._settings
        return Report(
            self._writer,
            start=self._start,
            steps=settings.steps,
            batch_size=settings.batch_size * len(self._together.seeds),
            log_every=settings.log_every,
            every={LOOKING: self._checkups.every, DRAWING: settings.sample_every, SAVING: settings.checkpoint_every}
            | ({JUDGING: self._evaluate_every} if self._scores else {}),
            rates=self._together.rates,
        )

    def _actions(self) -> tuple[Action, ...]:
        """What is done between steps, in this order."""
        settings = self._settings
        return (
            Action(self._checkups.every, self._look),
            Action(self._evaluate_every, self._judge),
            Action(settings.sample_every, partial(self._picture, every=settings.sample_every)),
            Action(self._film_every, self._frame),
            Action(settings.checkpoint_every, self._save),  # last: a run that goes on from it has all that was before
        )

    def _watching(self, state: State, span: Span) -> list[Action]:
        """What looks, once in a stage, whether all that is trained in it has moved; only one process says so."""
        if not self._writer:
            return []
        stages = [0, *(stage.start for stage in self._model.stages)]
        self._watch.begin(state, span.first, self._moved[stages.index(span.stage.start)])
        return [Action(self._watch.steps, self._watch, until=span.first + 2 * self._watch.steps)]

    def _windows(self, span: Span) -> Iterator[tuple[int, int]]:
        return windows(span.first, span.last, self._settings.steps_per_dispatch)

    def _first_batch(self, arrays: Batch) -> Batch:
        return first_batch(arrays, seed=self._together.order, batch_size=self._settings.batch_size)

    def _batches(self) -> Generator[Batch, None, None]:
        return batches(
            streams(self._data),
            seed=self._together.order,
            batch_size=self._settings.batch_size,
            windows=chain.from_iterable(map(self._windows, spans(self._model, self._start, self._settings.steps))),
            devices=jax.device_count(),
            local=local_places(),
        )

    def _save(self, state: State, step: int) -> None:
        with self._background.doing(SAVING):
            self._background.wait()  # a run that goes on from the checkpoint has all pictures before it
            self._checkpoints.save(step, state)

    def _look(self, state: State, step: int) -> None:
        with self._background.doing(LOOKING):
            said = self._checkups(self._together.first(state), step)
        for sentence in said:
            self._report.say(step, [sentence])

    def _judge(self, state: State, step: int) -> None:
        if self._scores:
            with self._background.doing(JUDGING):
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
        with self._background.doing(DRAWING):
            drawn = self._progress.draw(self._together.shown(state))
            self._background.begin(partial(self._write, step, drawn, every))

    def _frame(self, state: State, step: int) -> None:
        """Takes a picture of the film."""
        if self._film and self._writer:
            with self._background.doing(DRAWING):
                self._background.begin(self._film(self._together.shown(state)[0], step))

    def _write(self, step: int, drawn: dict[str, list[Block]], every: int) -> None:
        paths = dict(self._progress.pictures(step))
        for kind, _ in self._progress.write(step, drawn):
            assert self._writer
            self._writer.picture(step, kind, paths[kind])
        self._report.say(step, [str(path) for path in reversed(paths.values())], every)
        self._progress.charts.refresh()
