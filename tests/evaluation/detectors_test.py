"""Scores of models made by hand, whose value is known: closed forms, invariances, planted outliers, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from scipy import stats

from gengen.core.model import Condition, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.evaluation import detectors
from gengen.evaluation.detectors import DETECTORS, log_density, scores_of
from gengen.evaluation.normal import Normal
from gengen.inference.batched import SIZE
from gengen.inference.fitted_prior import Mixture
from gengen.metrics.anomaly import cosine_distances
from gengen.runs.run import Run


def model(**capabilities):
    return GenerativeModel(None, None, **capabilities)


def identity(key, variables, data, condition=None):
    return data


def coder(decode=identity, encode=identity):
    return model(encode=encode, decode=decode)


def normal_of(model, train, variables, settings, signature=None):
    """Training data of a run of a model."""
    signature = signature or Signature.of_pictures("some", train.shape[1:], (), {}, "")
    config = ConfigDict({"evaluation": settings})
    return Normal(Run(None, config, signature, model, 7, variables, {}, config), train)


def scorer(name, model, train=None, variables=None, **settings):
    detectors.check(name, model, "picture")
    known = np.zeros((2, 8, 8, 1), np.uint8) if train is None else train
    return detectors.scorer(name, normal_of(model, known, variables or {}, settings))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (SIZE + 9, 8, 8, 1), np.uint8)


# What comes back.


@pytest.mark.parametrize("name", ["reconstruction", "squared_error"])
def test_an_image_that_comes_back_as_it_was_scores_0(name, images):
    scored = scorer(name, coder())(images[:5])
    np.testing.assert_allclose(scored.scores, 0, atol=1e-12)
    np.testing.assert_allclose(scored.heat, 0, atol=1e-12)
    np.testing.assert_array_equal(scored.reconstructions, images[:5])
    assert scored.scores.dtype == np.float64


def test_brightness_is_an_error_of_squares_and_none_of_directions(images):
    darker = coder(lambda key, variables, latents, condition=None: (latents + 1) / 4 - 1)
    np.testing.assert_allclose(scorer("reconstruction", darker)(images[:5]).scores, 0, atol=1e-12)
    scored = scorer("squared_error", darker)(images[:5])
    lost = np.square(images[:5] / 255 * 0.75)
    np.testing.assert_allclose(scored.scores, lost.mean((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(scored.heat, lost.squeeze(3), rtol=1e-4, atol=1e-7)


def test_squared_errors_are_means_over_colours_and_pixels():
    image = np.full((1, 8, 8, 3), 255, np.uint8)
    image[..., 1:] = 0
    black = coder(lambda key, variables, latents, condition=None: jnp.full_like(latents, -1))
    scored = scorer("squared_error", black)(image)
    np.testing.assert_allclose(scored.scores, 1 / 3)
    np.testing.assert_allclose(scored.heat, 1 / 3)


@pytest.mark.parametrize("away", [1, 2, 3])
def test_the_distance_of_two_points_is_that_of_two_gaussians(away):
    first, second = np.zeros((2, 1, 24, 24, 1))
    first[0, 12, 10], second[0, 12, 10 + away] = 1, 5
    distance, heat = cosine_distances(first, second)
    np.testing.assert_allclose(distance, 1 - np.exp(-(away**2) / 4), rtol=2e-3)  # N(0, 1) against N(away, 1)
    np.testing.assert_allclose(heat.sum((1, 2)), 2 * distance)
    np.testing.assert_allclose(cosine_distances(first, second, blur=0.0)[0], 1)


def test_a_shift_by_a_part_of_a_pixel_is_forgiven():
    pen = np.zeros((1, 16, 16, 1))
    pen[0, 3:13, 7] = 1
    moved = 0.7 * pen + 0.3 * np.roll(pen, 1, axis=2)  # by 0.3 of a pixel
    sharp, blurred = (cosine_distances(pen, moved, blur=blur)[0][0] for blur in (0.0, 1.0))
    np.testing.assert_allclose(sharp, 1 - 0.7 / np.hypot(0.7, 0.3))
    assert blurred < 0.3 * sharp


def test_directions_are_compared_over_all_colours():
    red, green = np.zeros((2, 1, 8, 8, 3))
    red[..., 0], green[..., 1] = 0.5, 0.5
    distance, heat = cosine_distances(red, green)
    np.testing.assert_allclose(distance, 1)
    np.testing.assert_allclose(heat, 2 / 64)


def test_black_images_are_like_each_other_and_unlike_all_others():
    black, grey = np.zeros((1, 8, 8, 1)), np.full((1, 8, 8, 1), 0.5)
    assert [cosine_distances(*pair)[0][0] for pair in ((black, black), (black, grey), (grey, black))] == [0, 1, 1]


def test_what_a_decoder_oversteps_does_not_count():
    beyond = coder(lambda key, variables, latents, condition=None: 1.5 * latents)
    images = np.where(np.indices((8, 8)).sum(0) % 3, 255, 0).astype(np.uint8)[None, ..., None]
    np.testing.assert_allclose(scorer("reconstruction", beyond)(images).scores, 0, atol=1e-12)


@pytest.mark.parametrize("name", ["reconstruction", "squared_error"])
def test_an_image_has_one_score_whatever_stands_beside_it(name, images):
    def noisy(key, variables, data, condition=None):
        return data + jax.random.normal(key, data.shape)

    score = scorer(name, coder(encode=noisy))
    everything = scores_of(score, images)
    assert everything.min() > 0.005
    np.testing.assert_allclose(scores_of(score, images[::-1]), everything[::-1], rtol=1e-6)
    np.testing.assert_allclose(score(images[3:4]).scores, everything[3:4], rtol=1e-6)


# Likelihood.


def test_a_likelihood_is_asked_with_the_most_samples_and_turned_round(images):
    def log_likelihood(key, variables, data, condition=None, samples=1):
        return variables["offset"] + samples * data.mean((1, 2, 3))

    subject = model(log_likelihood=log_likelihood)
    score = scorer("likelihood", subject, variables={"offset": jnp.float32(3)}, importance_samples=(1, 50))
    expected = -3 - 50 * (images / 127.5 - 1).mean((1, 2, 3))
    np.testing.assert_allclose(scores_of(score, images), expected, rtol=1e-4, atol=1e-4)
    assert score(images[:1]).heat is None


@pytest.mark.parametrize(("bound_by", "said"), [("", "the exact"), ("uniform noise", "a bound of the")])
def test_what_is_typical_is_neither_less_nor_more_likely_than_training_images(images, bound_by, said):
    def log_likelihood(key, variables, data, condition=None, samples=1):
        return 100 * data.mean((1, 2, 3))

    subject = model(log_likelihood=log_likelihood, bound_by=bound_by)
    train = np.full((6, 8, 8, 1), 100, np.uint8)
    train[:3] = 140
    score = scorer("typicality", subject, train)
    brightness = np.uint8([0, 120, 255])[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    np.testing.assert_allclose(score(brightness).scores, [100 * 120 / 127.5, 0, 100 * 135 / 127.5], atol=1e-3)
    assert DETECTORS["typicality"].title_of("picture", bound_by).startswith(f"distance of {said} log-likelihood")
    assert DETECTORS["likelihood"].title_of("points", bound_by) == f"minus {said} log-likelihood, nats"


def test_a_likelihood_that_is_told_the_class_is_summed_over_all_classes(images):
    def log_likelihood(key, variables, data, condition, samples=1):
        return jnp.log1p(condition["label"].astype(jnp.float32)) + data.mean((1, 2, 3))

    told = model(log_likelihood=log_likelihood, conditions={"label": Condition(classes=3)})
    scores = scores_of(scorer("likelihood", told), images)
    expected = -np.log((1 + 2 + 3) / 3) - (images / 127.5 - 1).mean((1, 2, 3))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


# Density.


def test_the_density_of_a_mixture_is_the_sum_of_its_components():
    rng = np.random.default_rng(0)
    factors = np.tril(rng.normal(size=(3, 2, 2))) + 2 * np.eye(2)
    fitted = Mixture(np.array([0.2, 0.3, 0.5]), rng.normal(size=(3, 2)), factors)
    codes = rng.normal(size=(50, 2))
    each = [stats.multivariate_normal(m, f @ f.T).pdf(codes) for m, f in zip(fitted.means, factors, strict=True)]
    np.testing.assert_allclose(log_density(fitted, codes), np.log(fitted.weights @ np.array(each)), rtol=1e-10)


def first_pixels(key, variables, data, condition=None):
    return data[:, 0, :2, 0]


def two_heaps():
    """Training images whose first pixels lie around (60, 60) and (190, 190)."""
    rng = np.random.default_rng(0)
    train = np.zeros((600, 8, 8, 1), np.uint8)
    train[:, 0, :2, 0] = rng.normal(np.repeat([[60.0], [190.0]], 300, axis=0), 12, (600, 2)).clip(0, 255)
    return train


def with_code(*code):
    image = np.zeros((1, 8, 8, 1), np.uint8)
    image[0, 0, :2, 0] = code
    return image


def test_a_code_between_two_heaps_is_an_outlier_to_a_mixture_and_not_to_a_gaussian():
    heaps, between = scores_of, with_code(125, 125)
    train = two_heaps()
    for sampler, strange in (("mixture", True), ("gaussian", False)):
        score = scorer("density", model(encode=first_pixels), train, sampler=sampler, components=2)
        assert (heaps(score, between)[0] > heaps(score, train).max()) == strange
        assert heaps(score, with_code(60, 190))[0] > np.quantile(heaps(score, train), 0.99)


# Features.


def test_the_distance_of_features_counts_standard_deviations_of_training_images():
    train = np.random.default_rng(0).normal(128, (40, 4), (2000, 2)).clip(0, 255).astype(np.uint8)
    train = np.stack([with_code(*code)[0] for code in train])
    score = scorer("features", model(features=first_pixels), train)
    codes = train[:, 0, :2, 0] / 127.5 - 1
    white = np.linalg.inv(np.cov(codes, rowvar=False))
    away = codes - codes.mean(0)
    expected = np.sqrt(np.einsum("ni,ij,nj->n", away, white, away))
    np.testing.assert_allclose(scores_of(score, train), expected, rtol=0.06)  # the ridge: 0.001 * 808 / 16 = 5 %
    wide, narrow = (scores_of(score, with_code(*code))[0] for code in ((168, 128), (128, 168)))
    np.testing.assert_allclose([wide, narrow], [1, 10], rtol=0.1)


def test_features_that_never_vary_have_a_distance(images):
    def constant(key, variables, data):
        return jnp.ones((len(data), 5))

    np.testing.assert_array_equal(scores_of(scorer("features", model(features=constant), images), images), 0)


# Refusals.


@pytest.mark.parametrize(
    ("name", "subject", "sentence"),
    [
        ("best", coder(), r"anomaly_score='best' is unknown; it must be one of reconstruction, .*, features\."),
        (
            "reconstruction",
            model(sample=identity, features=identity),
            r"anomaly_score='reconstruction' needs a model that can do encode, decode, and this one can do sample, "
            r"features; set it to 'features'\.",
        ),
        ("likelihood", coder(), r"'likelihood' .*; set it to 'reconstruction' or 'squared_error' or 'density'\."),
        ("features", model(sample=identity), r"'features' .* can do sample; no other score can be had of it\."),
        (
            "reconstruction",
            coder()._replace(conditions={"label": Condition(classes=3)}),
            r"needs a model that is not told the class of what it sees; no other score can be had of it\.",
        ),
    ],
    ids=["unknown", "gan", "no likelihood", "nothing else", "told classes"],
)
def test_a_score_that_cannot_be_had_is_refused_with_those_that_can(name, subject, sentence):
    with pytest.raises(
        Refusal, match=rf"^config\.evaluation\.{sentence if sentence[0] == 'a' else 'anomaly_score.*' + sentence}$"
    ):
        detectors.check(name, subject, "picture")


def test_a_model_that_recognises_classes_need_not_be_told_them():
    condition = coder()._replace(conditions={"label": Condition(classes=3)}, recognise=identity)
    detectors.check("reconstruction", condition, "picture")


@pytest.mark.parametrize("settings", [{"sampler": "uniform"}, {"components": 0}], ids=str)
def test_a_density_needs_a_distribution_to_fit(settings):
    with pytest.raises(Refusal, match=r"'density' needs a config.evaluation.sampler of gaussian, mixture"):
        scorer("density", coder(), **settings)


def test_codes_that_are_whole_numbers_have_no_density():
    whole = coder(encode=lambda key, variables, data, condition=None: data[:, 0, :, 0].astype(jnp.int32))
    with pytest.raises(Refusal, match="are whole numbers"):
        scorer("density", whole)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_run_that_diverged_has_no_scores(name, images):
    def diverged(key, variables, data, condition=None, samples=1):
        return jnp.where(data > 0.99, jnp.nan, data)

    subject = coder(encode=diverged)._replace(features=diverged, log_likelihood=diverged, bound_by="latents")
    with pytest.raises(Refusal, match="has diverged, and what its model says of images is not finite"):
        scores_of(scorer(name, subject, train=images), images)


def test_every_detector_says_what_it_shows():
    assert [name for name, detector in DETECTORS.items() if detector.heat] == ["reconstruction", "squared_error"]


@pytest.mark.parametrize("score", ["reconstruction", "squared_error"])
def test_a_flow_which_gives_back_whatever_it_is_shown_cannot_be_asked_what_comes_back(score):
    given = dict.fromkeys(("init", "train_step", "encode", "decode", "log_likelihood"), lambda *_: 0)
    flow = GenerativeModel(**given, bound_by="uniform noise")
    with pytest.raises(Refusal, match="gives back all that it is shown; set it to 'likelihood' or 'typicality'"):
        detectors.check(score, flow, "picture")
    detectors.check(score, flow._replace(bound_by="latents"), "picture")
