"""What tells anomalies: scores of single images, higher for what is less like the training images."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from scipy import linalg, ndimage, special

from gengen.core.model import GenerativeModel, offers, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.evaluation.judge import pick
from gengen.inference.conditions import classes_of
from gengen.inference.fitted_prior import FITTED_PRIORS, IMAGES, Mixture
from gengen.pictures.grid import to_pixels

CHUNK = 128
"""Images of one call: bounds memory, and is compiled once however many there are."""

BLUR = 1.0
"""Standard deviation, in pixels, of the Gaussian that images are blurred by before their directions are compared."""

RIDGE = 1e-3
"""Share of a feature's mean variance that is added to each variance: fewer images than features span no space."""


class Scored(NamedTuple):
    """What a scorer says of n images.

    Attributes:
      scores: higher for what is more anomalous, float64 [n].
      reconstructions: what the model gives back, uint8 [n, H, W, C]; None where it gives back nothing.
      heat: what each pixel adds to the score, float64 [n, H, W]; None where that cannot be said.
    """

    scores: np.ndarray
    reconstructions: np.ndarray | None = None
    heat: np.ndarray | None = None


Scorer = Callable[[np.ndarray], Scored]
"""Scores images uint8 [n, H, W, C]. An image has the same score whatever stands beside it."""


class Subject(NamedTuple):
    """What a scorer is made of.

    Attributes:
      model: the model.
      variables: its variables.
      train: its training images, uint8 [N, H, W, C].
      settings: the section `evaluation`.
      seed: of the noise, which all images share.
    """

    model: GenerativeModel
    variables: Variables
    train: np.ndarray
    settings: ConfigDict
    seed: int = 0


class Detector(NamedTuple):
    """A way to score images.

    Attributes:
      title: what the score is, in words.
      requires: the capabilities of a model that it takes.
      build: makes the scorer.
      heat: what the heat map shows, in words; "" where there is none.
      settings: what it reads of the section `evaluation`.
    """

    title: str
    requires: tuple[str, ...]
    build: Callable[[Subject], Scorer]
    heat: str = ""
    settings: tuple[str, ...] = ()


def scorer(name: str, subject: Subject) -> Scorer:
    """Makes the scorer of a name in `DETECTORS`; a check with `check` goes before it."""
    return DETECTORS[name].build(subject)


def check(name: str, model: GenerativeModel) -> None:
    """Checks that a model can be scored by.

    Raises:
      Refusal: there is no such score, or the model cannot do what it takes; the sentence says which score can be had.
    """
    asked = f"config.evaluation.anomaly_score={name!r}"
    if name not in DETECTORS:
        raise Refusal(f"{asked} is unknown; it must be one of {', '.join(DETECTORS)}.")
    if _fits(DETECTORS[name], model):
        return
    others = [f"{other!r}" for other, detector in DETECTORS.items() if _fits(detector, model)]
    instead = f"set it to {' or '.join(others)}" if others else "no other score can be had of it"
    if classes_of(model):
        raise Refusal(f"{asked} needs a model that is not told the class of what it sees; {instead}.")
    needs, has = ", ".join(DETECTORS[name].requires), ", ".join(offers(model)) or "none of these"
    raise Refusal(f"{asked} needs a model that can do {needs}, and this one can do {has}; {instead}.")


def scores_of(scorer: Scorer, images: np.ndarray) -> np.ndarray:
    """Scores images uint8 [N, H, W, C] a few at a time, float64 [N].

    Raises:
      Refusal: what the model says of an image is not finite.
    """
    parts = [scorer(np.asarray(images[start : start + CHUNK])).scores for start in range(0, len(images), CHUNK)]
    return np.concatenate(parts)


