"""Glow and RealNVP of pictures and vectors: both ways, the first batch, what cannot be squeezed."""

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from gengen.networks.bijectors.actnorm import ActNorm
from gengen.networks.bijectors.bijector import finite_layers
from gengen.networks.flows.glow import Glow
from gengen.networks.flows.realnvp import RealNVP
from tests.networks.bijectors.both_ways import QUICK, check_both_ways

TINY = {"width": 3, "levels": 1}

FLOWS = {
    "glow": Glow((4, 4, 1), width=2, levels=2, steps=1),
    "realnvp": RealNVP((2, 6, 1), couplings=1, blocks=0, **TINY),
    "glow, told a class": Glow((2, 2, 2), 3, steps=1, **TINY),
    "glow, told a map": Glow((2, 2, 1), steps=1, **TINY),
    "glow of vectors": Glow((3,), 3, steps=2, width=4),
    "realnvp of vectors": RealNVP((3, 1), couplings=2, width=4),
    "splines": Glow((2, 2, 1), steps=1, transform="spline", **TINY),
    "additive": Glow((2, 2, 1), steps=1, transform="additive", **TINY),
}


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


SLOW = {"splines", "additive", "realnvp of vectors", "glow, told a class", "glow of vectors"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in FLOWS])
def test_both_ways_and_determinants(name):
    network = FLOWS[name]
    context = np.eye(3, dtype=np.float32) if network.classes else None
    if name.endswith("map"):
        context = numbers(3, 2, 2, 1)
    z = check_both_ways(network, numbers(3, *network.shape), context)
    assert z.shape == (3, network.size)


@pytest.mark.parametrize("network", [Glow((8, 8, 1), width=4, levels=2, steps=1)])
def test_the_first_batch_is_normal_after_every_normalisation(network):
    """On real digits."""
    digits = load_digits().images[:64, :, :, None].astype(np.float32)
    noise = np.random.default_rng(0).uniform(size=digits.shape).astype(np.float32)
    share = (digits + noise) / 17 * 0.9 + 0.05
    x = np.log(share) - np.log1p(-share)

    @QUICK
    def run(key, x):
        params = network.init(key, x, method="encode")["params"]
        (z, _), seen = network.apply(
            {"params": params},
            x,
            method="encode",
            capture_intermediates=lambda module, _: isinstance(module, ActNorm),
            mutable=["intermediates"],
        )
        return z, [leaf for leaf in jax.tree.leaves(seen) if leaf.ndim > 1]

    z, seen = run(jax.random.key(0), x)
    assert z.shape == (64, 64) and len(seen) == 2
    for after in seen:
        np.testing.assert_allclose(after.mean((0, 1, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(after.var((0, 1, 2)), 1, atol=1e-3)


def test_a_sample_changes_no_variable():
    """The start is in `init` alone: a sample drawn before the first step cannot use it up."""
    network = Glow((2, 2, 1), width=2, levels=1, steps=1)

    def run(key):
        params = network.init(key, numbers(4, 2, 2, 1), method="encode")["params"]
        _, left = network.apply({"params": params}, numbers(4, 4), method="decode", mutable=True)
        return left

    said = jax.make_jaxpr(run, return_shape=True)(jax.random.key(0))[1]
    assert set(said) == {"params"}


def test_layers_have_names_in_their_order():
    network = Glow((4, 4, 1), width=2, levels=2, steps=1)
    said = jax.eval_shape(lambda key: network.init(key, numbers(1, 4, 4, 1), method="encode"), jax.random.key(0))
    names = [name.split()[-1] for name in finite_layers(said["finite"])]
    step = ["ActNorm", "Linear", "Halves"]
    assert names == ["Squeeze", *step, "Halves", "Squeeze", *step, "Flat"]


@pytest.mark.parametrize("network", [Glow, RealNVP])
def test_what_cannot_be_squeezed_is_refused(network):
    with pytest.raises(
        ValueError, match="levels=3: 28 x 28 pixels can be squeezed 2 times; choose levels of at most 2"
    ):
        jax.eval_shape(
            lambda key: network((28, 28, 1), levels=3).init(key, numbers(1, 28, 28, 1), method="encode"),
            jax.random.key(0),
        )
