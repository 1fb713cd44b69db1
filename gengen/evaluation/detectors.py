"""What tells anomalies: scores of single examples, higher for what is less like the training data."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np
from scipy import linalg, special

from gengen.core.model import GenerativeModel, offers, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.evaluation.normal import Normal, Scored, Scorer, each, known
from gengen.inference.batched import batched, chosen
from gengen.inference.conditions import classes_of
from gengen.inference.fitted_prior import FITTED_PRIORS, Mixture
from gengen.inference.nats import by_class, marginal
from gengen.metrics.anomaly import cosine_distances

TYPICAL = 2_000
"""Training examples of whose log-likelihoods the mean is taken."""

RIDGE = 1e-3
"""Share of a feature's mean variance that is added to each variance: fewer examples than features span no space."""


class Detector(NamedTuple):
    """A way to score examples.

    Attributes:
      title: what the score is, in words.
      requires: the capabilities of a model that it takes.
      build: makes the scorer.
      heat: what the heat map of a picture shows, in words; "" where there is none.
      settings: what it reads of the section `evaluation`.
      of_numbers: what the score of data is that are no pictures, where it is another one; "" where there is none.
      sums: whether it sums over classes, so that nobody has to tell a model that of an example.
    """

    title: str
    requires: tuple[str, ...]
    build: Callable[[Normal], Scorer]
    heat: str = ""
    settings: tuple[str, ...] = ()
    of_numbers: str | None = None
    sums: bool = False

    def title_of(self, kind: str, bound_by: str = "") -> str:
        """What the score of data of a kind is, in words; "" where they have none.

        Args:
          kind: of the data.
          bound_by: what makes the model's likelihood a bound; "" where it is exact.
        """
        title = self.title if kind == "picture" or self.of_numbers is None else self.of_numbers
        return title.format("a bound of the" if bound_by else "the exact")


def scorer(name: str, normal: Normal) -> Scorer:
    """Makes the scorer of a name in `DETECTORS`; a check with `check` goes before it."""
    return DETECTORS[name].build(normal)


def check(name: str, model: GenerativeModel, kind: str) -> None:
    """Checks that examples can be scored by a model.

    Args:
      name: of the score.
      model: the model.
      kind: of the data.

    Raises:
      Refusal: there is no such score, it is of pictures alone, or the model cannot do what it takes; the sentence says
        which score can be had.
    """
    asked = f"config.evaluation.anomaly_score={name!r}"
    if name not in DETECTORS:
        raise Refusal(f"{asked} is unknown; it must be one of {', '.join(DETECTORS)}.")
    if _fits(DETECTORS[name], model, kind):
        return
    others = [f"{other!r}" for other, detector in DETECTORS.items() if _fits(detector, model, kind)]
    instead = f"set it to {' or '.join(others)}" if others else "no other score can be had of it"
    if classes_of(model) and not (name in DETECTORS and DETECTORS[name].sums):
        raise Refusal(f"{asked} needs a model that is not told the class of what it sees; {instead}.")
    if not DETECTORS[name].title_of(kind):
        raise Refusal(f"{asked} is of pictures alone, and the data of this run are of the kind {kind}; {instead}.")
    if _inverts(model):
        raise Refusal(f"{asked} is 0 for whatever there is, as this model gives back all that it is shown; {instead}.")
    needs, has = ", ".join(DETECTORS[name].requires), ", ".join(offers(model)) or "none of these"
    raise Refusal(f"{asked} needs a model that can do {needs}, and this one can do {has}; {instead}.")


def scores_of(scorer: Scorer, examples: np.ndarray) -> np.ndarray:
    """Scores examples [N, *shape] a batch at a time, float64 [N].

    Raises:
      Refusal: what the model says of an example is not finite.
    """
    return np.asarray(batched(lambda indices: scorer(chosen(examples, indices)).scores, len(examples)))


def log_density(fitted: Mixture, codes: np.ndarray) -> np.ndarray:
    """The logarithm of a mixture's density at codes [n, L], in nats, float64 [n]."""
    terms = []
    for weight, mean, factor in zip(*fitted, strict=True):
        white = linalg.solve_triangular(factor, (codes - mean).T, lower=True)
        terms.append(np.log(weight) - np.square(white).sum(0) / 2 - np.log(np.diag(factor)).sum())
    logs: np.ndarray = special.logsumexp(terms, axis=0) - codes.shape[1] * math.log(2 * math.pi) / 2
    return logs


def _reconstruction(normal: Normal) -> Scorer:
    decoded = _decoded(normal)

    def score(images: np.ndarray) -> Scored:
        back = decoded(images)
        intensities = np.clip((back.astype(np.float64) + 1) / 2, 0, 1)
        scores, heat = cosine_distances(images / 255, intensities)
        return Scored(scores, normal.units.to_data(back), heat)

    return score


def _squared_error(normal: Normal) -> Scorer:
    decoded = _decoded(normal)

    def of_pictures(images: np.ndarray) -> Scored:
        back = decoded(images)
        heat = np.square(images / 255 - (back.astype(np.float64) + 1) / 2).mean(3)
        return Scored(heat.mean((1, 2)), normal.units.to_data(back), heat)

    def of_numbers(examples: np.ndarray) -> Scored:
        back = decoded(examples)
        squares = np.square(normal.units.to_model(examples) - back.astype(np.float64))
        return Scored(squares.reshape(len(squares), -1).mean(1), normal.units.to_data(back))

    return of_pictures if normal.pictures else of_numbers


def _decoded(normal: Normal) -> Callable[[np.ndarray], np.ndarray]:
    """What comes back of examples, float32 in the model's units."""
    encode, decode = require(normal.run.model, "encode"), require(normal.run.model, "decode")

    def one(key: jax.Array, variables: Variables, example: jax.Array) -> Tree:
        return decode(jax.random.fold_in(key, 1), variables, encode(key, variables, example))

    return each(one, normal)


