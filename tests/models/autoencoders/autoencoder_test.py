"""Autoencoders: what they are shown and have to give back, and what penalties of the code add."""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.model import offers
from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.state import State
from gengen.core.transforms import scale_by_rate
from gengen.losses.likelihood import bernoulli, gaussian, squared_error
from gengen.models.autoencoders import corruption
from gengen.models.autoencoders.autoencoder import Autoencoder, autoencoder
from gengen.networks import mlp
from gengen.networks.coders import PointCoder
from tests.units import scaled

SHAPE, LATENT, SIZE = (3, 3, 1), 4, 6
BATCH = {"data": scaled(np.random.default_rng(0).integers(0, 256, (SIZE, *SHAPE), np.uint8))}
ENCODER, DECODER = mlp.Encoder(widths=(5,), activation="tanh", bounded=True), mlp.Decoder(SHAPE, widths=(5,))
KEY = jax.random.key(3)


def game(corrupt=None, likelihood=None, reduction="mean", contraction=0.0, sparsity=0.0):
    return Autoencoder(
        PointCoder(ENCODER, LATENT),
        DECODER,
        LATENT,
        likelihood or squared_error(rank=3),
        reduction,
        corrupt or corruption.none(),
        contraction,
        sparsity,
    )


@functools.cache
def state():
    return State(jnp.zeros((), jnp.int32), jax.jit(game().init)(jax.random.key(0), BATCH), {})


def prepared(built, batch=BATCH, key=KEY, replicas=1):
    """The batch as replicas prepare it, together again."""
    parts = jax.tree.map(lambda leaf: leaf.reshape(replicas, -1, *leaf.shape[1:]), batch)
    found = jax.vmap(lambda part: built.prepare(key, state(), part), axis_name=AXIS)(parts)
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), found)


def outcome(built, batch):
    """Loss and the values of metrics."""

    @jax.jit
    def found(batch):
        return jax.vmap(lambda batch: built.loss(KEY, state(), batch), axis_name=AXIS)(batch)

    value, (metrics, _) = found(jax.tree.map(lambda leaf: leaf[None], batch))
    return float(value[0]), {name: float(mean.value[0]) for name, mean in metrics.items()}


def code(image):
    return PointCoder(ENCODER, LATENT).apply(state().variables["encoder"], image, train=False)


def output(seen):
    return DECODER.apply(state().variables["decoder"], code(seen), train=False)


@pytest.mark.parametrize(
    "likelihood", [squared_error(rank=3), bernoulli(rank=3), gaussian(rank=3, deviation=0.5)], ids=lambda of: of.title
)
def test_the_loss_is_the_error_of_what_is_decoded(likelihood):
    image = BATCH["data"]
    errors = -np.float64(likelihood.log_prob(output(image), image))
    for reduction, expected in (("mean", errors.mean()), ("sum", errors.sum((1, 2, 3)).mean())):
        built = game(likelihood=likelihood, reduction=reduction)
        value, metrics = outcome(built, prepared(built))
        assert value == pytest.approx(expected, rel=1e-5)
        squares = np.square(np.float64(likelihood.mean(output(image)) - image))
        assert metrics == {"squared_error": pytest.approx(squares.mean(), rel=1e-5)}


@pytest.mark.parametrize("name", ["gaussian", "masking", "salt_and_pepper"])
def test_the_encoder_sees_the_corrupted_image_and_the_target_is_the_clean_one(name):
    built = game(corruption.CORRUPTIONS[name](amount=0.5))
    batch = prepared(built)
    clean = BATCH["data"]
    chex.assert_trees_all_close(batch["data"], clean, atol=1e-6)
    assert np.all(np.asarray(batch["seen"] != clean).mean((1, 2, 3)) > 0.1)
    expected = np.square(np.tanh(np.float64(output(batch["seen"]))) - np.float64(clean)).mean()
    assert outcome(built, batch)[0] == pytest.approx(expected, rel=1e-5)
    assert abs(outcome(built, {**batch, "seen": clean})[0] - expected) > 1e-3


def test_an_image_that_is_all_masked_is_guessed_from_black():
    built = game(corruption.masking(amount=1.0))
    expected = np.square(np.tanh(np.float64(output(-jnp.ones((SIZE, *SHAPE))))) - np.float64(BATCH["data"]))
    assert outcome(built, prepared(built))[0] == pytest.approx(expected.mean(), rel=1e-5)


def test_corruption_and_directions_follow_the_place_in_the_global_batch():
    built = game(corruption.gaussian())
    chex.assert_trees_all_close(prepared(built, replicas=3), prepared(built), rtol=1e-6)
    again = prepared(built, key=jax.random.key(4))
    for name in ("seen", "directions"):
        assert np.abs(again[name] - prepared(built)[name]).max() > 0.1
    chex.assert_shape(again["directions"], (SIZE, LATENT))


