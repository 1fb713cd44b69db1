"""All that a training needs of its config, found before there is a folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet
from gengen.data.splits import RULES
from gengen.evaluation.features import UnfitDataError
from gengen.inference.conditions import DOMAIN, classes_of, shown_to, takes_text
from gengen.runs.check import check_config
from gengen.runs.folder import latest_step
from gengen.runs.precision import settle
from gengen.runs.prepare import load_data
from gengen.runs.program import member_model, traced

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
    made = Ready(data, shown, model, [], None)
    done = workdir is not None and latest_step(workdir) >= config.training.steps
    return made if done else to_train(config, made)


def to_train(config: ConfigDict, made: Ready) -> Ready:
    """Adds what only a run needs that takes a step."""
    moved = traced(config, made.model, made.data.signature)
    return made._replace(moved=moved, judge=_judge_of(config, made.shown, made.model))


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
