"""One likelihood for every model: of the data as they are, whatever the model's own likelihood is of.

    whole numbers  log P(x), of a model of whole numbers its own; of a density p with noise v in [-1/2, 1/2) and levels
                   that lie h apart in the model's units a bound:  log P(x) >= E_v log p(x + h v) + D log h
    real numbers   log p(x) in the data's own units: that in the model's units, less the logarithm of their volume
    bits           log P of the black-and-white picture that is made of the data, which is another datum

Theis et al. 2016, https://arxiv.org/abs/1511.01844, section 3.1, for the noise. What is of whole numbers is comparable
among all models, as bits for each dimension; a density of real numbers, or of bits, is never in the same unit.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.core.field import Field
from gengen.core.model import Batch, GenerativeModel, require
from gengen.core.parallel import example_keys
from gengen.core.state import Variables
from gengen.data.signature import Signature
from gengen.inference.conditions import LABEL, classes_of

_NOISE = 2**31 - 1
"""Apart from all that models draw by the same key."""


class NatsFn(Protocol):
    """Says how likely data are; a lower bound where the model's likelihood, or noise, makes it one."""

    def __call__(
        self, key: jax.Array, variables: Variables, data: jax.Array, /, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """Returns nats [n] of data [n, *shape] in their own units."""


def nats_of(model: GenerativeModel, signature: Signature) -> NatsFn:
    """The log-likelihood of data under a model, under a condition where it has one.

    Args:
      model: that has a `log_likelihood`.
      signature: of the data.

    Raises:
      Refusal: the model has no likelihood.
    """
    log_likelihood, units, dimensions = require(model, "log_likelihood"), signature.units, math.prod(signature.shape)
    noisy = needs_noise(model, signature)
    width = 2 / (signature.levels - 1) if noisy else 0.0
    volume = 0.0 if signature.levels else log_volume(signature.fields["data"])

    def nats(
        key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        seen = units.to_model(data)
        if noisy:
            keys = example_keys(jax.random.fold_in(key, _NOISE), len(data))
            noise = jax.vmap(lambda key: jax.random.uniform(key, signature.shape, minval=-0.5, maxval=0.5))(keys)
            seen = seen + width * noise
        found: jax.Array = log_likelihood(key, variables, seen, condition, samples)
        return found + (dimensions * math.log(width) if noisy else -volume)

    return nats


def needs_noise(model: GenerativeModel, signature: Signature) -> bool:
    """Whether a model has a density and the data are whole numbers, which noise within each level makes real ones."""
    return bool(signature.levels) and model.likelihood_of == "density"


def log_volume(field: Field) -> float:
    """The logarithm of the volume of a cube of side 1 in the model's units, in the data's own units."""
    if field.low is not None and field.high is not None:
        return math.prod(field.shape) * math.log((field.high - field.low) / 2)
    if not field.deviation:
        return 0.0
    scales = np.log(np.asarray(field.deviation, np.float32).astype(np.float64))  # as `Units` divides by them
    return float(scales.sum()) * math.prod(field.shape) / len(field.deviation)


def by_class(nats: NatsFn, classes: int) -> NatsFn:
    """The log-likelihood of data under each class, [K, n]; one class after the other, so that memory is that of one."""

    def of_all(
        key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        def one(label: jax.Array) -> jax.Array:
            return nats(key, variables, data, {**(condition or {}), LABEL: jnp.full(len(data), label)}, samples)

        found: jax.Array = lax.map(one, jnp.arange(classes, dtype=jnp.int32))
        return found

    return of_all


def marginal(each: jax.Array, shares: Sequence[float] | np.ndarray) -> jax.Array:
    """log sum_c p(c) p(x | c), exact where log p(x | c) is, and else a bound as that is one.

    Args:
      each: log p(x | c) of each class, nats [K, n].
      shares: p(c) [K].

    Returns:
      Nats [n].
    """
    with np.errstate(divide="ignore"):  # a class without a share
        log_shares = jnp.asarray(np.log(np.asarray(shares, np.float64)), each.dtype)
    return jax.nn.logsumexp(each + log_shares[:, None], axis=0)


def over_classes(model: GenerativeModel, signature: Signature, shares: Sequence[float] | None = None) -> NatsFn:
    """The log-likelihood of data of a class that nobody tells: itself where a model is told none.

    Args:
      model: that has a `log_likelihood`.
      signature: of the data.
      shares: of the classes; all the same by default.
    """
    nats, classes = nats_of(model, signature), classes_of(model)
    if not classes:
        return nats
    each, given = by_class(nats, classes), [1 / classes] * classes if shares is None else shares

    def summed(
        key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        return marginal(each(key, variables, data, condition, samples), given)

    return summed


def basis(model: GenerativeModel, signature: Signature, samples: int) -> str:
    """What a number is that `nats_of` gives with so many samples: "exact", or a bound, and by what."""
    if not model.bound_by:
        return "exact" if not needs_noise(model, signature) else "a bound, uniform noise in each level"
    if model.bound_by == "latents":
        said = f"a bound, importance sampling, k = {samples:,}" if samples > 1 else "a bound, the ELBO, k = 1"
    elif model.bound_by == "codes":
        said = "a bound, of the encoder's codes alone"
    else:
        said = f"a bound, {model.bound_by}, k = {samples:,}"
    return said + ", uniform noise in each level" * needs_noise(model, signature)
