"""Variational autoencoders that are built: what they can do, what they draw, what they are told, what is refused."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.model import Condition, offers
from gengen.core.parallel import AXIS, example_keys, parallel, replicate
from gengen.core.state import State
from gengen.core.transforms import scale_by_rate
from gengen.losses.likelihood import bernoulli, gaussian, squared_error
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.variational import variational
from gengen.models.autoencoders.variational_game import Variational
from gengen.models.binarisation import drawn_bits, fixed_bits
from gengen.models.conditioning import Nothing
from gengen.networks import mlp
from gengen.networks.coders import ConditionalEncoder, GaussianCoder
from gengen.networks.conditional import ConditionalGenerator
from tests.units import scaled

SHAPE, SIZE, CLASSES = (3, 3, 1), 6, 3
RNG = np.random.default_rng(0)
BATCH = {
    "data": scaled(RNG.integers(0, 256, (SIZE, *SHAPE), np.uint8)),
    "label": RNG.integers(0, CLASSES, SIZE, np.int32),
}
ENCODER, DECODER = mlp.Encoder(widths=(8,), bounded=True), mlp.Decoder(SHAPE, widths=(8,))
UPPER = {"upper_encoder": mlp.Encoder(widths=(4,)), "upper_decoder": mlp.Encoder(widths=(4,))}
KEY = jax.random.key(3)


def build(encoder=ENCODER, decoder=DECODER, rate=0.01, **arguments):
    upper = UPPER if len(arguments.get("latents", (2,))) == 2 else {}
    return variational(
        networks={"encoder": encoder, "decoder": decoder, **arguments.pop("networks", upper)},
        optimizers={"autoencoder": optax.chain(optax.identity(), scale_by_rate(rate))},
        **{"likelihood": gaussian(rank=3), "objective": Objective(), "latents": (2,), **arguments},
    )


TOLD = {"encoder": ConditionalEncoder(ENCODER, CLASSES), "decoder": ConditionalGenerator(DECODER, CLASSES)}


def first(model):
    return jax.device_get(jax.jit(model.init)(jax.random.key(0), BATCH))


def trained(model, steps=100):
    one, start = jax.devices()[:1], first(model)
    batches = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (1, steps, *leaf.shape)), BATCH)
    state, metrics = parallel(model.train_step, one)(KEY, replicate(start, one), batches)
    return start, jax.device_get(state), jax.device_get(metrics)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"objective": Objective("dreg", 3), "binarisation": "dynamic", "likelihood": bernoulli(rank=3)},
        {"objective": Objective("iwae", 3, warmup=50), "latents": (3, 2)},
        {**TOLD, "objective": Objective(samples=2, free_bits=0.1, beta=2.0)},
    ],
    ids=["plain", "dreg", "layers", "conditional"],
)
def test_training_moves_all_networks_and_tightens_the_bound(arguments):
    model = build(**arguments)
    start, end, metrics = trained(model)
    names = ("loss", "reconstruction", "divergence", "bound", "gradient_norm")
    assert set(metrics) == {f"autoencoder/{name}" for name in names}
    bound = metrics["autoencoder/bound"].total / SIZE
    assert bound[-20:].mean() < bound[:10].mean() - 0.2
    for network in start.variables:
        moved = jax.tree.map(lambda was, now: float(np.abs(was - now).max()), start.variables, end.variables)[network]
        assert max(jax.tree.leaves(moved)) > 1e-3, network
    assert end.step == 100


def test_what_it_can_do():
    known = ["sample", "prior", "encode", "decode"]
    assert offers(build()) == [*known, "log_likelihood"]
    assert offers(build(likelihood=squared_error(rank=3))) == known
    assert build().conditions == {}
    assert build(**TOLD).conditions == {"label": Condition(classes=CLASSES)}
    assert "log-likelihood of values" in build().notes
    assert "the sum over 5 latents" in build(latents=(3, 2)).notes


@pytest.mark.parametrize("latents", [(2,), (2, 3)])
def test_samples_are_decoded_from_the_prior_and_each_follows_its_place(latents):
    model = build(latents=latents)
    variables = first(model).variables
    latent = model.prior(KEY, variables, 5)
    chex.assert_shape(latent, (5, 2))
    chex.assert_trees_all_close(model.prior(KEY, variables, 3), latent[:3], rtol=1e-5)
    chex.assert_trees_all_close(model.sample(KEY, variables, 5), model.decode(KEY, variables, latent), rtol=1e-5)
    drawn = np.float64(model.prior(KEY, variables, 20_000))
    if len(latents) == 1:
        assert np.all(np.abs(drawn.mean(0)) < 4.5 / np.sqrt(20_000))
        np.testing.assert_allclose(np.cov(drawn.T), np.eye(2), atol=4.5 * np.sqrt(2 / 20_000))
    else:
        assert np.abs(np.cov(drawn.T) - np.eye(2)).max() > 0.05  # what the upper decoder says it is


def prepared(binarisation, replicas=1, key=KEY):
    game = Variational(
        (GaussianCoder(ENCODER, 2),), (DECODER,), (2,), bernoulli(rank=3), Objective(samples=4), binarisation, Nothing()
    )
    image = BATCH["data"].reshape(replicas, -1, *SHAPE)
    state = State(jnp.zeros((), jnp.int32), {}, {})
    found = jax.vmap(lambda image: game.prepare(key, state, {"data": image}), axis_name=AXIS)(image)
    return np.asarray(found["data"]).reshape(-1, *SHAPE), np.concatenate(list(found["noise"][0]), 1)


def test_noise_and_bits_do_not_depend_on_replicas_and_are_drawn_anew():
    (bits, noise), (same_bits, same), (other_bits, other) = (
        prepared("dynamic"),
        prepared("dynamic", 3),
        prepared("dynamic", key=jax.random.key(4)),
    )
    np.testing.assert_array_equal(same_bits, bits)
    np.testing.assert_allclose(same, noise, rtol=1e-6)
    assert noise.shape == (4, SIZE, 2)
    assert len(np.unique(noise)) == noise.size
    assert np.any(other_bits != bits)
    assert np.abs(other - noise).min() > 0
    np.testing.assert_array_equal(prepared("static")[0], fixed_bits(None, jnp.asarray(BATCH["data"])))
    np.testing.assert_array_equal(prepared("none")[0], jnp.asarray(BATCH["data"]))


@pytest.mark.parametrize("binarisation", ["dynamic", "static"])
def test_what_is_encoded_and_judged_are_bits_if_the_model_is_one_of_bits(binarisation):
    built = {name: build(likelihood=bernoulli(rank=3), binarisation=name) for name in ("none", binarisation)}
    variables, image = first(built["none"]).variables, jnp.asarray(BATCH["data"])
    bits = {"dynamic": drawn_bits, "static": fixed_bits}[binarisation](example_keys(KEY, SIZE), image)
    for capability in ("encode", "log_likelihood"):
        plain, own = (getattr(built[name], capability) for name in ("none", binarisation))
        chex.assert_trees_all_close(own(KEY, variables, image), plain(KEY, variables, bits), rtol=1e-5)
        assert np.abs(own(KEY, variables, image) - plain(KEY, variables, image)).max() > 1e-3


# Labels.


@functools.cache
def conditional():
    model = build(**TOLD)
    return model, first(model).variables


def labels(value):
    return {"label": jnp.full(SIZE, value, jnp.int32)}


def test_encoder_and_decoder_of_a_conditional_model_see_the_label():
    model, variables = conditional()
    image, latent = jnp.asarray(BATCH["data"]), jnp.zeros((SIZE, 2))
    for capability, given in (("encode", image), ("decode", latent), ("log_likelihood", image)):
        zero, again, one = (getattr(model, capability)(KEY, variables, given, labels(value)) for value in (0, 0, 1))
        chex.assert_trees_all_equal(again, zero)
        assert np.abs(zero - one).reshape(SIZE, -1).max(1).min() > 1e-4, capability
    chex.assert_trees_all_equal(model.prior(KEY, variables, 4, labels(0)), model.prior(KEY, variables, 4, labels(1)))
    assert (
        np.abs(model.sample(KEY, variables, SIZE, labels(0)) - model.sample(KEY, variables, SIZE, labels(1))).max() > 0
    )


def test_labels_that_are_not_given_are_drawn_and_all_samples_of_an_image_have_the_same():
    model, variables = conditional()
    image = jnp.asarray(BATCH["data"])
    drawn = model.log_likelihood(KEY, variables, image, samples=3)
    told = np.stack([model.log_likelihood(KEY, variables, image, labels(value), samples=3) for value in range(CLASSES)])
    assert np.all(np.abs(told - np.asarray(drawn)).min(0) < 1e-4)


def test_a_class_that_training_showed_with_an_image_is_what_the_loss_is_about():
    """The gradient of the embeddings is nothing for a class that is not in the batch."""
    model = build(rate=1.0, **TOLD)
    batch = {**BATCH, "label": np.ones(SIZE, np.int32)}
    start, one = first(model), jax.devices()[:1]
    batches = jax.tree.map(lambda leaf: leaf[None, None], batch)
    after, _ = parallel(model.train_step, one)(KEY, replicate(start, one), batches)
    for network, name in (("encoder", "body"), ("decoder", None)):
        old, new = (
            (of.variables[network]["params"][name] if name else of.variables[network]["params"])["Embed_0"]["embedding"]
            for of in (start, after)
        )
        moved = np.abs(np.asarray(new) - old).max(1)
        assert moved[1] > 0, network
        assert moved[0] == moved[2] == 0, network


@pytest.mark.parametrize("only", ["encoder", "decoder"])
def test_one_network_cannot_be_told_alone(only):
    with pytest.raises(ValueError, match="must both be 'none', or neither"):
        build(**{only: TOLD[only]})


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"latents": (4, 2), "objective": Objective("dreg", 5)}, "estimator='dreg' is for one layer of latents"),
        ({"latents": (4, 2), "objective": Objective(free_bits=0.5)}, "free_bits=0.5 is for one layer of latents"),
        ({"latents": (4, 2), "networks": {}}, r"latents=\(4, 2\) need the networks upper_decoder, upper_encoder"),
        (
            {"latents": (4, 2), "networks": {"upper_encoder": UPPER["upper_encoder"]}},
            "need the networks upper_decoder$",
        ),
        ({"objective": Objective(samples=0)}, "samples=0 must be a number of at least 1"),
    ],
)
def test_what_is_out_of_range_or_does_not_go_together_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        build(**wrong)
