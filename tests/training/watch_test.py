"""Kernels that stand still are named once, whatever else happens to a run."""

import importlib
import re

import jax
import jax.numpy as jnp
import pytest

from gengen.api import train
from gengen.build.model import build_model
from gengen.build.trace import moved_in_stages, parameters_in
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.signature import Signature
from gengen.training.watch import Watch

DIGITS = Signature.of_pictures("digits", (8, 8, 1), tuple("0123456789"), {"train": 1000}, "")


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def config_of(name, **training):
    config = importlib.import_module(f"configs.{name}").get_config("tiny")
    config.training.update(batch_size=4 * jax.device_count(), **training)
    return config


def have_devices(monkeypatch, number):
    first = jax.local_devices()[:number]
    monkeypatch.setattr(jax, "device_count", lambda: number)
    monkeypatch.setattr(jax, "local_devices", lambda: first)


def moved(config, signature=DIGITS):
    return moved_in_stages(config, build_model(config, signature), signature)


# What a step moves.


def test_players_of_a_later_stage_are_not_expected_to_move_before():
    first, second = moved(config_of("vqvae"))
    assert {name.split("/")[0] for name in first} == {"encoder", "decoder"}
    assert {name.split("/")[0] for name in second} == {"prior"}


def test_a_player_who_waits_for_its_turn_is_expected_to_move():
    (names,) = moved(config_of("wgan"))
    assert {name.split("/")[0] for name in names} == {"generator", "critic"}


# A batch of one.


@pytest.mark.input(
    "Batch of one",
    "training.batch_size=1 where a network normalises over the batch",
    "refused",
    "the networks are named, and the keys that help",
)
@pytest.mark.parametrize(
    ("name", "networks"), [("cgan", "critic, generator"), ("wgan", "generator"), ("infogan", "generator")]
)
def test_a_batch_of_one_is_refused_where_batch_normalisation_would_see_one_value(monkeypatch, name, networks):
    have_devices(monkeypatch, 1)
    config = config_of(name)
    config.training.batch_size = 1
    with pytest.raises(Refusal, match=rf"^config\.training\.batch_size=1 is too few for .*{networks}: .*raise it"):
        moved(config)
    config.training.batch_size = 2
    assert moved(config)


@pytest.mark.input(
    "Batch of one",
    "training.batch_size=1 where normalised maps have several places, or nothing is normalised over the batch",
    "taken",
    "places are values, too",
)
@pytest.mark.parametrize("name", ["dcgan", "vae_conv", "vae", "vqvae"])
def test_a_batch_of_one_is_taken_where_there_is_something_to_normalise_by(monkeypatch, name):
    have_devices(monkeypatch, 1)
    config = config_of(name)
    config.training.batch_size = 1
    assert all(moved(config, DIGITS.of_shape((16, 16, 1))))


@pytest.mark.input(
    "Batch of one",
    "a batch of one for each of several devices",
    "taken",
    "batch normalisation is over the batches of all devices",
)
def test_normalisation_is_over_the_batches_of_all_devices(monkeypatch):
    have_devices(monkeypatch, 2)
    config = config_of("wgan")
    config.training.batch_size = 2
    assert moved(config)


@pytest.mark.input(
    "Batch of one",
    "networks.critic.deviation=True on a batch that 2, 3 and 4 do not divide",
    "refused",
    "the groups that it compares, and both keys",
)
@pytest.mark.parametrize(("name", "size"), [("gan", 1), ("gan", 7), ("pacgan", 10), ("dcgan", 5)])
def test_a_deviation_needs_groups_to_be_one_of(monkeypatch, name, size):
    have_devices(monkeypatch, 1)
    config = config_of(name)
    config.networks.critic.deviation = True
    config.networks.generator.update({"widths": (8,)} if name != "dcgan" else {})
    config.training.batch_size = size
    with pytest.raises(Refusal, match=r"config\.model: deviation=True compares groups of 2 to 4"):
        moved(config, DIGITS.of_shape((16, 16, 1)))


