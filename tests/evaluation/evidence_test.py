"""What is said of a model beyond its samples, of hand-made models of which the truth is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.core.model import Condition, GenerativeModel
from gengen.data.signature import DataSet, Signature
from gengen.evaluation import evidence
from gengen.evaluation.evidence import (
    STEPS,
    judge_likelihood,
    judge_parzen,
    judge_regularity,
    judge_representation,
    sentences,
)
from gengen.metrics.interval import around
from gengen.metrics.parzen import parzen

CLASSES = 3


def signature(classes):
    """Of pictures [2, 2, 1] of so many classes."""
    return Signature.of_pictures("few", (2, 2, 1), tuple("abc"[:classes]), {}, "")


def data_of(train, test, folder, classes=CLASSES):
    """Images [N, 2, 2, 1] of random pixels whose first is 100 times their class, where there are classes."""
    rng, splits = np.random.default_rng(0), {}
    for name, number in (("train", train), ("test", test)):
        splits[name] = {"data": rng.integers(0, 40, (number, 2, 2, 1), np.uint8)}
        if classes:
            splits[name]["label"] = np.arange(number, dtype=np.int32) % classes
            splits[name]["data"][:, 0, 0, 0] = 100 * splits[name]["label"]
    return DataSet(signature(classes), splits, folder)


def made(classes=0, **capabilities):
    conditions = {"label": Condition(classes=classes)} if classes else {}
    return GenerativeModel(None, None, conditions=conditions, **capabilities)


def known(key, variables, data, condition=None, samples=1):
    """A log-likelihood that says what it was asked."""
    del key
    condition = 0 if condition is None else 1000 * condition["label"].astype(jnp.float32)
    return variables["scale"] * data.sum((1, 2, 3)) + condition + 10 * samples


def nats_of(images):
    return (images.astype(np.float64) / 127.5 - 1).sum((1, 2, 3))


@pytest.mark.parametrize("number", [2, 99, 100, 101, 250])
def test_the_likelihood_is_the_mean_over_every_held_out_image_once(tmp_path, number):
    data, settings = data_of(4, number, tmp_path), ConfigDict({"importance_samples": (1, 5)})
    found = judge_likelihood(made(log_likelihood=known), {"scale": jnp.float32(2)}, data, settings)
    assert list(found) == ["1", "5"]
    for samples, entry in found.items():
        nats = 2 * nats_of(data.splits["test"]["data"]) + 10 * int(samples)
        expected = around(nats.mean(), nats.var(ddof=1) / number, number - 1)
        assert entry["images"] == number
        np.testing.assert_allclose([entry["nats"][end] for end in ("value", "low", "high")], expected, rtol=1e-5)


def test_a_model_that_takes_labels_is_told_those_of_the_images(tmp_path):
    data = data_of(4, 120, tmp_path)
    found = judge_likelihood(made(CLASSES, log_likelihood=known), {"scale": jnp.float32(0)}, data, ConfigDict())
    assert found["1"]["nats"]["value"] == pytest.approx(1000 * data.splits["test"]["label"].mean() + 10)


def test_noise_is_the_same_for_every_number_of_samples_and_of_its_own_for_every_image(tmp_path, monkeypatch):
    def noisy(key, variables, data, condition=None, samples=1):
        drawn = jax.random.normal(key, (len(data),))
        jax.debug.callback(lambda values: seen.append(np.asarray(values)), drawn)
        return drawn

    seen, data = [], data_of(4, 250, tmp_path)
    found = judge_likelihood(made(log_likelihood=noisy), {}, data, ConfigDict({"importance_samples": (1, 50)}))
    jax.effects_barrier()
    assert found["1"] == found["50"]
    drawn = np.sort(np.concatenate(seen))
    assert len(np.unique(drawn)) == 300, "three calls of a hundred images, the same for both"
    assert found["1"]["nats"]["value"] != 0


def test_no_more_images_than_the_reference_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "REFERENCE", 30)
    data = data_of(4, 120, tmp_path)
    found = judge_likelihood(made(log_likelihood=known), {"scale": jnp.float32(1)}, data, ConfigDict())
    assert found["1"]["images"] == 30


def test_a_model_without_a_likelihood_has_none(tmp_path):
    assert judge_likelihood(made(), {}, data_of(4, 4, tmp_path), ConfigDict()) == {}


def identity(key, variables, data, condition=None):
    del key, variables
    assert condition is None
    return data


def test_every_probe_reads_the_classes_from_codes_that_are_the_images(tmp_path):
    found = judge_representation(made(encode=identity), {}, data_of(300, 90, tmp_path))
    assert set(found) == {"linear", "nearest", "clusters"}
    for entry in found.values():
        assert (entry["train"], entry["test"]) == (300, 90)
        assert entry["accuracy"]["value"] == 1
        assert entry["accuracy"]["low"] < 1


def test_codes_that_say_nothing_are_worth_no_more_than_a_guess(tmp_path):
    def blind(key, variables, data, condition=None):
        return jax.random.normal(key, (len(data), 2))

    found = judge_representation(made(encode=blind), {}, data_of(300, 300, tmp_path))
    for entry in found.values():
        assert entry["accuracy"]["value"] == pytest.approx(1 / CLASSES, abs=0.12)


def test_a_model_whose_codes_are_no_features_of_its_own_is_left_out(tmp_path):
    labelled, bare = data_of(30, 30, tmp_path), data_of(30, 30, tmp_path, classes=0)
    assert judge_representation(made(), {}, labelled) == {}
    assert judge_representation(made(encode=identity), {}, bare) == {}
    assert judge_representation(made(CLASSES, encode=identity), {}, labelled) == {}
    semi_supervised = made(CLASSES, encode=identity, recognise=lambda key, variables, data: {})
    assert judge_representation(semi_supervised, {}, labelled)
    only = labelled.splits["train"]
    only = {name: values[only["label"] == 1] for name, values in only.items()}
    alike = DataSet(labelled.signature, {"train": only, "test": labelled.splits["test"]}, tmp_path)
    assert judge_representation(made(encode=identity), {}, alike) == {}


def normal(key, variables, n, condition=None):
    del variables
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(n))
    drawn = jax.vmap(lambda key: jax.random.normal(key, (2, 3)))(keys)
    return drawn if condition is None else drawn + condition["label"][:, None, None].astype(jnp.float32)


def linear(key, variables, latents, condition=None):
    """Images [n, 4, 4, 1] that are a linear map of codes [n, 2, 3]."""
    del key
    return (latents.reshape(len(latents), 6) @ variables["map"]).reshape(-1, 4, 4, 1)


def step(key, variables, latents, condition=None):
    """Images that are black or white, by the sign of one number of the code."""
    return jnp.broadcast_to(jnp.sign(latents[:, :1, :1, None]), (len(latents), 4, 4, 1))


MAP = {"map": np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)}


def test_a_linear_decoder_changes_evenly_and_a_step_all_at_once():
    even = judge_regularity(made(prior=normal, decode=linear), MAP, None, signature(0))
    assert set(even) == {"continuity"}
    assert even["continuity"]["value"] == pytest.approx(1, abs=1e-4)
    # Half of the walks cross the step, in which all of their change then lies; the others do not change at all.
    sudden = judge_regularity(made(prior=normal, decode=step), {}, None, signature(0))["continuity"]
    assert sudden["low"] < (STEPS + 1) / 2 < sudden["high"]
    assert sudden["value"] > 8


def test_a_walk_keeps_its_class_and_its_noise_to_its_end():
    def by_class(key, variables, latents, condition=None):
        """A picture of the class, of noise and of the code, which a change of either would interrupt."""
        condition = 50 * condition["label"][:, None, None, None].astype(jnp.float32)
        noise = 50 * jax.random.normal(key, (len(latents), 4, 4, 1))
        return linear(key, variables, latents) + condition + noise

    found = judge_regularity(made(CLASSES, prior=normal, decode=by_class), MAP, None, signature(CLASSES))
    assert found["continuity"]["value"] == pytest.approx(1, abs=1e-3)


def test_both_ends_of_a_walk_are_drawn_of_the_class_that_it_is_told():
    def of_class(key, variables, n, condition=None):
        return jnp.broadcast_to(condition["label"][:, None, None].astype(jnp.float32), (n, 2, 3))

    def compared(key, variables, latents, condition=None):
        apart = jnp.abs(latents[:, :1, :1, None] - condition["label"][:, None, None, None].astype(jnp.float32))
        return jnp.where(apart > 1e-6, jnp.nan, jnp.zeros((len(latents), 4, 4, 1)))  # which would be refused

    found = judge_regularity(made(CLASSES, prior=of_class, decode=compared), {}, None, signature(CLASSES))
    assert found["continuity"]["value"] == 1, "nothing changes, which counts as even"
    with pytest.raises(ValueError, match="not finite"):
        judge_regularity(made(CLASSES, prior=normal, decode=compared), {}, None, signature(CLASSES))


def test_the_share_of_samples_that_a_classifier_is_sure_of_is_told_beside_it():
    seen = np.log(np.array([[0.95, 0.05], [0.5, 0.5], [0.08, 0.92], [0.6, 0.4]]))
    found = judge_regularity(made(prior=normal, decode=linear), MAP, seen, signature(0))
    assert found["completeness"]["value"] == 0.5
    assert judge_regularity(made(decode=linear), MAP, seen, signature(0)) == {}
    assert judge_regularity(made(prior=normal), MAP, seen, signature(0)) == {}


def test_windows_around_the_held_out_images_themselves_are_as_narrow_as_training_images_allow(tmp_path):
    data = data_of(60, 40, tmp_path)
    own = judge_parzen(data.splits["test"]["data"], data)
    assert (own["samples"], own["images"]) == (40, 40)
    noise = judge_parzen(np.random.default_rng(1).integers(0, 256, (40, 2, 2, 1), np.uint8), data)
    assert own["nats"]["value"] > noise["nats"]["high"]
    assert own["bandwidth"] < noise["bandwidth"]
    # Samples that are all alike: a normal distribution around them, of pixels in [0, 1].
    one = judge_parzen(np.zeros((2, 2, 2, 1), np.uint8), data)
    squares = np.square(data.splits["test"]["data"] / 255.0).sum((1, 2, 3))
    nats = -squares / 2 / one["bandwidth"] ** 2 - 2 * math.log(2 * math.pi * one["bandwidth"] ** 2)
    assert one["nats"]["value"] == pytest.approx(nats.mean(), rel=1e-4)


@pytest.mark.input(
    "Splits",
    "training images that are sorted by class",
    "taken",
    "those that choose the width of Parzen's windows are drawn at random, as all subsets that judge or probe are",
)
def test_the_width_of_windows_is_chosen_by_images_of_all_kinds(tmp_path, monkeypatch):
    data, seen = data_of(300, 40, tmp_path, classes=0), []
    data.splits["train"]["data"][:] = 100 * (np.arange(300) // 100)[:, None, None, None]
    monkeypatch.setattr(evidence, "VALIDATION", 60)

    def spied(samples, points, test):
        seen.append(points)
        return parzen(samples, points, test)

    monkeypatch.setattr(evidence, "parzen", spied)
    judge_parzen(data.splits["test"]["data"], data)
    counts = np.unique(seen[0][:, 0], return_counts=True)[1]
    assert counts.sum() == 60 and len(counts) == 3 and counts.min() >= 8  # 20 of each on average, deviation 3.3


def estimate(value, half):
    return {"value": value, "low": value - half, "high": value + half}


NOTHING = {"likelihood": {}, "parzen": {}, "representation": {}, "regularity": {}}


def test_each_finding_is_said_in_a_sentence_and_what_was_not_found_in_none():
    assert list(sentences(NOTHING)) == []
    report = {
        "likelihood": {
            "1": {"nats": estimate(-90.0, 1.0), "images": 10_000},
            "5000": {"nats": estimate(-88.5, 1.0), "images": 10_000},
        },
        "parzen": {"nats": estimate(220.0, 2.0), "bandwidth": 0.2, "samples": 2000, "images": 1000},
        "representation": {"linear": {"accuracy": estimate(0.95, 0.01), "train": 1498, "test": 299}},
        "regularity": {"continuity": estimate(1.5, 0.25), "completeness": estimate(0.75, 0.05)},
    }
    assert list(sentences(report)) == [
        "Log-likelihood of 10,000 held-out images, bounded with 1 sample each: at least -90.00 [-91.00, -89.00] nats "
        "an image.",
        "Log-likelihood of 10,000 held-out images, bounded with 5,000 samples each: at least -88.50 [-89.50, -87.50] "
        "nats an image.",
        "Parzen windows of width 0.2 around 2,000 samples give 1,000 held-out images 220.00 [218.00, 222.00] nats.",
        "The accuracy of logistic regression of the codes: 95.00 [94.00, 96.00] % of 299 held-out images (fitted to "
        "1,498).",
        "Along straight ways between draws of the prior the largest of 20 steps changes the picture 1.50 [1.25, 1.75] "
        "times as much as the mean one (1 is even, 20 a single jump).",
        "The classifier is 90 % sure of 75.00 [70.00, 80.00] % of the samples.",
    ]
    assert len(list(sentences({**report, "parzen": {}, "regularity": {"continuity": estimate(1, 0)}}))) == 4
