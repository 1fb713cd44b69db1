"""Priors apart from models: a distribution fitted to the codes of an autoencoder that has none of its own."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gengen.core.model import GenerativeModel
from gengen.core.parallel import example_keys
from gengen.core.refusal import Refusal
from gengen.core.state import Variables

PRIOR = "sampler"
"""Name in the variables and, with its ending, in the run folder, where it has always been called so."""

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


FITTED_PRIORS: Mapping[str, Callable[[np.ndarray, int], Mixture]] = {"gaussian": gaussian, "mixture": mixture}
"""By `config.evaluation.sampler`: `(codes [N, L], components) -> Mixture`."""


def with_fitted_prior(model: GenerativeModel, shape: tuple[int, ...]) -> GenerativeModel:
    """Gives a model that can decode the `prior` that stands in `variables[PRIOR]`, and samples of it.

    Args:
      model: a model that can decode.
      shape: of a code.
    """
    decode = model.decode
    assert decode is not None

    def prior(key: jax.Array, variables: Variables, n: int, condition: Any = None) -> jax.Array:
        del condition
        fitted = jax.tree.map(jnp.asarray, variables[PRIOR]["fitted"])

        def one(key: jax.Array) -> jax.Array:
            choice, noise = jax.random.split(key)
            index = jax.random.categorical(choice, jnp.log(fitted["weights"]))
            mean, factor = fitted["means"][index], fitted["factors"][index]
            drawn: jax.Array = (mean + factor @ jax.random.normal(noise, mean.shape)).reshape(shape)
            return drawn

        return jax.vmap(one)(example_keys(key, n))

    def sample(key: jax.Array, variables: Variables, n: int, condition: Any = None) -> jax.Array:
        drawn: jax.Array = decode(key, variables, prior(key, variables, n), condition)
        return drawn

    return model._replace(prior=prior, sample=sample)
