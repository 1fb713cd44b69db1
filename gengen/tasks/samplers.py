"""Samplers apart from models: a distribution fitted to the codes of an autoencoder that has none of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel
from gengen.core.parallel import example_keys
from gengen.core.refusal import Refusal
from gengen.core.state import State, Variables
from gengen.data.signature import DataSet
from gengen.tasks.conditions import shown_to
from gengen.tasks.latents import Latents, told_labels
from gengen.tasks.outputs import save_npz

SAMPLER = "sampler"
"""Name in the variables and, with its ending, in the run folder."""

IMAGES = 10_000
"""The most training images whose codes a distribution is fitted to."""

RIDGE = 1e-6
"""Share of a code's mean variance that is added to each variance: codes that never vary have none."""


class Mixture(NamedTuple):
    """A mixture of normal distributions of codes.

    Attributes:
      weights: shares of the components [K].
      means: [K, L].
      factors: Cholesky factors of the covariances [K, L, L].
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray


def gaussian(codes: np.ndarray, components: int) -> Mixture:
    """One normal distribution: the mean and the covariance of codes [N, L]."""
    del components
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    ridge = RIDGE * np.trace(covariance) / len(covariance) + np.finfo(np.float32).tiny
    factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))
    return Mixture(np.ones(1), codes.mean(0)[None], factor[None])


def mixture(codes: np.ndarray, components: int) -> Mixture:
    """A mixture of so many normal distributions, fitted to codes [N, L] by expectation maximisation.

    Ghosh et al. 2020, https://arxiv.org/abs/1903.12436, section 4: what turns a plain autoencoder into a generator.

    Raises:
      Refusal: there are more components than codes.
    """
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    if components > len(codes):
        raise Refusal(f"config.evaluation.components={components} must be at most {len(codes)}, the images fitted to.")
    ridge = RIDGE * float(codes.var(0).mean()) + np.finfo(np.float32).tiny
    fit = GaussianMixture(components, reg_covar=ridge, random_state=0, max_iter=200, tol=1e-2)
    with threadpool_limits(1):
        fit.fit(codes)
    return Mixture(fit.weights_, fit.means_, np.linalg.cholesky(fit.covariances_))


SAMPLERS: Mapping[str, Callable[[np.ndarray, int], Mixture]] = {"gaussian": gaussian, "mixture": mixture}


def with_sampler(model: GenerativeModel, shape: tuple[int, ...]) -> GenerativeModel:
    """Gives a model that can decode the `prior` that stands in `variables["sampler"]`, and samples of it.

    Args:
      model: a model that can decode.
      shape: of a code.
    """
    decode = model.decode
    assert decode is not None

    def prior(key: jax.Array, variables: Variables, n: int, condition: Any = None) -> jax.Array:
        del condition
        fitted = jax.tree.map(jnp.asarray, variables[SAMPLER]["fitted"])

        def one(key: jax.Array) -> jax.Array:
            choice, noise = jax.random.split(key)
            place = jax.random.categorical(choice, jnp.log(fitted["weights"]))
            mean, factor = fitted["means"][place], fitted["factors"][place]
            return (mean + factor @ jax.random.normal(noise, mean.shape)).reshape(shape)

        return jax.vmap(one)(example_keys(key, n))

    def sample(key: jax.Array, variables: Variables, n: int, condition: Any = None) -> jax.Array:
        drawn: jax.Array = decode(key, variables, prior(key, variables, n), condition)
        return drawn

    return model._replace(prior=prior, sample=sample)


def complete(
    model: GenerativeModel,
    workdir: Path,
    step: int,
    state: State,
    settings: ConfigDict,
    *,
    load: Callable[[], DataSet],
    best: bool = False,
    raw: bool = False,
) -> tuple[GenerativeModel, Variables]:
    """Chooses the variables that a run is judged and sampled by, and fits a prior to the codes of a model without one.

    What was fitted is kept in the run folder, so that the data are needed once.

    Args:
      model: the model.
      workdir: the run folder.
      step: of the state.
      state: of the run.
      settings: the section `evaluation`; its `sampler` and `components` say what is fitted.
      load: loads the data of the run.
      best: whether the state is that of the best checkpoint.
      raw: take the variables as trained instead of their average.

    Returns:
      The model, which can sample if it can decode at all, and its variables.

    Raises:
      Refusal: the sampler is unknown, or there are no components or more than images.
    """
    variables, name = evaluation_variables(state, raw=raw), settings.get("sampler", "mixture")
    if model.sample or model.encode is None or model.decode is None:
        return model, variables
    if name not in SAMPLERS:
        raise Refusal(f"config.evaluation.sampler={name!r} must be one of {', '.join(SAMPLERS)}.")
    components = settings.get("components", 10)
    if components < 1:
        raise Refusal(f"config.evaluation.components={components} must be at least 1.")
    file = workdir / f"{SAMPLER}.npz"
    wanted = f"{name} of {components}; step {step}, {'best' if best else 'latest'}, {'raw' if raw else 'averaged'}"
    kept = _kept(file, wanted)
    if kept is None:
        kept = _fitted(model, variables, load(), name, components)
        save_npz(file, {"origin": wanted, **kept})
    shape = tuple(int(size) for size in kept.pop("shape"))
    return with_sampler(model, shape), {**variables, SAMPLER: {"fitted": kept}}


def _fitted(model: GenerativeModel, variables: Variables, data: DataSet, name: str, components: int) -> dict[str, Any]:
    split = shown_to(model, data).splits["train"]
    places = np.random.default_rng(0).permutation(len(split["image"]))[:IMAGES]
    labels = split["label"][places] if "label" in split else None
    codes = Latents(model, variables, seed=0).encode(split["image"][places], places, told_labels(model, labels))
    fitted = SAMPLERS[name](codes.reshape(len(codes), -1).astype(np.float64), components)
    arrays = {field: value.astype(np.float32) for field, value in fitted._asdict().items()}
    return {"shape": np.array(codes.shape[1:], np.int32), **arrays}


def _kept(file: Path, wanted: str) -> dict[str, np.ndarray] | None:
    """What was fitted to the same codes before, if it was."""
    if not file.exists():
        return None
    with np.load(file) as saved:
        arrays = dict(saved)
    return arrays if str(arrays.pop("origin")) == wanted else None
