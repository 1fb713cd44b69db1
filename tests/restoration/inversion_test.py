"""Latents found: the exact ones of a linear generator, and the best of several starts."""

import jax
import jax.numpy as jnp
import numpy as np

from gengen.restoration.inversion import OFF, Prior, inverted
from gengen.restoration.methods import Seen
from gengen.restoration.operators import identity, inpaint

SHAPE = (3, 4, 1)
MATRIX = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


def linear(latents):
    return (latents @ MATRIX.T).reshape(-1, *SHAPE)


def test_latents_of_a_linear_generator_are_the_most_probable_ones():
    mean, deviation = np.array([1.0, 0.0, -1.0], np.float32), np.array([0.5, 2.0, 1.0], np.float32)
    starts = jax.random.normal(jax.random.key(0), (2, 3))
    operator = inpaint(SHAPE, mask="right", share=0.5)
    y = operator.forward(jax.random.normal(jax.random.key(1), (1, *SHAPE)))
    for noise, weight in ((0.0, 1.0), (1.0, 1.0), (1.0, 0.0)):
        prior = Prior(jnp.asarray(mean), jnp.asarray(deviation), weight)
        found, losses = inverted(linear, starts, Seen(operator, y, noise), prior, steps=800)
        seen = MATRIX[np.asarray(operator.known).repeat(SHAPE[-1], -1).reshape(-1)]
        left = np.asarray(y)[0][np.asarray(operator.known)[..., 0]].reshape(-1) - seen @ mean
        precision = seen.T @ seen / (noise**2 + OFF**2) + weight * np.diag(1 / deviation**2)
        wanted = mean + np.linalg.solve(precision, seen.T @ left / (noise**2 + OFF**2))
        np.testing.assert_allclose(found, np.stack([wanted] * 2), atol=0.02)
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-2)


def test_the_least_loss_that_was_met_is_kept_and_starts_do_not_look_at_one_another():
    def two_valleys(latents):  # pictures of 1 at latents of 1 and -0.9 of -1: a start ends in its own one
        return jnp.tanh(3 * latents).reshape(-1, 1, 1, 1)

    starts, prior = jnp.array([[2.0], [-2.0]]), Prior(jnp.zeros(1), jnp.ones(1), 0.0)
    seen = Seen(identity((1, 1, 1)), jnp.ones((1, 1, 1, 1)))
    found, losses = inverted(two_valleys, starts, seen, prior, steps=20)
    alone, _ = inverted(two_valleys, starts[:1], seen, prior, steps=20)
    np.testing.assert_allclose(found[:1], alone, rtol=1e-5)
    assert losses[0] < 0.01 < losses[1]
    black, near = Seen(seen.operator, jnp.zeros((1, 1, 1, 1))), jnp.array([[0.02], [-0.03]])
    kept, _ = inverted(two_valleys, near, black, prior, steps=3, rate=1e3)  # leaps away, and nothing is as good there
    np.testing.assert_allclose(kept, near)
