"""Distributions fitted to codes: known ones are recovered, drawn from, kept, and fitted anew when something changes."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet, Signature
from gengen.inference.fitted_prior import RIDGE, Mixture, gaussian, mixture, with_fitted_prior
from gengen.runs import prior, run
from gengen.runs.prior import with_prior

MEANS = np.array([[3.0, 0.0, -2.0], [-3.0, 1.0, 2.0]])
COVARIANCES = np.array(
    [[[1.0, 0.6, 0.0], [0.6, 0.8, -0.3], [0.0, -0.3, 0.5]], [[0.3, 0.0, 0.1], [0, 1, 0], [0.1, 0, 2]]]
)
WEIGHTS = np.array([0.3, 0.7])
KNOWN = Mixture(WEIGHTS, MEANS, np.linalg.cholesky(COVARIANCES))


def codes_of_known(number):
    """Draws of the known mixture, [N, 3]."""
    rng = np.random.default_rng(0)
    kinds = rng.choice(2, number, p=WEIGHTS)
    return MEANS[kinds] + np.einsum("nij,nj->ni", KNOWN.factors[kinds], rng.normal(size=(number, 3)))


def moments(distribution):
    """The mean [L] and the covariance [L, L] of a mixture."""
    mean = distribution.weights @ distribution.means
    apart = distribution.means - mean
    inner = distribution.factors @ distribution.factors.swapaxes(1, 2)
    return mean, np.einsum("k,kij->ij", distribution.weights, inner + apart[:, :, None] * apart[:, None, :])


def test_one_normal_distribution_has_the_mean_and_the_covariance_of_the_codes():
    codes = codes_of_known(500)
    found = gaussian(codes, 7)
    assert [field.shape for field in found] == [(1,), (1, 3), (1, 3, 3)]
    mean, covariance = moments(found)
    np.testing.assert_allclose(mean, codes.mean(0), rtol=1e-12)
    ridge = RIDGE * np.trace(np.cov(codes.T)) / 3
    np.testing.assert_allclose(covariance, np.cov(codes.T) + ridge * np.eye(3), rtol=1e-9, atol=1e-12)


def test_codes_of_one_number_and_codes_that_never_vary_have_a_distribution_too():
    single = moments(gaussian(np.array([[1.0], [3.0]]), 1))
    np.testing.assert_allclose(np.ravel(single[0]), [2])
    np.testing.assert_allclose(single[1], [[2]], rtol=1e-5)
    flat = np.stack([np.arange(10.0), np.full(10, 5.0)], 1)
    for found in (gaussian(flat, 1), mixture(flat, 2), gaussian(np.zeros((4, 2)), 1)):
        assert np.isfinite(found.factors).all()
    mean, covariance = moments(gaussian(flat, 1))
    np.testing.assert_allclose(mean, [4.5, 5])
    assert covariance[1, 1] < 1e-4


def test_a_mixture_finds_the_components_that_the_codes_were_drawn_from():
    found = mixture(codes_of_known(6000), 2)
    order = np.argsort(found.weights)
    np.testing.assert_allclose(found.weights[order], WEIGHTS, atol=0.02)
    np.testing.assert_allclose(found.means[order], MEANS, atol=0.1)
    factors = found.factors[order]
    np.testing.assert_allclose(factors @ factors.swapaxes(1, 2), COVARIANCES, atol=0.12)
    assert (np.triu(found.factors, 1) == 0).all()


def decoding(coding, shape):
    """A model whose images are its codes, and whose codes have this shape."""

    def decode(key, variables, latents, condition=None):
        del key, variables
        assert latents.shape[1:] == shape
        condition = 0 if condition is None else condition["label"][:, None].astype(jnp.float32)
        return latents.reshape(len(latents), -1) + condition

    return coding()._replace(decode=decode)


def fitted(distribution):
    return {"sampler": {"fitted": {name: field.astype(np.float32) for name, field in distribution._asdict().items()}}}


@pytest.mark.parametrize(("shape", "distribution"), [((3,), KNOWN), ((1, 3, 1), gaussian(codes_of_known(500), 1))])
def test_draws_have_the_moments_of_what_was_fitted(coding, shape, distribution):
    number = 20_000
    model = with_fitted_prior(decoding(coding, shape), shape)
    variables = fitted(distribution)
    drawn = jax.jit(model.prior, static_argnums=2)(jax.random.key(0), variables, number)
    assert drawn.shape == (number, *shape)
    assert drawn.dtype == jnp.float32
    mean, covariance = moments(distribution)
    found = np.asarray(drawn, np.float64).reshape(number, -1)
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((found.mean(0) - mean) / scale, 0, atol=4 / np.sqrt(number))
    np.testing.assert_allclose((np.cov(found.T) - covariance) / np.outer(scale, scale), 0, atol=5 * np.sqrt(2 / number))
    sampled = jax.jit(model.sample, static_argnums=2)(jax.random.key(0), variables, 5)
    chex.assert_trees_all_close(sampled, found[:5].astype(np.float32), atol=1e-5)


def test_draws_come_from_each_component_as_often_as_it_weighs(coding):
    model = with_fitted_prior(decoding(coding, (3,)), (3,))
    drawn = np.asarray(jax.jit(model.prior, static_argnums=2)(jax.random.key(1), fitted(KNOWN), 4000))
    apart = [np.square(drawn - mean).sum(1) for mean in MEANS]
    assert np.mean(apart[0] < apart[1]) == pytest.approx(0.3, abs=0.03)


def test_a_sample_is_decoded_as_what_it_is_told(coding):
    model = with_fitted_prior(decoding(coding, (3,)), (3,))
    sample = jax.jit(model.sample, static_argnums=2)
    plain = sample(jax.random.key(0), fitted(KNOWN), 4)
    condition = sample(jax.random.key(0), fitted(KNOWN), 4, {"label": np.arange(4, dtype=np.int32)})
    chex.assert_trees_all_close(condition - plain, jnp.tile(jnp.arange(4.0)[:, None], 3), atol=1e-5)


SETTINGS = ConfigDict({"sampler": "gaussian", "components": 2})


@pytest.fixture
def completed(coding, tmp_path, monkeypatch):
    """Returns `(needs=True, **changed) -> (model, variables)`: completes a run, which needs its data or does not."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (300, 4, 4, 1), np.uint8)
    data = DataSet(Signature.of_pictures("few", (4, 4, 1), (), {}, ""), {"train": {"data": images}}, tmp_path)

    def complete(needs=True, model=None, step=7, variables=None, settings=SETTINGS, best=False, raw=False):
        loaded = []
        monkeypatch.setattr(run, "load_again", lambda *given: loaded.append(data) or data)
        model, config = model or coding(), ConfigDict({"evaluation": settings})
        variables = variables or model.init(None, None).variables
        origin = {"checkpoint": "best" if best else "latest", "weights": "as trained" if raw else "averaged"}
        opened = run.Run(tmp_path, config, data.signature, model, step, variables, origin, config)
        found = with_prior(opened)
        assert len(loaded) == needs
        return found.model, found.variables

    complete.images = images
    return complete