def cosine_distances(images: np.ndarray, others: np.ndarray, *, blur: float = BLUR) -> tuple[np.ndarray, np.ndarray]:
    """How far the directions of blurred images point apart: 1 - cos(blur(x), blur(y)).

    Neither a factor of brightness counts nor, by the blur, a shift by a fraction of a pixel. Where one of two images is
    black the distance is 1, and 0 where both are.

    Args:
      images: x, intensities of at least 0 [n, H, W, C].
      others: y, the same.
      blur: standard deviation of the Gaussian, in pixels; images go on as in a mirror beyond their edges.

    Returns:
      Distances in [0, 1], float64 [n], and the squared differences of the two directions x / |x| and y / |y|, summed
      over channels, [n, H, W]; they sum to 2 (1 - cos), which is twice the distance.
    """
    blurred = [ndimage.gaussian_filter(np.asarray(side, np.float64), (0, blur, blur, 0)) for side in (images, others)]
    lengths = [np.sqrt(np.square(side).sum((1, 2, 3), keepdims=True)) for side in blurred]
    first, second = (side / np.where(length > 0, length, 1) for side, length in zip(blurred, lengths, strict=True))
    heat = np.square(first - second).sum(3)
    one_is_black = ((lengths[0] > 0) != (lengths[1] > 0)).ravel()
    return np.where(one_is_black, 1.0, heat.sum((1, 2)) / 2), heat


def log_density(fitted: Mixture, codes: np.ndarray) -> np.ndarray:
    """The logarithm of a mixture's density at codes [n, L], in nats, float64 [n]."""
    terms = []
    for weight, mean, factor in zip(*fitted, strict=True):
        white = linalg.solve_triangular(factor, (codes - mean).T, lower=True)
        terms.append(np.log(weight) - np.square(white).sum(0) / 2 - np.log(np.diag(factor)).sum())
    logs: np.ndarray = special.logsumexp(terms, axis=0) - codes.shape[1] * math.log(2 * math.pi) / 2
    return logs


def _reconstruction(subject: Subject) -> Scorer:
    decoded = _decoded(subject)

    def score(images: np.ndarray) -> Scored:
        back = decoded(images)
        intensities = np.clip((back.astype(np.float64) + 1) / 2, 0, 1)
        scores, heat = cosine_distances(images / 255, intensities)
        return Scored(scores, to_pixels(back), heat)

    return score


def _squared_error(subject: Subject) -> Scorer:
    decoded = _decoded(subject)

    def score(images: np.ndarray) -> Scored:
        back = decoded(images)
        heat = np.square(images / 255 - (back.astype(np.float64) + 1) / 2).mean(3)
        return Scored(heat.mean((1, 2)), to_pixels(back), heat)

    return score


def _decoded(subject: Subject) -> Callable[[np.ndarray], np.ndarray]:
    """What comes back of images, float32 in about [-1, 1]."""
    encode, decode = require(subject.model, "encode"), require(subject.model, "decode")

    def one(key: jax.Array, variables: Variables, image: jax.Array) -> Tree:
        return decode(jax.random.fold_in(key, 1), variables, encode(key, variables, image))

    return _each(one, subject)


def _likelihood(subject: Subject) -> Scorer:
    log_likelihood = require(subject.model, "log_likelihood")
    samples = subject.settings.get("importance_samples", (1,))[-1]
    bound = _each(lambda key, variables, image: log_likelihood(key, variables, image, None, samples), subject)
    return lambda images: Scored(-bound(images).astype(np.float64))


def _density(subject: Subject) -> Scorer:
    name, components = subject.settings.get("sampler", "mixture"), subject.settings.get("components", 10)
    if name not in FITTED_PRIORS or components < 1:
        raise Refusal(
            f"config.evaluation.anomaly_score='density' needs a config.evaluation.sampler of "
            f"{', '.join(FITTED_PRIORS)} and at least 1 of config.evaluation.components, not {name!r} and {components}."
        )
    encode = require(subject.model, "encode")
    look = _each(encode, subject)

    def codes(images: np.ndarray) -> np.ndarray:
        found = look(images)
        if not np.issubdtype(found.dtype, np.floating):
            raise Refusal(
                "config.evaluation.anomaly_score='density' needs codes that have a density, and those of this model "
                "are whole numbers; set it to 'reconstruction'."
            )
        return found.reshape(len(images), -1).astype(np.float64)

    fitted = FITTED_PRIORS[name](codes(_known(subject)), components)
    return lambda images: Scored(-log_density(fitted, codes(images)))


