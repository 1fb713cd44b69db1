"""The contract, for every model at toy size: a new model adds a row to `contract.ROWS` and is held to all of it."""

import functools
from functools import partial
from inspect import signature
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.build.model import MODELS
from gengen.core.model import offers, require
from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.state import State, networks_of
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, AdversarialLoss
from tests.compilations import CountedCompilations
from tests.contract import AUTOENCODER, BATCH, CLASSES, ROUNDED, ROWS, SHAPE, STEPS
from tests.units import scaled

KNOWN = ROWS | ROUNDED

ALIKE = {
    *("aae", "aae_mixture", "aae_cluster", "regression", "adaptation", "latents_denoised", "shortcut", "consistency"),
    *("averaged", "penalised", "relativistic", "softmax", "matched", "auxiliary", "projection"),
}
"""Rows of builders, or of mechanisms, that another row has too: all of theirs are slow tests."""


def each(names):
    return [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in names]


@pytest.fixture(params=each(ROWS))
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return ROWS[name].build()


def those(condition):
    """Runs a test for the rows of which something holds."""
    return pytest.mark.parametrize("name", each(name for name, row in ROWS.items() if condition(row)))


def data(steps, seed=0, shape=SHAPE):
    """Batches [steps, batch, ...]."""
    rng = np.random.default_rng(seed)
    image = scaled(rng.integers(0, 256, (steps, BATCH, *shape), np.uint8))
    return {"data": image, "label": rng.integers(0, CLASSES, (steps, BATCH), np.int32)}


def fed(name, steps, seed=0):
    """Batches [steps, batch, ...] as a model sees them in a run."""
    row = KNOWN[name]
    batches, others = data(steps, seed, row.shape), data(steps, seed + 100, row.shape)
    more = {"paired": others["data"], "second": {"data": others["data"]}, "labelled": others}
    more["text"] = np.random.default_rng(seed + 200).integers(1, 5, (steps, BATCH, 3), np.int32)
    more["text"][:, 0] = 0  # one says nothing
    if row.second == "labelled":
        del batches["label"]
    return {**batches, row.second: more[row.second]} if row.second else batches


