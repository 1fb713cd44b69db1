"""Distributions of whole numbers: their sums, their draws, and what two digits can say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.losses.levels import LEVELS


@pytest.mark.parametrize("levels", [2, 3, 17, 256])
@pytest.mark.parametrize("name", LEVELS)
def test_chances_add_up_to_one_and_draws_follow_them(name, levels):
    distribution = LEVELS[name](levels)
    parameters = np.random.default_rng(0).normal(size=distribution.numbers).astype(np.float32)

    def repeated(size):
        return jnp.broadcast_to(parameters, (size, distribution.numbers))

    @jax.jit
    def run(key):
        nats = distribution.log_prob(repeated(levels), jnp.arange(levels, dtype=jnp.int32))
        return nats, distribution.draw(jax.random.split(key, 4000), repeated(4000))

    nats, drawn = map(np.asarray, run(jax.random.key(1)))
    chances = np.exp(nats)
    assert chances.sum() == pytest.approx(1, abs=1e-5)
    assert drawn.min() >= 0
    assert drawn.max() < levels
    found = np.bincount(drawn, minlength=levels) / 4000
    assert abs(found - chances).sum() < 0.04 + np.sqrt(levels / 4000)


def test_two_digits_of_256_levels_take_a_quarter_of_the_logits_and_tell_both_ends_apart():
    distribution = LEVELS["dual_softmax"](256)
    assert distribution.numbers == 64
    parameters = np.zeros(64, np.float32)
    parameters[16] = 9.0  # the fine digit 0 of the first coarse one: black
    k = np.asarray([0, 1, 16, 17, 240, 255], np.int32)
    nats = np.asarray(jax.jit(distribution.log_prob)(np.tile(parameters, (6, 1)), k))
    assert nats[0] - nats[1] == pytest.approx(9, abs=1e-4)
    np.testing.assert_allclose(nats[2:], np.log(1 / 256), atol=1e-4)