def codes_of(images, gain=2):
    return gain * (images[:, 0, :2, 0] / 127.5 - 1)


def test_an_autoencoder_gets_a_prior_of_its_own_codes_of_training_images(completed):
    model, variables = completed()
    codes = codes_of(completed.images)
    kept = variables["sampler"]["fitted"]
    np.testing.assert_allclose(kept["means"], codes.mean(0)[None], atol=1e-5)
    np.testing.assert_allclose(kept["factors"][0] @ kept["factors"][0].T, np.cov(codes.T), rtol=1e-4, atol=1e-5)
    assert all(field.dtype == np.float32 for field in kept.values())
    assert variables["coder"]["params"]["gain"] == 2
    drawn, images = (jax.jit(f, static_argnums=2)(jax.random.key(0), variables, 3) for f in (model.prior, model.sample))
    np.testing.assert_allclose(images[:, 0, :2, 0], drawn / 2, atol=1e-6)
    assert images.shape == (3, 4, 4, 1)


def test_what_was_fitted_is_kept_and_the_data_are_needed_once(completed, tmp_path):
    _, first = completed()
    model, again = completed(needs=False)
    chex.assert_trees_all_equal(again["sampler"], first["sampler"])
    assert model.sample is not None
    assert [path.name for path in tmp_path.iterdir()] == ["sampler.npz"]


