"""Data of any kind: models of them are built, take a step in their own units, and make more of them; or are refused."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import aae, ae, cyclegan, dcgan, gan, vae, vqvae, wgan_gp
from gengen.build.model import build_model, example_batch
from gengen.build.units import in_units
from gengen.core.field import Field
from gengen.core.mean import mean_of
from gengen.core.model import GenerativeModel, Stage
from gengen.core.parallel import AXIS
from gengen.core.refusal import Refusal
from gengen.core.state import State, networks_of
from gengen.data.signature import BYTE, Signature


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def numbers(name, kind, *shape):
    """The signature of unbounded numbers, some of them far from 0."""
    mean, deviation = tuple(100.0 * place for place in range(shape[-1])), (5.0,) * shape[-1]
    return Signature(name, kind, {"data": Field(shape, "float32", mean=mean, deviation=deviation)}, {"train": 99}, "")


SOLIDS = Signature("solids", "volume", {"data": Field((16, 16, 16, 1), "uint8", *BYTE)}, {"train": 99}, "")
DATA = {
    "points": numbers("ring", "points", 2),
    "table": numbers("wine", "points", 13),
    "series": numbers("waves", "series", 24, 5),
    "volume": SOLIDS,
}


def drawn(signature, size=4):
    """A batch of random examples in the data's own units."""
    field, rng = signature.fields["data"], np.random.default_rng(0)
    if field.bounded:
        return {"data": rng.integers(0, 256, (size, *field.shape)).astype(field.dtype)}
    values = rng.normal(field.mean, field.deviation, (size, *field.shape))
    return {"data": values.astype(field.dtype)}


PAIRS = [
    pytest.param(
        *(experiment, kind),
        id=f"{experiment.__name__.rpartition('.')[2]}-{kind}",
        marks=[] if experiment in (gan, vae) or kind == "points" else pytest.mark.slow,
    )
    for experiment in (gan, wgan_gp, vae, ae, aae)
    for kind in DATA
]
"""All of them; those that differ from a quicker one by the model and the kind together are slow tests."""


@pytest.mark.parametrize(("experiment", "kind"), PAIRS)
def test_a_model_of_data_of_any_kind_takes_a_step_and_makes_data_of_their_shape(experiment, kind):
    signature = DATA[kind]
    model = build_model(experiment.get_config("tiny"), signature)
    before = jax.jit(model.init)(jax.random.key(0), example_batch(signature))
    step = jax.jit(jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS))
    after, metrics = step(jax.random.key(1), before, jax.tree.map(lambda leaf: leaf[None], drawn(signature)))
    after = jax.tree.map(lambda leaf: leaf[0], after)
    chex.assert_tree_all_finite((after, metrics))
    for network in networks_of(before.variables).keys() - {"generator" if experiment is wgan_gp else ""}:  # it waits
        old, new = (jax.tree.leaves(state.variables[network]["params"]) for state in (before, after))
        assert any(np.any(was != now) for was, now in zip(old, new, strict=True)), network
    if model.sample:
        made = model.sample(jax.random.key(2), after.variables, 3)
    else:
        made = model.decode(jax.random.key(2), after.variables, jnp.zeros((3, 2)))
    chex.assert_shape(made, (3, *signature.shape))
    assert made.dtype == jnp.float32


@pytest.mark.parametrize(
    ("experiment", "changes", "kind", "sentence"),
    [
        (
            dcgan,
            {},
            "points",
            "config.networks.critic.name='dcgan' is for pictures [height, width, channels], and ring holds points "
            "[2]; choose 'mlp'.",
        ),
        (
            dcgan,
            {
                "networks.critic": {
                    "name": "mlp",
                    "widths": (8,),
                    "norm": "none",
                    "condition": "none",
                }
            },
            "volume",
            "config.networks.generator.name='dcgan' is for pictures [height, width, channels], and solids holds "
            "volumes [16, 16, 16, 1]; choose 'mlp'.",
        ),
        (
            cyclegan,
            {},
            "series",
            "config.model.name='cyclegan' is for pictures [height, width, channels], and waves holds series [24, 5]; "
            "choose 'adversarial', 'infogan', 'unrolled', 'bigan', 'adversarial_autoencoder', 'autoencoder', "
            "'variational', 'normalising_flow', 'diffusion' or 'one_step'.",
        ),
        (
            vae,
            {"model.likelihood": {"name": "bernoulli"}},
            "points",
            "config.model.likelihood.name='bernoulli' is for values between two bounds, and those of ring have none; "
            "choose 'squared_error', 'gaussian' or 'gaussian_learned'.",
        ),
        (
            vae,
            {"model.binarisation": "dynamic"},
            "series",
            "config.model.binarisation='dynamic' is for values between two bounds, and those of waves have none; "
            "choose 'none'.",
        ),
        (
            ae,
            {"model.corruption": {"name": "masking", "amount": 0.5}},
            "table",
            "config.model.corruption.name='masking' is for values between two bounds, and those of wine have none; "
            "choose 'none' or 'gaussian'.",
        ),
        (
            gan,
            {"model.views.augmentation.probability": 1.0},
            "volume",
            "config.model.views.augmentation is for pictures [height, width, channels], and solids holds volumes "
            "[16, 16, 16, 1]; choose 'instance_noise' or 'packing'.",
        ),
    ],
)
def test_what_is_not_for_data_of_a_kind_is_refused_in_a_sentence(experiment, changes, kind, sentence):
    config = experiment.get_config("tiny")
    for path, value in changes.items():
        *sections, last = path.split(".")
        section = config
        for name in sections:
            section = section[name]
        with section.unlocked():
            section[last] = value
    with pytest.raises(Refusal) as refusal:
        build_model(config, DATA[kind])
    assert str(refusal.value) == sentence