def test_penalties_change_the_loss_by_exactly_their_terms():
    batch = prepared(game())
    plain, _ = outcome(game(), batch)
    sparsity = float(np.abs(np.float64(code(BATCH["data"]))).mean())
    value, metrics = outcome(game(sparsity=0.7), batch)
    assert metrics["sparsity"] == pytest.approx(sparsity, rel=1e-5)
    assert value - plain == pytest.approx(0.7 * sparsity, rel=1e-4)
    value, metrics = outcome(game(contraction=0.3), batch)
    jacobian = np.float64(jax.vmap(jax.jacrev(lambda image: code(image[None])[0]))(batch["seen"]))
    slopes = np.square(np.einsum("bl,blhwc->bhwc", np.float64(batch["directions"]), jacobian)).sum((1, 2, 3))
    assert metrics["contraction"] == pytest.approx(slopes.mean(), rel=1e-4)
    assert value - plain == pytest.approx(0.3 * slopes.mean(), rel=1e-4)
    both, _ = outcome(game(contraction=0.3, sparsity=0.7), batch)
    assert both == pytest.approx(value + 0.7 * sparsity, rel=1e-5)


def test_the_contraction_is_the_squared_jacobian_in_the_mean_where_the_encoder_looks():
    n, built = 4000, game(corruption.gaussian(amount=0.3), contraction=1.0)
    batch = prepared(built)

    @jax.jit
    def slopes(directions):
        def one(directions):
            return built.slopes(state(), {**batch, "directions": directions})

        return jax.vmap(jax.vmap(one, axis_name=AXIS), axis_name="draws")(directions[:, None])[:, 0]

    found = np.float64(slopes(jax.random.normal(jax.random.key(1), (n, SIZE, LATENT))))
    jacobian = np.float64(jax.vmap(jax.jacrev(lambda image: code(image[None])[0]))(batch["seen"]))
    expected = np.square(jacobian).sum((1, 2, 3, 4))
    assert np.all(np.abs(found.mean(0) - expected) < 4.5 * found.std(0) / math.sqrt(n))
    # A chi-squared of the eigenvalues of J J^T: the directions are normal, and independent.
    gram = np.einsum("blhwc,bmhwc->blm", jacobian, jacobian)
    np.testing.assert_allclose(found.var(0), 2 * np.square(gram).sum((1, 2)), rtol=0.35)


# The model that is built.


def build(**arguments):
    return autoencoder(
        networks={"encoder": ENCODER, "decoder": DECODER},
        optimizers={"autoencoder": optax.chain(optax.identity(), scale_by_rate(0.05))},
        **{"likelihood": squared_error(rank=3), "corruption": corruption.none(), "latent": LATENT, **arguments},
    )


def test_it_encodes_and_decodes_images_as_they_are_and_has_nothing_to_sample_from():
    model = build(corruption=corruption.masking(amount=1.0))
    assert offers(model) == ["encode", "decode"]
    image = BATCH["data"]
    found = model.encode(KEY, state().variables, image)
    chex.assert_trees_all_close(found, code(image))
    chex.assert_trees_all_close(model.decode(KEY, state().variables, found), jnp.tanh(output(image)))


def test_a_step_moves_all_weights_against_the_gradient():
    model, one = build(contraction=0.1, sparsity=0.1), jax.devices()[:1]
    first = jax.device_get(jax.jit(model.init)(jax.random.key(0), BATCH))
    batches = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (1, 60, *leaf.shape)), BATCH)
    state, metrics = parallel(model.train_step, one)(KEY, replicate(first, one), batches)
    loss = np.asarray(metrics["autoencoder/loss"].value)
    assert loss[-10:].mean() < 0.9 * loss[:10].mean()
    names = ("loss", "squared_error", "contraction", "sparsity", "gradient_norm")
    assert set(metrics) == {f"autoencoder/{name}" for name in names}
    for was, now in zip(jax.tree.leaves(first.variables), jax.tree.leaves(state.variables), strict=True):
        assert np.any(was != np.asarray(now))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"reduction": "max"}, "reduction='max' must be one of sum, mean"),
        ({"contraction": -0.1}, "contraction=-0.1 must be a number of at least 0"),
        ({"sparsity": math.inf}, "sparsity=inf must be a number of at least 0"),
        ({"sparsity": math.nan}, "sparsity=nan must be a number of at least 0"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        build(**wrong)


def test_a_code_without_numbers_is_refused():
    with pytest.raises(ValueError, match="latent=0 must be at least 1"):
        model = build(latent=0)
        model.init(jax.random.key(0), BATCH)


def test_notes_say_what_is_minimised():
    assert build().notes == (
        "minimises the squared error of values in [-1, 1] (the mean over values, the mean over examples)."
    )
    full = build(contraction=0.1, sparsity=0.5, reduction="sum").notes
    for part in ("the sum over values", "0.1 x the squared Jacobian", "0.5 x the mean absolute value of the code"):
        assert part in full
