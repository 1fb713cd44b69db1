"""What densities say, of hand-made models of which the truth is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gengen.core.field import Field
from gengen.core.model import Condition, GenerativeModel
from gengen.data.signature import DataSet, Signature
from gengen.evaluation import likelihoods
from gengen.evaluation.likelihoods import CHUNK, likelihood, windows
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


def made(classes=0, likelihood_of="values", bound_by="latents", **capabilities):
    conditions = {"label": Condition(classes=classes)} if classes else {}
    said = {"likelihood_of": likelihood_of, "bound_by": bound_by}
    return GenerativeModel(None, None, conditions=conditions, **said, **capabilities)


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


def test_a_class_that_nobody_tells_is_summed_over_with_the_shares_of_training_images(subject_of, tmp_path):
    """Class c has the log-likelihood l_c = -c x_0: what is told is -mean(c x_0), and else log sum_c p(c) exp(l_c)."""

    def by_label(key, variables, data, condition, samples=1):
        return -condition["label"].astype(jnp.float32) * (data[:, 0, 0, 0] + 1)

    data = data_of(4, 120, tmp_path)  # of classes 0, 1, 2, 0
    model = made(CLASSES, bound_by="", log_likelihood=by_label)
    found = likelihood(subject_of(model, data, {"importance_samples": (1, 5)})).found
    assert list(found) == ["1"] and found["1"]["is"] == "exact", "more samples make nothing more exact"
    test = data.splits["test"]
    first = np.float64(test["data"][:, 0, 0, 0]) / 127.5
    each = -np.arange(3) * first[:, None]
    expected = np.log(np.exp(each) @ [0.5, 0.25, 0.25])
    assert found["1"]["nats"]["value"] == pytest.approx(expected.mean(), rel=1e-5)
    assert found["1"]["told"]["nats"]["value"] == pytest.approx(-(test["label"] * first).mean(), rel=1e-5)
    assert found["1"]["told"]["bits_per_dimension"]["value"] == pytest.approx(
        (test["label"] * first).mean() / 4 / math.log(2), rel=1e-5
    )


def test_images_of_many_classes_are_as_many_fewer(subject_of, tmp_path, monkeypatch):
    monkeypatch.setattr(likelihoods, "REFERENCE", 60)
    monkeypatch.setattr(likelihoods, "FEW_CLASSES", 1)
    model = made(CLASSES, log_likelihood=lambda key, variables, data, condition, samples: data.sum((1, 2, 3)))
    assert likelihood(subject_of(model, data_of(4, 120, tmp_path), {})).found["1"]["images"] == 20


def test_a_density_that_is_even_over_all_levels_costs_the_bits_of_a_level(subject_of, tmp_path):
    """An even density on the 256 cells, of which each is 2 / 255 wide: every pixel costs 8 bits, whatever it is."""

    def even(key, variables, data, condition=None, samples=1):
        inside = (jnp.abs(data) <= 1 + 1.001 / 255).all((1, 2, 3))
        return jnp.where(inside, -4 * jnp.log(2 * 256 / 255), -jnp.inf)

    data = data_of(4, 250, tmp_path)
    data.splits["test"]["data"][:100, 1] = 255  # the last level, and others the first
    found = likelihood(subject_of(made(likelihood_of="density", bound_by="", log_likelihood=even), data, {})).found["1"]
    np.testing.assert_allclose([found["bits_per_dimension"][end] for end in ("value", "low", "high")], 8, rtol=1e-5)
    assert (found["of"], found["is"]) == ("values", "a bound, uniform noise in each level")
    whole = made(bound_by="", log_likelihood=lambda *_: jnp.full(CHUNK, -4 * math.log(256)))
    assert likelihood(subject_of(whole, data, {})).found["1"]["bits_per_dimension"]["value"] == pytest.approx(8)


def test_noise_fills_the_cell_of_a_level_and_nothing_else(subject_of, tmp_path):
    seen, data = [], data_of(4, 250, tmp_path, classes=0)

    def density(key, variables, data, condition=None, samples=1):
        jax.debug.callback(lambda values: seen.append(np.asarray(values)), data)
        return jnp.zeros(len(data))

    found = likelihood(subject_of(made(likelihood_of="density", log_likelihood=density), data, {})).found["1"]
    jax.effects_barrier()
    assert found["nats"]["value"] == pytest.approx(4 * math.log(2 / 255))
    images, levels = np.float64(data.splits["test"]["data"]), np.concatenate(seen)[:250] * 127.5 + 127.5
    order = np.random.default_rng(0).permutation(250)
    off = np.sort((levels - images[order]).ravel())
    assert -0.5001 < off[0] < -0.49 and 0.49 < off[-1] < 0.5001
    np.testing.assert_allclose(off, np.linspace(-0.5, 0.5, len(off)), atol=0.05)


@pytest.mark.parametrize("bounds", [(None, None), (-4.0, 12.0)], ids=["standardised", "bounded"])
def test_a_density_of_numbers_is_in_their_own_units(subject_of, tmp_path, bounds):
    """A standard normal in the model's units is one of the data's mean and deviation in theirs."""

    def standard(key, variables, data, condition=None, samples=1):
        return jax.scipy.stats.norm.logpdf(data).sum(1)

    mean, deviation = ((), ()) if bounds[0] is not None else ((3.0, -2.0), (0.5, 4.0))
    field = Field((2,), "float32", *bounds, mean=mean, deviation=deviation)
    points = np.random.default_rng(0).normal((3, -2), (0.5, 4.0), (300, 2)).astype(np.float32)
    data = DataSet(Signature("rows", "points", {"data": field}, {}, ""), {"test": {"data": points}}, tmp_path)
    model = made(likelihood_of="density", bound_by="", log_likelihood=standard)
    found = likelihood(subject_of(model, data, {})).found["1"]
    law = stats.norm(mean or 4.0, deviation or 8.0)
    assert found["nats"]["value"] == pytest.approx(law.logpdf(points).sum(1).mean(), rel=1e-5)
    assert found["of"] == "numbers" and "bits_per_dimension" not in found


def test_black_and_white_pictures_are_no_bits_for_each_dimension_of_the_grey_ones(subject_of, tmp_path):
    model = made(likelihood_of="bits", log_likelihood=lambda *_: jnp.full(CHUNK, -3.0))
    found = likelihood(subject_of(model, data_of(4, 30, tmp_path, classes=0), {})).found["1"]
    assert found["of"] == "bits" and "bits_per_dimension" not in found and found["nats"]["value"] == -3


def test_the_gap_between_few_and_many_samples_is_that_of_each_image(subject_of, tmp_path):
    data = data_of(4, 120, tmp_path)
    subject = subject_of(made(log_likelihood=known), data, {"importance_samples": (1, 5)}, {"scale": jnp.float32(1)})
    found = likelihood(subject).found
    assert found["5"]["gap"]["since"] == 1 and "gap" not in found["1"]
    np.testing.assert_allclose([found["5"]["gap"]["nats"][end] for end in ("value", "low", "high")], 40, rtol=1e-5)
    assert found["1"]["is"] == "a bound, the ELBO, k = 1"
    assert found["5"]["is"] == "a bound, importance sampling, k = 5"


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
    assert found["1"]["nats"] == found["50"]["nats"]
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