def test_a_vqvae_of_points_is_refused():
    with pytest.raises(Refusal, match=r"model\.name='vector_quantised' is for pictures"):
        build_model(vqvae.get_config("tiny"), DATA["points"])


def test_solids_may_be_black_and_white():
    config = vae.get_config("tiny")
    config.model.likelihood = {"name": "bernoulli"}
    assert build_model(config, SOLIDS).log_likelihood


# Units.


def shown():
    """A model that does nothing but say what it was given: it keeps the batch, and counts its numbers in [-1, 1]."""

    def init(key, batch):
        del key
        return State(jnp.zeros((), jnp.int32), {"seen": {"batch": batch}}, {})

    def train_step(key, state, batch, *, phase=None):
        del key, phase
        inside = mean_of(jnp.abs(batch["data"]) <= 1)
        return state.replace(variables={"seen": {"batch": batch}}), {"inside": inside}

    return GenerativeModel(
        init, train_step, stages=(Stage(1, train_step),), pair=lambda key, batch: (batch["data"], batch["paired"])
    )


def test_models_see_their_own_units_once_in_every_stream_and_labels_as_they_are():
    other = Signature.of_pictures("glyphs", (2, 2, 1), (), {"train": 9}, "")
    signature = Signature.of_pictures("digits", (2, 2, 1), ("a", "b"), {"train": 9}, "", paired=1, second=other)
    rng = np.random.default_rng(0)
    data, paired, second, labelled = rng.integers(0, 256, (4, 3, 2, 2, 1), np.uint8)
    label = np.int32([0, 1, -1])
    batch = {
        "data": data,
        "label": label,
        "paired": paired,
        "second": {"data": second},
        "labelled": {"data": labelled, "label": label},
    }
    model = in_units(shown(), signature)
    expected = jax.tree.map(lambda leaf: leaf / 127.5 - 1 if leaf.dtype == np.uint8 else leaf, batch)
    state = model.init(jax.random.key(0), batch)
    for step in (model.train_step, *(stage.train_step for stage in model.stages)):
        after, metrics = step(jax.random.key(0), state, batch)
        assert metrics["inside"].value == 1
        chex.assert_trees_all_close(after.variables["seen"]["batch"], expected, atol=1e-6)
    chex.assert_trees_all_close(state.variables["seen"]["batch"], expected, atol=1e-6)
    chex.assert_trees_all_close(model.pair(jax.random.key(0), batch), (expected["data"], expected["paired"]), atol=1e-6)


def test_numbers_without_bounds_are_seen_standardised_and_others_where_their_bounds_are():
    signature = DATA["table"]
    batch = drawn(signature, 4000)
    seen = in_units(shown(), signature).init(jax.random.key(0), batch).variables["seen"]["batch"]["data"]
    np.testing.assert_allclose(seen.mean(0), 0, atol=4.5 / 4000**0.5)
    np.testing.assert_allclose(seen.std(0), 1, atol=4.5 / 8000**0.5)
    bounded = Field((2,), "float32", low=-2.0, high=6.0)
    signature = dataclasses.replace(DATA["points"], fields={"data": bounded})
    ends = {"data": np.float32([[-2, 6], [2, 4]])}
    seen = in_units(shown(), signature).init(jax.random.key(0), ends).variables["seen"]["batch"]["data"]
    np.testing.assert_array_equal(seen, [[-1, 1], [0, 0.5]])
