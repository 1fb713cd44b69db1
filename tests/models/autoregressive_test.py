"""Autoregressive models: that chances of all pictures add up to 1, that draws follow them, and that they are learnt."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.parallel import AXIS
from gengen.core.transforms import scale_by_rate
from gengen.losses.levels import LEVELS
from gengen.models.autoregressive import autoregressive
from gengen.networks.pixelcnn import PixelCNN

SHAPE, CLASSES = (2, 2, 1), 3
ALL = np.asarray(list(itertools.product(range(3), repeat=4)), np.float32).reshape(-1, *SHAPE) - 1
"""Every picture of four pixels of three levels, in [-1, 1]."""


@functools.cache
def built(told=True, head="softmax"):
    body = PixelCNN(SHAPE, width=4, dilations=(1,), reach=1, hidden=8, classes=CLASSES if told else 0)
    optimizer = optax.chain(optax.identity(), scale_by_rate(0.1))
    return autoregressive(networks={"predictor": body}, optimizers={"predictor": optimizer}, levels=3, head=head)


def batch():
    return {"data": jnp.asarray(ALL[:9]), "label": jnp.arange(9, dtype=jnp.int32) % CLASSES}


@functools.cache
def first_state(told=True, head="softmax"):
    """Variables drawn alike, so that no chance is as any other."""
    state = jax.jit(built(told, head).init)(jax.random.key(0), batch())
    leaves, structure = jax.tree.flatten(state.variables)
    rng = np.random.default_rng(3)
    drawn = [jnp.asarray(0.8 * rng.normal(size=leaf.shape), jnp.float32) for leaf in leaves]
    return state.replace(variables=structure.unflatten(drawn))


@pytest.mark.parametrize("head", LEVELS)
def test_chances_of_all_pictures_add_up_to_one_and_those_without_a_class_are_the_mean(head):
    model, variables = built(head=head), first_state(head=head).variables
    likely = jax.jit(functools.partial(model.log_likelihood, jax.random.key(0)))

    def chances(condition):
        return np.exp(np.asarray(likely(variables, jnp.asarray(ALL), condition), np.float64))

    told = [chances({"label": jnp.full(len(ALL), label)}) for label in range(CLASSES)]
    np.testing.assert_allclose([each.sum() for each in told], 1, atol=1e-5)
    assert abs(told[0] - told[1]).max() > 1e-3
    np.testing.assert_allclose(chances(None), np.mean(told, 0), rtol=1e-4)


def test_draws_follow_the_chances_and_each_depends_on_its_key_alone():
    model, variables, n = built(told=False), first_state(told=False).variables, 4000
    drawn = np.asarray(jax.jit(model.sample, static_argnums=2)(jax.random.key(1), variables, n))
    codes = (np.rint(drawn.reshape(n, 4) + 1) @ [27, 9, 3, 1]).astype(int)
    np.testing.assert_allclose(drawn, ALL[codes], atol=1e-6)
    chances = np.exp(np.asarray(model.log_likelihood(jax.random.key(0), variables, jnp.asarray(ALL)), np.float64))
    assert abs(np.bincount(codes, minlength=len(ALL)) / n - chances).sum() < 0.2
    np.testing.assert_array_equal(jax.jit(model.sample, static_argnums=2)(jax.random.key(1), variables, 8), drawn[:8])


@pytest.mark.slow
def test_a_step_descends_the_bits_that_it_reports():
    model, state = built(), first_state()
    step = jax.jit(jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS))
    one = jax.tree.map(lambda leaf: leaf[None], batch())
    after, metrics = step(jax.random.key(0), state, one)
    nats = model.log_likelihood(jax.random.key(0), state.variables, batch()["data"], {"label": batch()["label"]})
    bits = metrics["predictor/bits_per_dimension"].value[0]
    np.testing.assert_allclose(bits, -nats.mean() / 4 / np.log(2), rtol=1e-5)
    again = step(jax.random.key(0), jax.tree.map(lambda leaf: leaf[0], after), one)[1]
    assert again["predictor/bits_per_dimension"].value[0] < bits


def test_numbers_that_are_not_whole_are_refused():
    with pytest.raises(ValueError, match="whole numbers between two bounds"):
        autoregressive(networks={}, optimizers={}, levels=0)
