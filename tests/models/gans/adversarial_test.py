"""The adversarial builder: one step against the gradients written out, and what it refuses."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.gans.adversarial import Adversaries, adversarial, scaled
from gengen.networks import mlp
from gengen.networks.forward import train_mode

SHAPE, RATE = (4, 4, 1), 0.1
NETWORKS = {"generator": mlp.Generator(SHAPE, widths=(8, 8)), "critic": mlp.Critic(widths=(8,))}


def build(**arguments):
    sgd = optax.chain(optax.identity(), scale_by_rate(RATE))
    return adversarial(networks=NETWORKS, optimizers={"generator": sgd, "critic": sgd}, latent=3, **arguments)


def batch():
    return {"image": jnp.asarray(np.random.default_rng(0).integers(0, 256, (6, *SHAPE), np.uint8))}


def one_step(model, state):
    one = jax.devices()[:1]
    kept = replicate(jax.tree.map(np.array, state), one)  # the dispatch takes the memory of the state that it is given
    after, metrics = parallel(model.train_step, one)(jax.random.key(1), kept, {"image": batch()["image"][None, None]})
    return after, jax.tree.map(lambda leaf: leaf[0], metrics)


def on_one_replica(function, *args):
    return jax.tree.map(lambda x: x[0], jax.vmap(lambda _: function(*args), axis_name=AXIS)(jnp.zeros(1)))


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_a_step_is_the_critics_descent_and_then_the_generators(loss, together):
    model = build(loss=loss, critic_steps=1, clip=None, together=together)
    both = Adversaries(NETWORKS["generator"], NETWORKS["critic"], ADVERSARIAL_LOSSES[loss], 3, together)
    state = jax.jit(model.init)(jax.random.key(0), {"image": batch()["image"]})
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), 0), 0)
    shared = on_one_replica(both.prepare, key, state, {"image": batch()["image"]})
    generator, critic = state.variables["generator"], state.variables["critic"]

    def fake(params):
        return train_mode(NETWORKS["generator"], {**generator, "params": params}, shared["latent"])[0]

    def judged(params, x):
        return train_mode(NETWORKS["critic"], {"params": params}, x)[0]

    def critic_objective(params):
        logits = judged(params, shared["real"]), judged(params, on_one_replica(fake, generator["params"]))
        return ADVERSARIAL_LOSSES[loss].critic(*logits).mean()

    critic_params = descend(critic_objective, critic["params"])

    def generator_objective(params):
        logits = on_one_replica(lambda params: judged(critic_params, fake(params)), params)
        return ADVERSARIAL_LOSSES[loss].generator(logits).mean()

    after, metrics = one_step(model, state)
    chex.assert_trees_all_close(after.variables["critic"]["params"], critic_params, atol=1e-6)
    expected = descend(generator_objective, generator["params"])
    chex.assert_trees_all_close(after.variables["generator"]["params"], expected, atol=1e-6)
    chex.assert_trees_all_close(metrics["critic/loss"].value, critic_objective(critic["params"]), rtol=1e-5)


def descend(objective, params):
    return jax.tree.map(lambda p, g: p - RATE * g, params, jax.jit(jax.grad(objective))(params))


def test_the_generator_waits_for_its_turn():
    model = build(critic_steps=3, clip=0.01)
    state = jax.jit(model.init)(jax.random.key(0), {"image": batch()["image"]})
    moved = []
    for _ in range(6):
        before = state.variables["generator"]["params"]
        state, _ = one_step(model, state)
        same = jax.tree.map(lambda old, new: bool((old == new).all()), before, state.variables["generator"]["params"])
        moved.append(not all(jax.tree.leaves(same)))
    assert moved == [False, False, True, False, False, True]
    assert model.period == 3


def test_pixels_are_scaled_to_minus_one_and_one():
    np.testing.assert_allclose(scaled(jnp.asarray([0, 255], jnp.uint8)), [-1, 1])


@pytest.mark.parametrize("wrong", [{"loss": "mean"}, {"clip": -1.0}, {"clip": 0.0}, {"critic_steps": 0}, {"latent": 0}])
def test_arguments_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        build(**wrong) if "latent" not in wrong else adversarial(networks=NETWORKS, optimizers={}, latent=0)
