"""How far a model's density is from the one that points are drawn from, where both are known."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from gengen.data.points import density_of, read_points
from gengen.evaluation.judging import Section, Subject
from gengen.inference.batched import batched, chosen
from gengen.inference.nats import over_classes
from gengen.metrics.likelihood import log_likelihood
from gengen.pictures.densities import heat_maps

POINTS = 20_000
"""Of the test split's stream, the first of which are the held-out ones; a model sees none of them."""

CHUNK = 2_000
"""Points of one call."""


def divergence(subject: Subject) -> Section | None:
    """Measures KL(truth || model), the mean of log p_true - log p_model over points of the truth, in nats.

    Returns:
      "nats" and the number of "points", with a picture of both densities; None where the data's density is not known,
      or the model's is not exact.
    """
    run, signature = subject.run, subject.data.signature
    truth = density_of(signature)
    if truth is None or run.model.log_likelihood is None or run.model.bound_by:
        return None
    points, _ = read_points(signature.name, "test", POINTS)
    model = _log_density(subject)
    nats = log_likelihood(truth(points) - model(points))
    picture = partial(heat_maps, {"truth": truth, "model": model}, points)
    return Section({"points": POINTS, "nats": nats._asdict()}, picture, "density")


def _log_density(subject: Subject) -> Callable[[np.ndarray], np.ndarray]:
    """The model's log-density of points [N, 2] in the data's units, float64 [N]; classes have equal shares, as here."""
    run = subject.run
    nats = jax.jit(over_classes(run.model, subject.data.signature))

    def density(points: np.ndarray) -> np.ndarray:
        points = np.asarray(points, np.float32)

        def look(rows: np.ndarray) -> jax.Array:
            found: jax.Array = nats(jax.random.key(0), run.variables, chosen(points, rows))
            return found

        return np.asarray(batched(look, len(points), CHUNK), np.float64)

    return density
