"""Standing statistics are those of all batches together, each layer's inputs as training would make them."""

import flax.linen as nn
import jax
import numpy as np

from gengen.core.parallel import example_keys
from gengen.networks.layers.norm import BatchNorm
from gengen.networks.standing_statistics import BATCHES, with_standing_statistics


class Network(nn.Module):
    """Two layers, each of them normalised."""

    norm: bool = True

    @nn.compact
    def __call__(self, x, train):
        for width in (3, 4):
            x = nn.Dense(width)(x)
            x = BatchNorm(momentum=0.9)(x, train) if self.norm else x
        return x


def drawn(key):
    return (jax.random.uniform(key, (6, 2)),)


def made(network):
    return jax.jit(lambda: network.init(jax.random.key(0), *drawn(jax.random.key(1)), train=False))()


def test_they_are_the_mean_and_the_variance_of_all_examples_in_every_layer():
    variables = made(Network())
    found = jax.jit(lambda: with_standing_statistics(Network(), variables, jax.random.key(2), drawn))()
    np.testing.assert_array_equal(found["params"]["Dense_1"]["kernel"], variables["params"]["Dense_1"]["kernel"])
    x = np.stack([np.asarray(drawn(key)[0], np.float64) for key in example_keys(jax.random.key(2), BATCHES)])
    for layer in range(2):
        dense = variables["params"][f"Dense_{layer}"]
        x = x @ np.asarray(dense["kernel"], np.float64) + np.asarray(dense["bias"])
        statistics = found["batch_stats"][f"BatchNorm_{layer}"]
        assert set(statistics) == {"mean", "var"}
        np.testing.assert_allclose(statistics["mean"], x.mean((0, 1)), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(statistics["var"], x.var((0, 1)), rtol=1e-4)
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)


def test_a_network_without_batch_normalisation_stays_as_it_is():
    variables = made(Network(norm=False))
    assert with_standing_statistics(Network(norm=False), variables, jax.random.key(2), drawn) is variables