def _likelihood(normal: Normal) -> Scorer:
    nats = _nats(normal)
    return lambda examples: Scored(-nats(examples).astype(np.float64))


def _typicality(normal: Normal) -> Scorer:
    nats, train = _nats(normal), known(normal, TYPICAL)
    mean = nats(train).mean(dtype=np.float64)
    return lambda examples: Scored(np.abs(nats(examples).astype(np.float64) - mean))


def _nats(normal: Normal) -> Callable[[np.ndarray], np.ndarray]:
    """What a model says of examples in its own units; of classes that all have the same share where it is told one."""
    log_likelihood, classes = require(normal.run.model, "log_likelihood"), classes_of(normal.run.model)
    samples = normal.run.settings.get("importance_samples", (1,))[-1]

    def one(key: jax.Array, variables: Variables, example: jax.Array) -> Tree:
        if not classes:
            return log_likelihood(key, variables, example, None, samples)
        of_each = by_class(log_likelihood, classes)(key, variables, example, None, samples)
        return marginal(of_each, [1 / classes] * classes)

    return each(one, normal)


def _density(normal: Normal) -> Scorer:
    name, components = normal.run.settings.get("sampler", "mixture"), normal.run.settings.get("components", 10)
    if name not in FITTED_PRIORS or components < 1:
        raise Refusal(
            f"config.evaluation.anomaly_score='density' needs a config.evaluation.sampler of "
            f"{', '.join(FITTED_PRIORS)} and at least 1 of config.evaluation.components, not {name!r} and {components}."
        )
    encode = require(normal.run.model, "encode")
    look = each(encode, normal)

    def codes(examples: np.ndarray) -> np.ndarray:
        found = look(examples)
        if not np.issubdtype(found.dtype, np.floating):
            raise Refusal(
                "config.evaluation.anomaly_score='density' needs codes that have a density, and those of this model "
                "are whole numbers; set it to 'reconstruction'."
            )
        return found.reshape(len(examples), -1).astype(np.float64)

    fitted = FITTED_PRIORS[name](codes(known(normal)), components)
    return lambda examples: Scored(-log_density(fitted, codes(examples)))


def _features(normal: Normal) -> Scorer:
    look = each(require(normal.run.model, "features"), normal)
    seen = look(known(normal)).astype(np.float64)
    mean, covariance = seen.mean(0), np.atleast_2d(np.cov(seen, rowvar=False))
    ridge = RIDGE * np.trace(covariance) / len(covariance) + np.finfo(np.float32).tiny
    factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))

    def score(examples: np.ndarray) -> Scored:
        white = linalg.solve_triangular(factor, (look(examples) - mean).T, lower=True)
        return Scored(np.sqrt(np.square(white).sum(0)))

    return score


def _fits(detector: Detector, model: GenerativeModel, kind: str) -> bool:
    # Nobody knows the class of an anomaly; a model that recognises classes need not be told.
    if classes_of(model) and model.recognise is None and not detector.sums:
        return False
    if "decode" in detector.requires and _inverts(model):
        return False
    capable = all(getattr(model, capability) is not None for capability in detector.requires)
    return capable and bool(detector.title_of(kind))


def _inverts(model: GenerativeModel) -> bool:
    """Whether decoding undoes encoding, as in a flow, whose likelihood is that of a code and of how it was reached."""
    coded = model.encode is not None and model.decode is not None
    return coded and model.log_likelihood is not None and model.bound_by not in ("latents", "codes")


DETECTORS: Mapping[str, Detector] = {
    "reconstruction": Detector(
        "1 - cosine of an image and its reconstruction, both blurred",
        ("encode", "decode"),
        _reconstruction,
        "squared difference of both after each is divided by its norm: it sums to 2 (1 - cosine), twice the score",
        of_numbers="",
    ),
    "squared_error": Detector(
        "mean squared error of a pixel in [0, 1]",
        ("encode", "decode"),
        _squared_error,
        "squared error of each pixel, of which the score is the mean",
        of_numbers="mean squared error of a number in the model's units",
    ),
    "likelihood": Detector(
        "minus {} log-likelihood, nats",
        ("log_likelihood",),
        _likelihood,
        settings=("importance_samples",),
        sums=True,
    ),
    "typicality": Detector(
        "distance of {} log-likelihood from the mean of training data, nats",
        ("log_likelihood",),
        _typicality,
        settings=("importance_samples",),
        sums=True,
    ),
    "density": Detector(
        "minus the log-density of the code, nats", ("encode",), _density, settings=("sampler", "components")
    ),
    "features": Detector("Mahalanobis distance of the critic's features", ("features",), _features),
}
"""Ways to score an example by a model.

"reconstruction" and "squared_error" look at what comes back of it; the first forgives brightness and small
shifts, as `cosine_distances` says. "likelihood" and "typicality" take the last number of
`config.evaluation.importance_samples`. The second one is that of Nalisnick et al. 2019,
https://arxiv.org/abs/1906.02994, section 3, for one example: a likelihood that is too high tells an anomaly as well, as
models of many dimensions may give simple data more of it than their own (Nalisnick et al. 2019,
https://arxiv.org/abs/1810.09136). "density" is that of `FITTED_PRIORS`, fitted to codes of training data. "features" is
the distance of Lee et al. 2018, https://arxiv.org/abs/1807.03888, section 2.1, for one class and with a ridge.
"""

PAIR = ("likelihood", "typicality")
"""Scores that are shown beside each other: what they disagree on is why a high likelihood proves nothing."""