@pytest.mark.parametrize(
    "changed",
    [
        {"step": 8},
        {"raw": True},
        {"best": True},
        {"settings": ConfigDict({"sampler": "mixture", "components": 2})},
        {"settings": ConfigDict({"sampler": "gaussian", "components": 3})},
    ],
    ids=str,
)
def test_another_step_other_weights_or_other_settings_are_fitted_anew(completed, changed):
    completed()
    completed(**changed)
    completed(needs=False, **changed)
    completed()


def test_the_number_of_components_is_the_one_asked_for(completed):
    _, variables = completed(settings=ConfigDict({"sampler": "mixture", "components": 3}))
    assert variables["sampler"]["fitted"]["weights"].shape == (3,)
    np.testing.assert_allclose(variables["sampler"]["fitted"]["weights"].sum(), 1, rtol=1e-6)


def test_a_config_from_before_there_were_samplers_gets_a_mixture_of_ten(completed):
    _, variables = completed(settings=ConfigDict())
    assert variables["sampler"]["fitted"]["means"].shape == (10, 2)


def test_the_codes_are_those_of_the_weights_of_the_run(completed):
    codes = codes_of(completed.images, 1)
    for raw, gain in ((False, 3), (True, 2)):
        weights = {"coder": {"params": {"gain": jnp.float32(gain)}}}
        _, variables = completed(variables=weights, raw=raw)
        assert variables["coder"]["params"]["gain"] == gain
        np.testing.assert_allclose(variables["sampler"]["fitted"]["means"][0], gain * codes.mean(0), atol=1e-5)


def test_no_more_than_so_many_images_are_encoded_and_every_one_of_them_once(completed, monkeypatch):
    seen = []
    monkeypatch.setattr(prior, "IMAGES", 40)
    monkeypatch.setattr(prior, "FITTED_PRIORS", {"gaussian": lambda *given: seen.append(given) or gaussian(*given)})
    completed()
    ((codes, components),) = seen
    assert (codes.shape, codes.dtype, components) == ((40, 2), np.float64, 2)
    known = {tuple(code) for code in np.round(codes_of(completed.images), 4)}
    assert len({tuple(code) for code in np.round(codes, 4)} & known) == 40


@pytest.mark.parametrize("can", ["sample", "nothing", "decode", "encode"])
def test_a_model_that_can_sample_or_cannot_be_made_to_is_left_as_it_is(completed, coding, tmp_path, can):
    model = coding()
    model = {
        "sample": model._replace(sample=lambda key, variables, n, condition=None: None),
        "nothing": model._replace(encode=None, decode=None),
        "decode": model._replace(encode=None),
        "encode": model._replace(decode=None),
    }[can]
    found, variables = completed(needs=False, model=model, settings=ConfigDict({"sampler": "unknown"}))
    assert found is model
    assert set(variables) == {"coder"}
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_fitted_is_refused_before_the_data_are_loaded(completed, tmp_path):
    for settings, said in (
        ({"sampler": "kernel", "components": 2}, r"config\.evaluation\.sampler='kernel' must be one of gaussian, mix"),
        ({"sampler": "mixture", "components": 0}, r"config\.evaluation\.components=0 must be at least 1"),
    ):
        with pytest.raises(Refusal, match=said):
            completed(needs=False, settings=ConfigDict(settings))
    assert not list(tmp_path.iterdir())


def test_one_normal_distribution_needs_no_image_for_each_of_the_components_that_it_does_not_have(completed):
    completed(settings=ConfigDict({"sampler": "gaussian", "components": 301}))


def test_more_components_than_images_are_refused(completed, tmp_path):
    with pytest.raises(Refusal, match=r"config\.evaluation\.components=301 must be at most 300, the images"):
        completed(settings=ConfigDict({"sampler": "mixture", "components": 301}))
    assert not list(tmp_path.iterdir())