def _features(subject: Subject) -> Scorer:
    look = _each(require(subject.model, "features"), subject)
    known = look(_known(subject)).astype(np.float64)
    mean, covariance = known.mean(0), np.atleast_2d(np.cov(known, rowvar=False))
    ridge = RIDGE * np.trace(covariance) / len(covariance) + np.finfo(np.float32).tiny
    factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))

    def score(images: np.ndarray) -> Scored:
        white = linalg.solve_triangular(factor, (look(images) - mean).T, lower=True)
        return Scored(np.sqrt(np.square(white).sum(0)))

    return score


def _known(subject: Subject) -> np.ndarray:
    """At most `IMAGES` training images."""
    return pick(subject.train, IMAGES)[1]


def _each(one: Callable[..., Tree], subject: Subject) -> Callable[[np.ndarray], np.ndarray]:
    """Maps images uint8 [n, H, W, C] by `(key, variables, image [1, H, W, C] in [-1, 1]) -> array [1, ...]`."""
    key = jax.random.key(subject.seed)

    @jax.jit
    def look(variables: Variables, images: jax.Array) -> jax.Array:
        scaled = images.astype(jnp.float32) / 127.5 - 1
        found: jax.Array = jax.vmap(lambda image: one(key, variables, image[None])[0])(scaled)
        return found

    def run(images: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(images), CHUNK):
            indices = np.minimum(np.arange(start, start + CHUNK), len(images) - 1)
            parts.append(np.asarray(look(subject.variables, images[indices])))
        if not all(np.isfinite(part).all() for part in parts):
            raise Refusal(
                "the run has diverged, and what its model says of images is not finite; train it again with a smaller "
                "rate, or choose another config.evaluation.anomaly_score."
            )
        return np.concatenate(parts)[: len(images)]

    return run


def _fits(detector: Detector, model: GenerativeModel) -> bool:
    # Nobody knows the class of an anomaly; a model that recognises classes need not be told.
    if classes_of(model) and model.recognise is None:
        return False
    return all(getattr(model, capability) is not None for capability in detector.requires)


DETECTORS: Mapping[str, Detector] = {
    "reconstruction": Detector(
        "1 - cosine of an image and its reconstruction, both blurred",
        ("encode", "decode"),
        _reconstruction,
        "squared difference of both after each is divided by its norm: it sums to 2 (1 - cosine), twice the score",
    ),
    "squared_error": Detector(
        "mean squared error of a pixel in [0, 1]",
        ("encode", "decode"),
        _squared_error,
        "squared error of each pixel, of which the score is the mean",
    ),
    "likelihood": Detector(
        "minus a bound of the log-likelihood, nats", ("log_likelihood",), _likelihood, settings=("importance_samples",)
    ),
    "density": Detector(
        "minus the log-density of the code, nats", ("encode",), _density, settings=("sampler", "components")
    ),
    "features": Detector("Mahalanobis distance of the critic's features", ("features",), _features),
}
"""Ways to score an image by a model.

"reconstruction" and "squared_error" look at what comes back of the image; the first forgives brightness and small
shifts, as `cosine_distances` says. "likelihood" takes the last number of `config.evaluation.importance_samples`.
"density" is that of `FITTED_PRIORS`, fitted to codes of training images. "features" is the distance of Lee et al. 2018,
https://arxiv.org/abs/1807.03888, section 2.1, for one class and with a ridge.
"""