def feed(batches, devices):
    """Lays [steps, batch, ...] out as [devices, steps, per device, ...]."""

    def split(leaf):
        return np.ascontiguousarray(leaf.reshape(len(leaf), devices, BATCH // devices, *leaf.shape[2:]).swapaxes(0, 1))

    return jax.tree.map(split, batches)


def part(batches, start, length):
    return jax.tree.map(lambda leaf: leaf[start : start + length], batches)


@functools.cache
def first(name):
    """The state of a new run, on the host."""
    batch = jax.tree.map(lambda leaf: leaf[0], fed(name, 1))
    return jax.device_get(jax.jit(KNOWN[name].build().init)(jax.random.key(0), batch))


@functools.cache
def dispatch(name, devices):
    """Training steps on so many devices; compiled once for each number of steps at a time, which takes long."""
    model = KNOWN[name].build()
    return parallel(model.train_step, jax.devices()[:devices], period=model.period)


class Run(NamedTuple):
    """The state on its devices, all metrics, and how many programs the dispatches took."""

    state: State
    metrics: dict
    compiled: int


@functools.cache
def run(name, devices=1, fused=1):
    """Trains for `STEPS`, `fused` at a time. Each pair of the two is a program, and compiling it is what takes long."""
    key, state, seen = jax.random.key(1), replicate(first(name), jax.devices()[:devices]), []
    step = dispatch(
        name, devices
    )  # before anything is counted: a builder may compute, and what it computes is compiled
    with CountedCompilations() as compiled:
        for start in range(0, STEPS, fused):
            batches = feed(part(fed(name, STEPS), start, fused), devices)
            state, metrics = step(key, state, batches, start)
            seen.append(jax.device_get(metrics))
    return Run(state, jax.tree.map(lambda *parts: np.concatenate(parts), *seen), compiled())


def parted(name):
    """A run on all devices, in two parts."""
    return run(name, devices=4, fused=2)


def test_every_builder_has_a_row():
    assert {row.builder for row in ROWS.values()} == set(MODELS.values())


def test_four_steps_are_finite_and_move_everything_that_is_trained(name):
    before, (after, metrics, _) = first(name), run(name)
    chex.assert_tree_all_finite(after.variables)
    chex.assert_tree_all_finite({name: mean.total for name, mean in metrics.items()})
    for network in networks_of(before.variables):
        old, new = (run.variables[network]["params"] for run in (before, after))
        if network in ROWS[name].at_rest:
            chex.assert_trees_all_equal(old, jax.device_get(new))
            continue
        for was, now in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True):
            assert was.size == 1 or np.any(was != np.asarray(now)), network
    assert after.step == STEPS


def test_structure_shapes_and_dtypes_are_kept(name):
    chex.assert_trees_all_equal_shapes_and_dtypes(first(name), run(name).state)


def test_metrics_count_each_turn_when_it_is_played(name):
    metrics = run(name).metrics
    for player, moves in ROWS[name].moves.items():
        assert "".join(str(int(count)) for count in metrics[f"{player}/loss"].count) == moves


def test_it_compiles_once(name):
    assert parted(name).compiled == 1


def test_replicas_stay_identical(name):
    for leaf in jax.tree.leaves(parted(name).state):
        copies = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        assert len(copies) == 4
        for copy in copies[1:]:
            np.testing.assert_array_equal(copy, copies[0])


def test_numbers_of_devices_and_of_fused_steps_do_not_matter(name):
    (one, measured, _), (several, also, _) = run(name), parted(name)
    chex.assert_trees_all_close(jax.device_get(several), jax.device_get(one), atol=1e-5, rtol=1e-5)
    # A mean of losses counts once on each replica, a mean over examples the same on any number of them.
    chex.assert_trees_all_close(
        {name: mean.total * np.sign(mean.count) / np.maximum(mean.count, 1) for name, mean in also.items()},
        {name: mean.total * np.sign(mean.count) / np.maximum(mean.count, 1) for name, mean in measured.items()},
        atol=1e-4,
        rtol=1e-4,
    )


def traced_over_replicas(name, step):
    """The state after a step on two replicas, which is refused if anything differs between them."""
    over_replicas = jax.vmap(step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)
    batch = jax.tree.map(lambda leaf: leaf[:, 0], feed(fed(name, 1), 2))
    return jax.eval_shape(over_replicas, jax.random.key(1), first(name), batch)[0]


def test_everything_is_averaged_over_replicas(name, model):
    chex.assert_trees_all_equal_shapes(traced_over_replicas(name, model.train_step), first(name))


@pytest.mark.parametrize("name", ["wgan"])
def test_a_step_that_forgot_to_average_would_not_trace(name, model):
    def forgetful(key, state, batch):
        after, metrics = model.train_step(key, state, batch)
        return after.replace(step=after.step + batch["data"].sum(dtype=jnp.int32)), metrics

    with pytest.raises(ValueError, match="out_axes"):
        traced_over_replicas(name, forgetful)


@those(lambda row: row.build().period > 1)
def test_steps_with_their_turns_known_equal_single_ones(name):
    """Whole periods are unrolled; elsewhere the steps that are fused are those same single ones."""
    (several, measured, _), (single, also, _) = run(name, fused=STEPS), run(name)
    chex.assert_trees_all_close(jax.device_get(several), jax.device_get(single), atol=1e-6, rtol=1e-5)
    chex.assert_trees_all_close(measured, also, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", each(KNOWN))
def test_going_on_from_a_copy_is_exact(name):
    straight, state = run(name).state, first(name)
    for start in range(STEPS):
        copy = jax.tree.map(lambda leaf: np.array(leaf), state)  # to the host and back, as a checkpoint does
        batches = feed(part(fed(name, STEPS), start, 1), 1)
        state, _ = dispatch(name, 1)(jax.random.key(1), replicate(copy, jax.devices()[:1]), batches, start)
    chex.assert_trees_all_equal(jax.device_get(state), jax.device_get(straight))


def test_capabilities_have_the_shapes_they_promise(name, model):
    assert set(offers(model)) == ROWS[name].can
    assert (model.pair is not None) == ROWS[name].pairs
    assert (model.trajectory is not None) == ROWS[name].diffuses
    if model.sample is None:
        return
    sample = jax.jit(model.sample, static_argnums=2)
    drawn = sample(jax.random.key(3), first(name).variables, 7)
    chex.assert_shape(drawn, (7, *ROWS[name].shape))
    assert drawn.dtype == jnp.float32
    assert float(jnp.abs(drawn).max()) <= 1
    chex.assert_trees_all_close(sample(jax.random.key(3), first(name).variables, 2), drawn[:2], atol=1e-5)
    assert not np.allclose(drawn[0], drawn[2])  # the first two of a CoGAN are a pair, and its domains begin alike


@those(lambda row: row.diffuses)
def test_a_trajectory_leads_from_other_examples_to_the_samples_of_the_same_key(name, model):
    key, variables = jax.random.key(3), first(name).variables
    states = np.asarray(jax.jit(model.trajectory, static_argnums=2)(key, variables, 3))
    drawn = jax.jit(model.sample, static_argnums=2)(key, variables, 3)
    assert states.shape[1] > 1
    chex.assert_trees_all_close(states[:, -1], np.asarray(drawn), atol=1e-5)
    assert np.abs(states[:, 0] - states[:, -1]).mean() > 1e-3


@those(lambda row: "prior" in row.can)
def test_a_sample_is_what_is_decoded_of_a_draw_from_the_prior(name, model):
    """As programs, which are not compiled: bit for bit, whatever a sample is told."""

    def drawn(key, variables, condition):
        return model.decode(key, variables, model.prior(key, variables, 7, condition), condition)

    def sampled(key, variables, condition):
        return model.sample(key, variables, 7, condition)

    zeros = {
        asked: jnp.zeros((7, one.size)) if one.size else jnp.zeros((7, one.length) if one.length else 7, int)
        for asked, one in model.conditions.items()
    }
    for condition in (None, zeros):
        given = (jax.random.key(3), first(name).variables, condition)
        assert str(jax.make_jaxpr(drawn)(*given)) == str(jax.make_jaxpr(sampled)(*given))


@those(lambda row: "translate" in row.can)
def test_a_translation_is_an_image_of_the_same_size_and_depends_on_no_other(name, model):
    images, variables = data(1)["data"][0].astype(np.float32) / 127.5 - 1, first(name).variables
    if model.pair:
        images, _ = jax.jit(model.pair)(jax.random.key(2), jax.tree.map(lambda leaf: leaf[0], fed(name, 1)))
    assert {"ab"} <= model.translate.keys() <= {"ab", "ba"}
    for function in model.translate.values():
        translate = jax.jit(function)
        made = translate(jax.random.key(3), variables, images)
        chex.assert_shape(made, (BATCH, *SHAPE))
        assert made.dtype == jnp.float32
        assert float(jnp.abs(made).max()) <= 1
        chex.assert_trees_all_close(translate(jax.random.key(3), variables, images[:3]), made[:3], atol=1e-5)


@those(lambda row: row.pairs)
def test_a_pair_is_an_image_of_each_domain_of_the_same_example(name, model):
    batch = jax.tree.map(lambda leaf: leaf[0], fed(name, 1))
    a, b = jax.jit(model.pair)(jax.random.key(3), batch)
    np.testing.assert_allclose(b, batch["data"], atol=1e-6)
    chex.assert_equal_shape_prefix([a, b], 3)
    some, _ = jax.jit(model.pair)(jax.random.key(3), jax.tree.map(lambda leaf: leaf[:3], batch))
    chex.assert_trees_all_close(some, a[:3], atol=1e-6)


@pytest.mark.heavy
@those(lambda row: "pool" in row.arguments())
def test_pools_hold_the_same_translations_on_every_replica_of_any_number(name):
    for domain in "ab":
        pool, expected = (made.state.variables[f"pool_{domain}"]["pool"] for made in (parted(name), run(name)))
        assert pool["count"] == BATCH + 2 < STEPS * BATCH
        for shard in pool["images"].addressable_shards:
            np.testing.assert_array_equal(shard.data, np.asarray(pool["images"]))
        np.testing.assert_allclose(pool["images"], expected["images"], atol=1e-4)
        assert len(np.unique(np.asarray(pool["images"]).reshape(BATCH + 2, -1), axis=0)) == BATCH + 2


def test_a_capability_that_is_missing_is_refused_with_what_there_is(name, model):
    missing = "sample" if model.sample is None else "translate"
    with pytest.raises(Refusal, match=f"cannot {missing}; what it can do: {', '.join(offers(model))}"):
        require(model, missing)


@those(lambda row: "recognise" in row.can and row.second == "second")
def test_labels_that_one_domain_has_taught_are_recognised_in_the_other(name, model):
    images = fed(name, 1)["second"]["data"][0].astype(np.float32) / 127.5 - 1
    read = jax.jit(model.recognise)(jax.random.key(3), first(name).variables, images)
    assert read.keys() == {"label"}
    np.testing.assert_allclose(np.exp(read["label"]).sum(1), np.ones(BATCH), rtol=1e-5)


@those(lambda row: "recognise" in row.can and row.second != "second")
def test_every_code_that_samples_can_be_told_is_recognised(name, model):
    read = jax.jit(model.recognise)(jax.random.key(3), first(name).variables, jnp.zeros((7, *SHAPE)))
    assert read.keys() == model.conditions.keys()
    for code, condition in model.conditions.items():
        chex.assert_shape(read[code], (7, condition.classes or condition.size))


@those(lambda row: "features" in row.can)
def test_features_of_an_image_depend_on_no_other_image(name, model):
    images, variables = data(1)["data"][0].astype(np.float32) / 127.5 - 1, first(name).variables
    look = jax.jit(model.features)
    seen = look(jax.random.key(3), variables, images)
    assert seen.shape == (BATCH, seen.size // BATCH)
    assert seen.dtype == jnp.float32
    chex.assert_trees_all_close(look(jax.random.key(4), variables, images[:3]), seen[:3], atol=1e-5)
    assert not np.allclose(seen[0], seen[1])


@those(lambda row: row.can >= AUTOENCODER)
def test_codes_of_data_and_of_the_prior_are_what_is_decoded(name, model):
    variables = first(name).variables
    codes = [jax.jit(model.encode)(jax.random.key(3), variables, jnp.zeros((7, *SHAPE)))]
    if model.prior:
        codes.append(jax.jit(model.prior, static_argnums=2)(jax.random.key(3), variables, 7))
    chex.assert_equal_shape(codes)
    decode = jax.jit(model.decode)
    for some in codes:
        images = decode(jax.random.key(3), variables, some)
        chex.assert_shape(images, (7, *SHAPE))
        assert float(jnp.abs(images).max()) <= 1


@those(lambda row: "log_likelihood" in row.can)
def test_the_log_likelihood_of_an_image_depends_on_no_other_image(name, model):
    images, variables = data(1)["data"][0].astype(np.float32) / 127.5 - 1, run(name).state.variables
    measure = jax.jit(lambda images: model.log_likelihood(jax.random.key(3), variables, images, None, 2))
    nats = measure(images)
    chex.assert_shape(nats, (BATCH,))
    chex.assert_trees_all_close(measure(images[:3]), nats[:3], rtol=1e-5)
    assert len(np.unique(nats)) == BATCH


@those(lambda row: row.build().conditions)
def test_samples_are_what_they_are_told(name, model):
    sample, variables = jax.jit(model.sample, static_argnums=2), first(name).variables
    if name == "cogan":  # its domains begin alike
        variables = {**variables, "head_b": jax.tree.map(lambda leaf: -leaf, variables["head_b"])}
    for asked, condition in model.conditions.items():
        shape = (4, condition.size or condition.length) if condition.size or condition.length else (4,)
        low = jnp.zeros(shape, jnp.float32 if condition.size else jnp.int32)
        drawn = [sample(jax.random.key(3), variables, 4, {asked: low + step}) for step in (0, 1)]
        assert np.abs(np.asarray(drawn[0] - drawn[1])).max((1, 2, 3)).min() > 1e-4, asked


def test_views_carry_on_from_step_to_step():
    state = run("relativistic").state
    deviation = state.variables["views"]["instance_noise"]["deviation"]
    np.testing.assert_allclose(deviation, 0.1 * (1 - STEPS / 10), rtol=1e-5)


def test_only_clipped_critics_stay_in_their_box():
    state = run("wgan").state
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.variables["critic"]["params"])) <= 0.0500001
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.variables["generator"]["params"])) > 0.05


