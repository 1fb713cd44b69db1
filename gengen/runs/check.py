"""All that can be said against a config before data are loaded: each value by its type and range, then values together.

There is one mechanism for single values, `gengen.values`: builders of networks, models and optimizers say in their
signatures what they take, and `sections` says it of what no builder takes.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.build.calls import check_arguments, check_section
from gengen.build.model import check_labelled, check_model, judged_as_one
from gengen.build.sweep import each_alone
from gengen.core.refusal import Refusal
from gengen.runs.healed import check_healing
from gengen.runs.program import check_seeds
from gengen.runs.sections import SCORES, Adaptation, Average, Baseline, Data, Evaluation, Second, Training

SECTIONS: Mapping[str, tuple[Callable[..., Any], ...]] = {
    "data": (Data, Second),
    "training": (Training, Average),
    "evaluation": (Evaluation,),
    "adaptation": (Adaptation, Baseline),
}
"""What says of each section what it holds, and of the section within it, whose name is in `WITHIN`."""

WITHIN = {"data": "second", "training": "average", "adaptation": "baseline"}

GAME = ("networks", "model", "optimizers")
"""Sections whose builders say what they take."""

DRAWING = "sampling"
"""The section of models that have several ways to draw samples, whose builders say what they take."""


def check_config(config: ConfigDict) -> None:
    """Checks a config as far as it can be without its data.

    Raises:
      Refusal: a key is unknown or missing, a value has a wrong type or is out of range, or two do not go together.
    """
    for each in each_alone(config):
        _check_alone(each)
    check_healing(config)


def _check_alone(config: ConfigDict) -> None:
    """Checks a config without a sweep."""
    check_values(config)
    _check_batch("training", config, judged_as_one(config))
    if "adaptation" in config:
        _check_batch("adaptation.baseline", config, 1)
    check_evaluation(config.evaluation)
    check_seeds(config.training)
    check_labelled(config)
    if config.get(DRAWING, {}).get("worse") is not None:
        raise Refusal(
            f"config.sampling.worse={config.sampling.worse!r} is of commands that draw samples of a run, and must be "
            "None while it is trained."
        )
    corruption = config.model.get("corruption", {})
    if corruption.get("name") == "none" and corruption.get("amount"):
        raise Refusal(
            f"config.model.corruption.amount={corruption['amount']} is of no corruption: set it to 0, or "
            f"config.model.corruption.name to another one than 'none'."
        )
    if config.evaluation.get("anomalies", False) and not config.data.get("held_out", 0.0):
        raise Refusal(
            "config.data.held_out=0 sets no normal images aside, of which --mode=detect would make its threshold: "
            "set it to 0.1 or more, or config.evaluation.anomalies to False."
        )


def check_values(config: ConfigDict) -> None:
    """Checks every single value of a config.

    Raises:
      Refusal: a key is unknown or missing, or a value has a wrong type or is out of range.
    """
    known = (*SECTIONS, *GAME, DRAWING)
    for name in config:
        if name not in (*known, "sweep"):
            raise Refusal(f"config.{name} is not a section of an experiment, which has {', '.join(known)}.")
    for name in ("data", "training", "evaluation", *GAME):
        if name not in config:
            raise Refusal(f"config.{name} is missing: an experiment has {', '.join((*SECTIONS, *GAME))}.")
    for name, declared in SECTIONS.items():
        if name in config:
            _check_declared(name, config[name], declared)
    check_model(config)
    if "adaptation" in config:
        check_model(config.adaptation.baseline, "adaptation.baseline.")


def check_evaluation(settings: ConfigDict) -> None:
    """Checks that the values of the section `evaluation` go together, and that its file is there.

    Raises:
      Refusal: the score that chooses is not among those that are measured, or there is no file of weights.
    """
    names = [name for name in settings.scores if SCORES[name]]
    if settings.scores and settings.best not in names:
        raise Refusal(
            f"config.evaluation.best={settings.best!r} must be one of config.evaluation.scores"
            f"{': ' + ', '.join(names) if names else ', of which none says that one run is better than another'}."
        )
    file = settings.inception_weights
    if file is not None and not Path(file).expanduser().is_file():
        raise Refusal(f"config.evaluation.inception_weights={file!r} is no file; leave it out, or name one that is.")


def _check_declared(name: str, section: Any, declared: tuple[Callable[..., Any], ...]) -> None:
    check_section(section, name)
    own, within = dict(section), WITHIN.get(name, "")
    inner = own.pop(within, None)
    check_arguments(own, name, declared[0], repr(name))
    if within == "second" and not inner:
        return
    if within:
        check_section(inner, f"{name}.{within}")
        values = {key: value for key, value in inner.items() if name != "adaptation" or key not in GAME}
        check_arguments(values, f"{name}.{within}", declared[1], repr(f"{name}.{within}"))


def _check_batch(path: str, config: ConfigDict, together: int) -> None:
    """Checks that the batch of a section can be divided among the devices."""
    size, devices = config.training.batch_size, jax.device_count()
    if path != "training":
        size = config.adaptation.baseline.batch_size
    parts = devices * together
    if size % parts:
        down, up = size // parts * parts, -(-size // parts) * parts
        near = f"{down} or {up}" if down else str(up)
        packs = f" in packs of {together}" if together > 1 else ""
        raise Refusal(f"config.{path}.batch_size={size} cannot be divided among {devices} devices{packs}; try {near}.")
