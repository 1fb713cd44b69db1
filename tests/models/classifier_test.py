"""The classifier's game against cross-entropy written out, and what shifts do to an image."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.model import CAPABILITIES, require
from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.transforms import scale_by_rate
from gengen.models.classifier import Classification, classifier, classify, rotations, shifted, turned
from gengen.networks.classifier import Classifier, Squared
from tests.units import scaled

CLASSES, RATE, SHAPE = 4, 0.1, (4, 4, 1)


class Constant(nn.Module):
    """The same logits for every image: they are its parameters."""

    @nn.compact
    def __call__(self, image, train):
        logits = self.param("logits", nn.initializers.normal(1.0), (CLASSES,))
        return jnp.zeros((image.shape[0], 1)), jnp.broadcast_to(logits[None], (image.shape[0], CLASSES))


def build(network, **arguments):
    return classifier(network=network, optimizer=optax.chain(optax.identity(), scale_by_rate(RATE)), **arguments)


def batch(size=16):
    rng = np.random.default_rng(0)
    image = scaled(rng.integers(0, 256, (size, *SHAPE), np.uint8))
    return {"data": image, "label": rng.integers(0, CLASSES, size).astype(np.int32)}


def trained(model, state, batches):
    """The state and the metrics after a step on each of `batches`."""
    one = jax.devices()[:1]
    steps = jax.tree.map(lambda *leaves: np.stack(leaves)[None], *batches)
    kept = replicate(jax.tree.map(np.array, state), one)  # the dispatch takes the memory of the state that it is given
    return jax.device_get(parallel(model.train_step, one)(jax.random.key(1), kept, steps))


def first_state(model):
    return jax.jit(model.init)(jax.random.key(0), batch())


def test_a_step_descends_the_mean_cross_entropy():
    model, given = build(Constant()), batch()
    before = first_state(model)
    after, metrics = trained(model, before, [given])
    logits = np.asarray(before.variables["classifier"]["params"]["logits"], np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    shares = np.bincount(given["label"], minlength=CLASSES) / len(given["label"])
    np.testing.assert_allclose(metrics["classifier/loss"].value, [-(shares * np.log(probabilities)).sum()], rtol=1e-5)
    np.testing.assert_allclose(metrics["classifier/accuracy"].value, [shares[logits.argmax()]], rtol=1e-6)
    # The gradient of cross-entropy with respect to logits is the probabilities less the shares of the labels.
    expected = logits - RATE * (probabilities - shares)
    np.testing.assert_allclose(after.variables["classifier"]["params"]["logits"], expected, atol=1e-6)


def test_even_logits_lose_log_k():
    model = build(Classifier(CLASSES, channels=8))
    state = first_state(model)
    params = state.variables["classifier"]["params"]
    params = {**params, "Dense_1": jax.tree.map(jnp.zeros_like, params["Dense_1"])}
    state = state.replace(variables={"classifier": {**state.variables["classifier"], "params": params}})
    _, metrics = trained(model, state, [batch()])
    np.testing.assert_allclose(metrics["classifier/loss"].value, [np.log(CLASSES)], rtol=1e-6)


def test_two_steps_lower_the_loss_and_carry_statistics():
    model = build(Classifier(CLASSES, channels=8), shift=0.0)
    state = first_state(model)
    after, metrics = trained(model, state, [batch()] * 3)
    first, second, third = metrics["classifier/loss"].value
    assert first > second > third
    assert int(after.step) == 3
    moved = jax.tree.map(
        lambda old, new: bool((old != new).any()),
        state.variables["classifier"]["batch_stats"],
        after.variables["classifier"]["batch_stats"],
    )
    assert all(jax.tree.leaves(moved))


def test_judging_gives_the_log_probabilities_of_the_classes():
    given = batch()
    variables = first_state(build(Constant())).variables["classifier"]
    _, log_probabilities = classify(Constant(), variables, given["data"])
    logits = np.asarray(variables["params"]["logits"], np.float64)
    expected = np.broadcast_to(logits - np.log(np.exp(logits).sum()), (len(given["label"]), CLASSES))
    np.testing.assert_allclose(log_probabilities, expected, atol=1e-6)


def test_a_batch_of_one_colour_has_finite_gradients():
    model = build(Classifier(CLASSES, channels=8))
    black = {**batch(), "data": -np.ones((16, *SHAPE), np.float32)}
    after, _ = trained(model, first_state(model), [black])
    chex.assert_tree_all_finite(after.variables)


def test_a_whole_pixel_moves_the_image_and_repeats_the_border():
    image = jax.random.normal(jax.random.key(0), (4, 5, 6, 2))
    moved = jax.jit(shifted)(image, jnp.asarray([[1.0, 0.0], [0.0, -1.0], [0.0, 0.0], [-1.0, 1.0]]))
    np.testing.assert_allclose(moved[0], jnp.concatenate([image[0, :1], image[0, :-1]]), atol=1e-6)
    np.testing.assert_allclose(moved[1], jnp.concatenate([image[1, :, 1:], image[1, :, -1:]], 1), atol=1e-6)
    np.testing.assert_array_equal(moved[2], image[2])
    both = jnp.pad(image[3], ((0, 1), (1, 0), (0, 0)), mode="edge")[1:, :-1]
    np.testing.assert_allclose(moved[3], both, atol=1e-6)


def test_a_part_of_a_pixel_interpolates_linearly():
    rows, columns = jnp.meshgrid(jnp.arange(6.0), jnp.arange(7.0), indexing="ij")
    ramp = (2 * rows - 3 * columns)[None, :, :, None]
    moved = jax.jit(shifted)(ramp, jnp.asarray([[0.3, -0.6]]))
    inner = (slice(None), slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(moved[inner], (ramp - 2 * 0.3 - 3 * 0.6)[inner], atol=1e-5)


def test_each_place_of_the_global_batch_has_its_own_shift_on_any_number_of_replicas():
    game, given = Classification(Classifier(CLASSES), 1.0), batch(6)
    given["data"] = np.repeat(given["data"][:1], 6, 0)

    def prepared(replicas):
        split = jax.tree.map(lambda x: x.reshape(replicas, -1, *x.shape[1:]), given)
        made = jax.jit(jax.vmap(lambda part: game.prepare(jax.random.key(0), None, part), axis_name=AXIS))(split)
        return jax.tree.map(lambda x: np.asarray(x.reshape(6, *x.shape[2:])), made)

    one, two = prepared(1), prepared(2)
    np.testing.assert_allclose(one["data"], two["data"], atol=1e-6)
    np.testing.assert_array_equal(one["label"], given["label"])
    assert len(np.unique(one["data"].reshape(6, -1), axis=0)) == 6
    assert one["data"].min() >= -1
    assert one["data"].max() <= 1


def test_every_image_is_shown_in_all_four_turns_and_turning_it_back_by_its_label_gives_it():
    image = jax.random.normal(jax.random.key(0), (3, 5, 5, 2))
    images, labels = turned(image)
    assert labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    for place, (turn, label) in enumerate(zip(images, labels, strict=True)):
        np.testing.assert_array_equal(np.rot90(turn, -int(label)), image[place % 3])


@pytest.mark.slow
def test_no_network_tells_how_an_image_is_turned_that_looks_the_same_from_all_sides():
    optimizer = optax.chain(optax.identity(), scale_by_rate(RATE))
    model = rotations(network=Squared(Classifier(4, channels=4), 6), optimizer=optimizer, side=6)
    given = {"data": np.full((2, 8, 6, 3), 0.3, np.float32)}
    found = trained(model, model.init(jax.random.key(0), given), [given])[1]["classifier/loss"]
    assert float(found.value[0]) >= np.log(4) - 1e-6


def test_no_shift_only_scales():
    made = Classification(Classifier(CLASSES), 0.0).prepare(jax.random.key(0), None, batch())
    np.testing.assert_allclose(made["data"], jnp.asarray(batch()["data"]), atol=1e-6)


@pytest.mark.parametrize("shift", [-0.1, 1.1])
def test_a_shift_out_of_range_is_refused(shift):
    with pytest.raises(ValueError, match="shift"):
        build(Constant(), shift=shift)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_classifier_generates_nothing(capability):
    with pytest.raises(Refusal, match="none of these"):
        require(build(Constant()), capability)
