"""Noise that is learnt lies in the cells, its density is one, it is uniform at first, and it comes from a config."""

import jax
import jax.numpy as jnp
import numpy as np

from configs import glow
from gengen.core.parallel import example_keys
from gengen.models.flows.normalising_flow import Flow
from gengen.networks.flows.glow import Glow
from tests.networks.bijectors.both_ways import QUICK, random_parameters

SHAPE, LEVELS, DRAWS = (2, 2, 1), 4, 4_000


def flow():
    dequantiser = Glow(SHAPE, width=3, steps=1, levels=1)
    return Flow(Glow(SHAPE, width=3, steps=1, levels=1), dequantiser, LEVELS, "variational", 0.0, 0.0)


def test_the_density_of_noise_is_one_and_no_noise_leaves_its_cell():
    """The mean of 1 / q over draws of q is the volume of all noise, 1."""
    game, number = flow(), np.array([0, 3, 1, 2], np.float32).reshape(1, *SHAPE)
    data = np.repeat(number / (LEVELS - 1) * 2 - 1, DRAWS, 0)
    start = np.zeros((1, *SHAPE), np.float32)
    variables = {"dequantiser": random_parameters(game.dequantiser, start, start, deviation=0.25)}
    keys = example_keys(jax.random.key(0), DRAWS)
    seen, rest = QUICK(lambda keys: game.dequantised(keys, variables, data, train=False))(keys)
    noise = (seen + 1) / 2 * LEVELS - number
    assert noise.min() > -1e-5 and noise.max() < 1 + 1e-5 and (noise.std(0) > 0.1).all()
    assert abs(noise.mean(0) - 0.5).max() > 0.02  # it is not uniform
    density = -rest + 4 * (np.log(2) - np.log(LEVELS))
    assert density.std() > 0.1
    np.testing.assert_allclose(jnp.exp(-density).mean(), 1, atol=0.1)


def test_noise_is_nearly_uniform_at_first():
    game = flow()
    data = np.random.default_rng(0).integers(0, LEVELS, (512, *SHAPE)).astype(np.float32) / (LEVELS - 1) * 2 - 1

    @QUICK
    def run(key):
        variables = game.init(key, {"data": data})
        return game.dequantised(example_keys(key, len(data)), variables, data, train=False)

    seen, rest = run(jax.random.key(0))
    noise = ((seen + 1) / 2 * LEVELS) % 1
    np.testing.assert_allclose(noise.std((0,)), 12**-0.5, atol=0.03)
    density = -rest + 4 * (np.log(2) - np.log(LEVELS))
    assert abs(density.mean()) < 0.03


def test_a_config_has_it():
    config = glow.get_config("variational")
    assert config.model.dequantisation == "variational"
    assert set(config.networks) == {"flow", "dequantiser"} == set(config.training.average.networks)
