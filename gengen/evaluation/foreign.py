"""Data that a run was not trained on, brought to the shape of its own, to be told from them."""

import re

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet, Signature, plural
from gengen.runs.prepare import load_data
from gengen.runs.run import Run

_KEYS = {"name": "foreign", "manual_dir": "foreign_dir"}
"""What keys of the section `data` are called in `evaluation`."""

_OF_DATA = re.compile(rf"config\.data\.({'|'.join(_KEYS)})\b")


def foreign_data(run: Run) -> DataSet:
    """Loads the data set of `config.evaluation.foreign`; pictures get the resolution and channels of the run's.

    Raises:
      Refusal: it cannot be had, or its examples are of another kind, shape or type than those of the run.
    """
    own, name = run.signature, run.settings.foreign
    config = run.config.copy_and_resolve_references()
    data_dir = run.given.data.get("data_dir") or config.data.get("data_dir")
    section = {"name": name, "data_dir": data_dir, "manual_dir": run.settings.get("foreign_dir")}
    if own.kind == "picture":
        section |= {"resolution": own.shape[:2], "channels": own.shape[2]}
    training = {**config.training.to_dict(), "epochs": 0.0}  # which would count the steps of these data
    try:
        data = load_data(ConfigDict({"data": section, "training": training}))
    except Refusal as refusal:
        raise Refusal(_OF_DATA.sub(lambda key: f"config.evaluation.{_KEYS[key[1]]}", str(refusal))) from refusal
    theirs = data.signature
    if (theirs.kind, theirs.shape, theirs.levels) != (own.kind, own.shape, own.levels):
        raise Refusal(
            f"config.evaluation.foreign={name!r} holds {_said(theirs)}, and the run was trained on {_said(own)}; "
            f"name data like its own."
        )
    return data


def _said(signature: Signature) -> str:
    """What the examples of data are, in words."""
    numbers = f"of {signature.levels} levels" if signature.levels else "of real numbers"
    return f"{plural(signature.kind)} {list(signature.shape)} {numbers}"
