"""What a model names examples to be, by a classifier of its own, and how often it is right."""

from collections.abc import Callable, Sequence

import jax
import numpy as np

from gengen.core.model import require
from gengen.core.state import Variables
from gengen.core.units import Units
from gengen.data.labels import with_labels
from gengen.evaluation.judging import Section, Subject
from gengen.inference.batched import batched, chosen
from gengen.inference.conditions import LABEL
from gengen.metrics.interval import of_share
from gengen.runs.run import Run


def classes_named(
    run: Run, units: Units, names: Sequence[str] = (LABEL,)
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Returns what gives the most probable classes [N] of examples [N, *shape] by the names of the conditions.

    Args:
      run: the run.
      units: of the examples.
      names: of the conditions that are recognised.

    Raises:
      Refusal: the model cannot recognise.
    """
    recognise = require(run.model, "recognise")

    @jax.jit
    def look(key: jax.Array, variables: Variables, data: jax.Array) -> dict[str, jax.Array]:
        found = recognise(key, variables, units.to_model(data))
        return {name: found[name].argmax(-1) for name in names}

    def named(examples: np.ndarray) -> dict[str, np.ndarray]:
        def batch(rows: np.ndarray) -> dict[str, jax.Array]:
            key = jax.random.fold_in(jax.random.key(0), int(rows[0]))
            found: dict[str, jax.Array] = look(key, run.variables, chosen(examples, rows))
            return found

        return dict(batched(batch, len(examples)))

    return named


def recognised(run: Run) -> frozenset[str]:
    """What a model finds in examples, by the names of conditions; nothing where it does not recognise."""
    if run.model.recognise is None:
        return frozenset()
    one = jax.ShapeDtypeStruct((1, *run.signature.shape), np.float32)
    return frozenset(jax.eval_shape(run.model.recognise, jax.random.key(0), run.variables, one))


def recognition(subject: Subject) -> Section | None:
    """Measures a model's own classifier of the data's classes on held-out examples of the last domain.

    The last domain is the second data set, or the data themselves if there is none.

    Returns:
      "domain", its name; "images", how many; and "accuracy", the share named right. None where the model does not
      recognise the label, the domain does not have the same classes, or no held-out example has one; of a model that
      can be told the label, too, `codes` tells it.
    """
    run, data = subject.run, subject.data
    domain = data.second or data
    if LABEL in run.model.conditions or LABEL not in recognised(run):
        return None
    if not domain.signature.classes or domain.signature.classes != data.signature.classes:
        return None
    test = with_labels(domain.splits["test"])
    if not len(test["label"]):
        return None
    right = classes_named(run, domain.signature.units)(test["data"])[LABEL] == test["label"]
    accuracy = of_share(int(right.sum()), len(right))
    return Section({"domain": domain.signature.name, "images": len(right), "accuracy": accuracy._asdict()})
