"""Importance-weighted bounds of a log-likelihood: Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519."""

import math

import chex
import jax
import jax.numpy as jnp


def importance_weighted(log_weights: jax.Array) -> jax.Array:
    """log (1/k) sum_i w_i with log w_i = log p(x, z_i) - log q(z_i | x), eq. 8; k = 1 is the evidence lower bound.

    Args:
      log_weights: nats [k, B].

    Returns:
      The bound of each example, nats [B].
    """
    chex.assert_rank(log_weights, 2)
    return jax.nn.logsumexp(log_weights, axis=0) - math.log(log_weights.shape[0])


def normalised_weights(log_weights: jax.Array) -> jax.Array:
    """Each sample's share in the sum of weights, [k, B] for log-weights [k, B]; eq. 14."""
    chex.assert_rank(log_weights, 2)
    return jax.nn.softmax(log_weights, axis=0)


@jax.custom_vjp
def with_gradient_weighted(x: jax.Array, weight: jax.Array) -> jax.Array:
    """Returns x [..., L] unchanged; the gradient that comes back through it is multiplied by `weight` [...].

    What the doubly reparametrised estimator needs: Tucker et al. 2019, https://arxiv.org/abs/1810.04152, eq. 8.
    """
    chex.assert_shape(weight, x.shape[:-1])
    del weight
    return x


def _forward(x: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    return with_gradient_weighted(x, weight), weight


def _backward(weight: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gradient * weight[..., None], jnp.zeros_like(weight)


with_gradient_weighted.defvjp(_forward, _backward)
