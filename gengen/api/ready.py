"""All that a training needs of its config, found before there is a folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.api.together import Together
from gengen.core.model import Batch, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.signature import DataSet, Signature
from gengen.data.splits import RULES
from gengen.evaluation.features import UnfitDataError
from gengen.files.places import place
from gengen.inference.conditions import DOMAIN, classes_of, shown_to, takes_text
from gengen.runs.archived import located
from gengen.runs.check import check_config
from gengen.runs.folder import latest_step
from gengen.runs.precision import settle
from gengen.runs.prepare import load_data
from gengen.runs.program import member_model, template, traced
from gengen.runs.run import Run, open_run
from gengen.training.beginning import begun_from, fitting, initialised
from gengen.training.screen import wrapped

if TYPE_CHECKING:
    from gengen.evaluation.judging import Judge


class Ready(NamedTuple):
    """What a run is made of, before it has a folder.

    Attributes:
      data: of the config.
      shown: what the model can be shown of them.
      model: of the config; where that has a sweep, of a member.
      moved: for each stage, the names of the parameters that it trains; none where no step is left to take.
      judge: of samples while it trains; None where there are to be no scores, or no step is left to take.
      source: the run that a new one begins with the weights of; None where it begins with its own.
    """

    data: DataSet
    shown: DataSet
    model: GenerativeModel
    moved: list[frozenset[str]]
    judge: "Judge | None"
    source: Run | None = None


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
    model = member_model(config, data.signature)
    if not (model.sample or (model.encode and model.decode) or model.translate or model.recognise):
        raise Refusal("this model can neither sample nor encode and decode, so there would be nothing to see of it.")
    for stage in model.stages:
        if stage.start >= config.training.steps:
            raise Refusal(
                f"config.training.steps={config.training.steps} end before the stage of step {stage.start} begins; "
                f"raise them, or let it begin earlier."
            )
    if config.training.get("film_every", 0) and not model.sample:
        raise Refusal("config.training.film_every must be 0: this model draws no samples that a film could show.")
    shown = shown_to(model, data)
    made = Ready(data, shown, model, [], None, _source(config, workdir, model, data.signature))
    done = workdir is not None and latest_step(workdir) >= config.training.steps
    return made if done else to_train(config, made)


def _source(config: ConfigDict, workdir: Path | None, model: GenerativeModel, signature: Signature) -> Run | None:
    """The run that a new one begins with the weights of.

    Raises:
      Refusal: it cannot be opened, is the new one itself, or has no array that it could begin with.
    """
    asked = config.training.get("init_from")
    if asked is None or (workdir is not None and latest_step(workdir)):
        return None
    folder = located(place("config.training.init_from", asked))
    if workdir is not None and folder.resolve() == workdir.resolve():
        raise Refusal(f"config.training.init_from={asked} is the run itself; choose another --workdir.")
    source = open_run(folder, raw=True, every=False)
    taken = fitting(template(model, jax.random.key(0), signature).variables, source.variables)
    if not taken.number:
        raise Refusal(f"config.training.init_from={asked} holds nothing that this model could begin with: {taken}.")
    return source


def to_train(config: ConfigDict, made: Ready) -> Ready:
    """Adds what only a run needs that takes a step."""
    moved = traced(config, made.model, made.data.signature)
    return made._replace(moved=moved, judge=_judge_of(config, made.shown, made.model))


def first_state(made: Ready, together: Together, batch: Batch, workdir: Path) -> State:
    """The state of a new run, with the weights of another one where it is to begin with these.

    Args:
      made: what the run is made of.
      together: what it trains.
      batch: the first one.
      workdir: the run folder, for sentences.
    """
    state = initialised(together.model, together.key, batch)
    if made.source is None:
        return state
    state, taken = begun_from(state, made.source.variables, len(together.seeds))
    folder = made.source.folder
    print(wrapped(f"{workdir} begins with weights of {folder}, step {made.source.step:,}: {taken}"))
    return state


def _judge_of(config: ConfigDict, data: DataSet, model: GenerativeModel) -> "Judge | None":
    """What judges samples as a run goes, if they are to be judged and can be."""
    if not config.evaluation.every or not model.sample or DOMAIN in model.conditions:
        return None  # samples of two domains are compared with neither
    from gengen.api.scorekeeper import judge_of  # SciPy, which takes as long to import as all the rest

    try:
        return judge_of(data, config.evaluation, labelled=classes_of(model) > 0, texts=takes_text(model))
    except UnfitDataError as error:
        print(f"gengen: there will be no scores while it trains: {error}", file=sys.stderr)
        return None
