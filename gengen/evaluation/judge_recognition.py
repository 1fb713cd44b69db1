"""How many held-out images of the domain that matters a model names right, by its own classifier."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.state import Variables
from gengen.data.labels import with_labels
from gengen.data.signature import DataSet
from gengen.inference.conditions import LABEL
from gengen.metrics.interval import of_share
from gengen.reports.tables import with_interval

CHUNK = 1000
"""Images of one call."""


def recogniser(model: GenerativeModel, variables: Variables) -> Callable[[np.ndarray], np.ndarray]:
    """Returns what gives the most probable class [N] of images uint8 [N, H, W, C].

    Raises:
      Refusal: the model cannot recognise.
    """
    recognise = require(model, "recognise")

    @jax.jit
    def look(variables: Variables, images: jax.Array) -> jax.Array:
        return recognise(jax.random.key(0), variables, images.astype(np.float32) / 127.5 - 1)[LABEL].argmax(-1)

    def classes(images: np.ndarray) -> np.ndarray:
        parts = [look(variables, images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)]
        return np.concatenate([np.asarray(part) for part in parts])

    return classes


def judge_recognition(model: GenerativeModel, variables: Variables, data: DataSet) -> dict[str, Any] | None:
    """Measures a model's own classifier of the data's classes on held-out images of the last domain.

    Args:
      model: a model whose classifier, if it has one, names the classes of the first data set.
      variables: its variables.
      data: what it was trained on; the last domain is their second data set, or they themselves if there is none.

    Returns:
      As JSON can hold it: "domain", its name; "images", how many; and "accuracy", the share named right, an estimate.
      None where the model does not recognise, the domain does not have the same classes, or no held-out image has one.
    """
    domain = data.second or data
    if model.recognise is None or not domain.signature.classes or domain.signature.classes != data.signature.classes:
        return None
    test = with_labels(domain.splits["test"])
    if not len(test["label"]):
        return None
    right = recogniser(model, variables)(test["data"]) == test["label"]
    accuracy = of_share(int(right.sum()), len(right))
    return {"domain": domain.signature.name, "images": len(right), "accuracy": accuracy._asdict()}


def sentence_of(found: dict[str, Any]) -> str:
    """Says what `judge_recognition` found."""
    return (
        f"Its own classifier names {with_interval(found['accuracy'])} of the {found['images']:,} held-out images of "
        f"{found['domain']} right."
    )
