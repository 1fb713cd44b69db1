"""Classes by Bayes' rule: what a model says of data of each class tells which class data are of, and sums to p(x).

    p(c | x) = p(x | c) p(c) / sum_c' p(x | c') p(c'),    p(x) = sum_c p(x | c) p(c)

All classes are alike here, p(c) = 1 / K. One class is looked at after the other, so that memory is that of one.
"""

import math

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.model import Batch, EncodeFn, LogLikelihoodFn, RecogniseFn
from gengen.core.state import Variables


def of_each_class(
    log_likelihood: LogLikelihoodFn, classes: int, key: jax.Array, variables: Variables, data: jax.Array, samples: int
) -> jax.Array:
    """log p(x | c) of data [n, *shape] of each class, nats [K, n]; the noise of a bound is the same for all classes."""

    def one(label: jax.Array) -> jax.Array:
        return log_likelihood(key, variables, data, {"label": jnp.full(len(data), label)}, samples)

    nats: jax.Array = lax.map(one, jnp.arange(classes, dtype=jnp.int32))
    return nats


def by_bayes(log_likelihood: LogLikelihoodFn, classes: int) -> RecogniseFn | None:
    """What recognises the class of data by the likelihood of each class; None where there are no classes.

    Args:
      log_likelihood: told the class.
      classes: how many there are.
    """

    def recognise(key: jax.Array, variables: Variables, data: jax.Array) -> dict[str, jax.Array]:
        nats = of_each_class(log_likelihood, classes, key, variables, data, 1)
        return {"label": jax.nn.log_softmax(nats, axis=0).T}

    return recognise if classes else None


def of_any_class(log_likelihood: LogLikelihoodFn, classes: int) -> LogLikelihoodFn:
    """The likelihood of data told a class, as it is, and of data told none, summed over classes that are all alike."""

    def nats(
        key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        if condition or not classes:
            return log_likelihood(key, variables, data, condition, samples)
        each = of_each_class(log_likelihood, classes, key, variables, data, samples)
        return jax.nn.logsumexp(each, axis=0) - math.log(classes)

    return nats


def of_found_class(encode: EncodeFn, recognise: RecogniseFn | None) -> EncodeFn:
    """Encodes data that are told no class as of the most probable one."""

    def latents(key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None) -> jax.Array:
        if recognise and not condition:
            condition = {"label": recognise(key, variables, data)["label"].argmax(-1).astype(jnp.int32)}
        return encode(key, variables, data, condition)

    return latents