@pytest.mark.input(
    "Keys of a config", "model.jitter that is not below the pictures' sides", "refused", "the sides are named"
)
@pytest.mark.parametrize("jitter", [16, 40])
def test_a_shift_beyond_the_picture_is_refused_before_a_step(jitter):
    config = config_of("pix2pix")
    config.model.update(jitter=jitter, pairing={"name": "noisy", "amount": 0.5})
    with pytest.raises(Refusal, match=rf"jitter={jitter} must be below the height and width of the images, 16 x 16"):
        moved(config, Signature.of_pictures("digits", (16, 16, 3), (), {"train": 1000}, ""))


@pytest.mark.input(
    "Keys of a config", "bits drawn of grey pixels under a Gaussian likelihood", "refused", "the likelihood that fits"
)
@pytest.mark.parametrize("binarisation", ["dynamic", "static"])
def test_black_and_white_pixels_have_no_normal_distribution(binarisation):
    config = config_of("vae")
    config.model.binarisation = binarisation
    with pytest.raises(Refusal, match=rf"binarisation='{binarisation}' .*likelihood\.name='bernoulli'"):
        build_model(config, DIGITS)
    config.model.likelihood = {"name": "bernoulli"}
    assert build_model(config, DIGITS)


# The watch.


def state(*kernels):
    params = {
        f"Dense_{index}": {"kernel": jnp.asarray(kernel), "bias": jnp.zeros(2)} for index, kernel in enumerate(kernels)
    }
    return State(jnp.zeros((), jnp.int32), {"net": {"params": params}}, {})


ONE, TWO = [[1.0, 2.0]], [[3.0, 4.0]]
ALL = frozenset({"net/Dense_0/kernel", "net/Dense_0/bias", "net/Dense_1/kernel"})


def watched(first, before, expected, *later):
    watch = Watch(parameters_in, 100)
    watch.begin(before, first, expected)
    for step, after in later:
        watch(after, step)


def test_a_kernel_that_stands_still_is_named_once(capsys):
    watched(0, state(ONE, TWO), ALL, (50, state(ONE, TWO)), (100, state(ONE, ONE)), (200, state(ONE, ONE)))
    said = capsys.readouterr().err
    assert said.startswith("gengen: net/Dense_0/kernel has not moved in 100 steps: ")
    assert said.count("\n") == 1


def test_nothing_is_said_of_what_has_moved_of_biases_or_of_those_who_do_not_play(capsys):
    watched(0, state(ONE, TWO), ALL, (100, state(TWO, ONE)))
    watched(0, state(ONE, TWO), frozenset({"net/Dense_1/kernel"}), (100, state(ONE, ONE)))
    assert not capsys.readouterr().err


def test_steps_count_from_where_a_run_goes_on(capsys):
    watched(70, state(ONE, TWO), ALL, (100, state(ONE, TWO)), (160, state(ONE, TWO)))
    assert not capsys.readouterr().err
    watched(70, state(ONE, TWO), ALL, (100, state(ONE, TWO)), (200, state(ONE, TWO)))
    assert "net/Dense_0/kernel, net/Dense_1/kernel have not moved in 130 steps" in capsys.readouterr().err


@pytest.mark.input(
    "Batch of one", "a run of which a trained kernel has not moved in 100 steps", "guessed", "a warning names it once"
)
@pytest.mark.slow
def test_a_run_names_what_it_does_not_train_and_is_the_same_run(data_dir, tmp_path, capsys):
    config = config_of("wgan", steps=230, log_every=0, sample_every=0, checkpoint_every=0)
    config.data.data_dir = str(data_dir)
    config.optimizers.generator.rate = 0.0
    train.run(config, tmp_path)
    (said,) = re.findall(".*(?:has|have) not moved.*", capsys.readouterr().err)
    assert "generator/Dense_0/kernel" in said
    assert "critic/" not in said
