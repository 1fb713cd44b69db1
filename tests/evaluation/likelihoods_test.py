"""What densities say, of hand-made models of which the truth is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.model import Condition, GenerativeModel
from gengen.data.signature import DataSet, Signature
from gengen.evaluation import likelihoods
from gengen.evaluation.likelihoods import likelihood, windows
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
def test_the_likelihood_is_the_mean_over_every_held_out_image_once(subject_of, tmp_path, number):
    data, settings = data_of(4, number, tmp_path), {"importance_samples": (1, 5)}
    found = likelihood(subject_of(made(log_likelihood=known), data, settings, {"scale": jnp.float32(2)})).found
    assert list(found) == ["1", "5"]
    for samples, entry in found.items():
        nats = 2 * nats_of(data.splits["test"]["data"]) + 10 * int(samples)
        expected = around(nats.mean(), nats.var(ddof=1) / number, number - 1)
        assert entry["images"] == number
        np.testing.assert_allclose([entry["nats"][end] for end in ("value", "low", "high")], expected, rtol=1e-5)


def test_a_model_that_takes_labels_is_told_those_of_the_images(subject_of, tmp_path):
    data = data_of(4, 120, tmp_path)
    found = likelihood(subject_of(made(CLASSES, log_likelihood=known), data, {}, {"scale": jnp.float32(0)})).found
    assert found["1"]["nats"]["value"] == pytest.approx(1000 * data.splits["test"]["label"].mean() + 10)


def test_noise_is_the_same_for_every_number_of_samples_and_of_its_own_for_every_image(
    subject_of, tmp_path, monkeypatch
):
    def noisy(key, variables, data, condition=None, samples=1):
        drawn = jax.random.normal(key, (len(data),))
        jax.debug.callback(lambda values: seen.append(np.asarray(values)), drawn)
        return drawn

    seen, data = [], data_of(4, 250, tmp_path)
    found = likelihood(subject_of(made(log_likelihood=noisy), data, {"importance_samples": (1, 50)}, {})).found
    jax.effects_barrier()
    assert found["1"] == found["50"]
    drawn = np.sort(np.concatenate(seen))
    assert len(np.unique(drawn)) == 300, "three calls of a hundred images, the same for both"
    assert found["1"]["nats"]["value"] != 0


def test_no_more_images_than_the_reference_are_bounded(subject_of, tmp_path, monkeypatch):
    monkeypatch.setattr(likelihoods, "REFERENCE", 30)
    data = data_of(4, 120, tmp_path)
    found = likelihood(subject_of(made(log_likelihood=known), data, {}, {"scale": jnp.float32(1)})).found
    assert found["1"]["images"] == 30


def test_a_model_without_a_likelihood_has_none(subject_of, tmp_path):
    assert likelihood(subject_of(made(), data_of(4, 4, tmp_path), {})) is None


def test_windows_around_the_held_out_images_themselves_are_as_narrow_as_training_images_allow(subject_of, tmp_path):
    data = data_of(60, 40, tmp_path)
    own = windows(subject_of(made(), data, {"parzen": True}, samples=data.splits["test"]["data"])).found
    assert (own["samples"], own["images"]) == (40, 40)
    drawn = np.random.default_rng(1).integers(0, 256, (40, 2, 2, 1), np.uint8)
    noise = windows(subject_of(made(), data, {"parzen": True}, samples=drawn)).found
    assert own["nats"]["value"] > noise["nats"]["high"]
    assert own["bandwidth"] < noise["bandwidth"]
    # Samples that are all alike: a normal distribution around them, of pixels in [0, 1].
    one = windows(subject_of(made(), data, {"parzen": True}, samples=np.zeros((2, 2, 2, 1), np.uint8))).found
    squares = np.square(data.splits["test"]["data"] / 255.0).sum((1, 2, 3))
    nats = -squares / 2 / one["bandwidth"] ** 2 - 2 * math.log(2 * math.pi * one["bandwidth"] ** 2)
    assert one["nats"]["value"] == pytest.approx(nats.mean(), rel=1e-4)


@pytest.mark.input(
    "Splits",
    "training images that are sorted by class",
    "taken",
    "those that choose the width of Parzen's windows are drawn at random, as all subsets that judge or probe are",
)
def test_the_width_of_windows_is_chosen_by_images_of_all_kinds(subject_of, tmp_path, monkeypatch):
    data, seen = data_of(300, 40, tmp_path, classes=0), []
    data.splits["train"]["data"][:] = 100 * (np.arange(300) // 100)[:, None, None, None]
    monkeypatch.setattr(likelihoods, "VALIDATION", 60)

    def spied(samples, points, test):
        seen.append(points)
        return parzen(samples, points, test)

    monkeypatch.setattr(likelihoods, "parzen", spied)
    windows(subject_of(made(), data, {"parzen": True}, samples=data.splits["test"]["data"]))
    counts = np.unique(seen[0][:, 0], return_counts=True)[1]
    assert counts.sum() == 60 and len(counts) == 3 and counts.min() >= 8  # 20 of each on average, deviation 3.3