PLAYING = {row.builder: name for name, row in reversed(ROWS.items()) if "loss" in signature(row.builder).parameters}
"""A row of each builder that can be given an adversarial loss."""


@pytest.mark.parametrize("name", PLAYING.values())
def test_every_game_leaves_its_logits_to_one_place_and_gives_losses_what_they_made_of_them(name, monkeypatch):
    """Losses that look at the whole batch do it in `CriticGame.logits`; nobody changes or parts logits afterwards."""
    made, given = [], []

    def of_batch(real, fake):
        made.append((real + 1, fake - 1))
        return made[-1]

    def judged(player, real, fake):
        advice = (
            f"{ROWS[name].builder.__name__} gives its {player}'s loss logits that are not those of CriticGame.logits"
        )
        assert any(real is one and fake is other for one, other in made), advice
        given.append(player)
        return real - fake

    spy = AdversarialLoss(partial(judged, "critic"), partial(judged, "generator"), "spied", jnp.abs, of_batch=of_batch)
    monkeypatch.setitem(ADVERSARIAL_LOSSES, "spied", spy)
    row = ROWS[name]
    model = row.builder(**{**row.arguments(), "loss": "spied"})
    batch = jax.tree.map(lambda leaf: leaf[0], fed(name, 1))
    state = jax.eval_shape(model.init, jax.random.key(0), batch)
    step = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    _, metrics = jax.eval_shape(step, jax.random.key(1), state, jax.tree.map(lambda leaf: leaf[None], batch))
    assert {*given} == {"critic", "generator"}
    assert any("/spied" in metric for metric in metrics)
