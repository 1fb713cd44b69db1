"""The contract, for every model at toy size: a new model adds a row to `MODELS` and is held to all of it."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.average import averaged
from gengen.core.model import CAPABILITIES, require
from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.transforms import scale_by_rate
from gengen.models.gans.adversarial import adversarial
from gengen.networks import dcgan, mlp

SHAPE = (8, 8, 1)
BATCH = 8


def sgd(rate=0.05):
    return optax.chain(optax.identity(), scale_by_rate(rate))


def gan(generator, critic, **arguments):
    return adversarial(
        networks={"generator": generator, "critic": critic},
        optimizers={"generator": sgd(), "critic": sgd()},
        latent=5,
        **arguments,
    )


def mlps():
    return mlp.Generator(SHAPE, widths=(16, 32)), mlp.Critic(widths=(16,))


def dcgans():
    return dcgan.Generator(SHAPE, width=4), dcgan.Critic(width=4)


MODELS = {
    "wgan": lambda: gan(*mlps(), loss="wasserstein", critic_steps=2, clip=0.05),
    "gan": lambda: gan(*mlps(), loss="non_saturating", critic_steps=1, clip=None),
    "together": lambda: gan(*mlps(), loss="wasserstein", critic_steps=2, clip=0.05, together=True),
    "dcgan": lambda: gan(*dcgans(), loss="non_saturating", critic_steps=1, clip=None),
    "averaged": lambda: averaged(gan(*dcgans(), critic_steps=2, clip=0.05), decay=0.9, networks=("generator",)),
}

CAN = {name: {"sample"} for name in MODELS}


STEPS = 4


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return MODELS[name]()


def images(steps, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (steps, BATCH, *SHAPE), np.uint8)


def feed(images, devices):
    """Lays [steps, batch, ...] out as [devices, steps, per device, ...]."""
    split = images.reshape(len(images), devices, BATCH // devices, *SHAPE)
    return {"image": np.ascontiguousarray(split.swapaxes(0, 1))}


@functools.cache
def first(name):
    """The state of a new run, on the host."""
    return jax.device_get(jax.jit(MODELS[name]().init)(jax.random.key(0), {"image": images(1)[0]}))


@functools.cache
def run(name, devices=1, fused=STEPS):
    """Trains for `STEPS`, `fused` at a time; returns the state on its devices and all metrics."""
    model, used = MODELS[name](), jax.devices()[:devices]
    dispatch, state, seen = parallel(model.train_step, used, period=model.period), replicate(first(name), used), []
    for start in range(0, STEPS, fused):
        batches = feed(images(STEPS)[start : start + fused], devices)
        state, metrics = dispatch(jax.random.key(1), state, batches, start)
        seen.append(jax.device_get(metrics))
    return state, jax.tree.map(lambda *parts: np.concatenate(parts), *seen)


def test_four_steps_are_finite_and_move_everything_that_is_trained(name):
    before, (after, metrics) = first(name), run(name)
    chex.assert_tree_all_finite(after.variables)
    chex.assert_tree_all_finite({name: mean.total for name, mean in metrics.items()})
    for network, collections in before.variables.items():
        for old, new in zip(
            jax.tree.leaves(collections["params"]), jax.tree.leaves(after.variables[network]["params"]), strict=True
        ):
            assert old.size == 1 or np.any(old != np.asarray(new)), network
    assert after.step == STEPS


def test_structure_shapes_and_dtypes_are_kept(name):
    chex.assert_trees_all_equal_shapes_and_dtypes(first(name), run(name)[0])


def test_metrics_count_each_turn_when_it_is_played(name, model):
    _, metrics = run(name)
    assert (metrics["critic/loss"].count == 1).all()
    assert metrics["generator/loss"].count.sum() == STEPS / model.period


def test_it_compiles_once(name, model):
    devices = jax.devices()[:2]
    dispatch, state = parallel(model.train_step, devices, period=model.period), replicate(first(name), devices)
    with CountedCompilations() as compiled:
        for place in range(3):
            state, _ = dispatch(jax.random.key(1), state, feed(images(STEPS, place), 2), STEPS * place)
    assert compiled() == 1


def test_replicas_stay_identical(name):
    for leaf in jax.tree.leaves(run(name, devices=4)[0]):
        copies = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        assert len(copies) == 4
        for copy in copies[1:]:
            np.testing.assert_array_equal(copy, copies[0])


@pytest.mark.parametrize("devices", [2, 4])
def test_the_number_of_devices_does_not_matter(name, devices):
    (one, measured), (several, also) = run(name), run(name, devices)
    chex.assert_trees_all_close(jax.device_get(several), jax.device_get(one), atol=1e-5, rtol=1e-5)
    # A mean of losses counts once on each replica, a mean over examples the same on any number of them.
    chex.assert_trees_all_close(
        {name: mean.total * np.sign(mean.count) / np.maximum(mean.count, 1) for name, mean in also.items()},
        {name: mean.total * np.sign(mean.count) / np.maximum(mean.count, 1) for name, mean in measured.items()},
        atol=1e-4,
        rtol=1e-4,
    )


def test_a_step_that_forgot_to_average_would_not_trace(name, model):
    def over_replicas(step):
        return jax.vmap(step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)

    args = jax.random.key(1), first(name), {"image": feed(images(1), 2)["image"][:, 0]}
    state, _ = jax.eval_shape(over_replicas(model.train_step), *args)
    chex.assert_trees_all_equal_shapes(state, first(name))

    def forgetful(key, state, batch):
        after, metrics = model.train_step(key, state, batch)
        return after.replace(step=after.step + batch["image"].sum(dtype=jnp.int32)), metrics

    with pytest.raises(ValueError, match="out_axes"):
        jax.eval_shape(over_replicas(forgetful), *args)


def test_fused_steps_equal_single_ones(name):
    chex.assert_trees_all_close(jax.device_get(run(name)), jax.device_get(run(name, fused=1)), atol=1e-6, rtol=1e-5)


def test_going_on_from_a_copy_is_exact(name, model):
    dispatch, state = parallel(model.train_step, jax.devices()[:1], period=model.period), first(name)
    for start in (0, 2):
        copy = jax.tree.map(lambda leaf: np.array(leaf), state)  # to the host and back, as a checkpoint does
        batches = feed(images(STEPS)[start : start + 2], 1)
        state, _ = dispatch(jax.random.key(1), replicate(copy, jax.devices()[:1]), batches, start)
    chex.assert_trees_all_equal(jax.device_get(state), jax.device_get(run(name, fused=2)[0]))


def test_capabilities_have_the_shapes_they_promise(name, model):
    offered = {capability for capability in CAPABILITIES if getattr(model, capability) is not None}
    assert offered == CAN[name]
    sample = jax.jit(model.sample, static_argnums=2)
    drawn = sample(jax.random.key(3), first(name).variables, 7)
    chex.assert_shape(drawn, (7, *SHAPE))
    assert drawn.dtype == jnp.float32
    assert float(jnp.abs(drawn).max()) <= 1
    chex.assert_trees_all_close(sample(jax.random.key(3), first(name).variables, 2), drawn[:2], atol=1e-5)
    assert not np.allclose(drawn[0], drawn[1])


def test_a_capability_that_is_missing_is_refused_with_what_there_is(model):
    with pytest.raises(Refusal, match="cannot translate; what it can do: sample"):
        require(model, "translate")


def test_only_clipped_critics_stay_in_their_box():
    state, _ = run("wgan")
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.variables["critic"]["params"])) <= 0.0500001
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.variables["generator"]["params"])) > 0.05


class CountedCompilations:
    """Counts what the backend compiles inside of a `with`."""

    def __enter__(self):
        self.number = 0
        jax.monitoring.register_event_duration_secs_listener(self._listen)
        return lambda: self.number

    def _listen(self, event, duration, **rest):
        del duration, rest
        self.number += event == "/jax/core/compile/backend_compile_duration"

    def __exit__(self, *error):
        jax.monitoring.unregister_event_duration_listener(self._listen)
