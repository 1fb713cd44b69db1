"""The bound of a variational autoencoder: its value by hand, gradients by differences, the evidence it converges to.

Linear decoders with normal pixels have an evidence in closed form, and a posterior that a linear encoder can be.
"""

import functools
import math

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from jax.flatten_util import ravel_pytree

from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.losses.divergences import normal_log_density
from gengen.losses.likelihood import Likelihood, bernoulli, gaussian
from gengen.models.autoencoders import variational_game
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.variational_game import Variational
from gengen.models.conditioning import Nothing
from gengen.networks import mlp
from gengen.networks.coders import GaussianCoder
from tests.units import scaled

SHAPE, PIXELS, S = (2, 2, 1), 4, 0.6
FREE = 0.2
"""Nats between the divergences of the two latents of `example`."""

NORMAL = Likelihood(
    rank=3,
    numbers=1,
    log_prob=lambda output, image: normal_log_density(image, output, jnp.full_like(output, math.log(S))),
    mean=lambda output: output,
    proper=True,
    title="",
)


class Features(nn.Module):
    """The array itself, or a hidden layer of it; unlike the networks of the project it keeps float64."""

    width: int = 0

    @nn.compact
    def __call__(self, x, train):
        x = x.reshape(len(x), -1)
        return jnp.tanh(nn.Dense(self.width)(x)) if self.width else x


class Picture(nn.Module):
    width: int = 0

    @nn.compact
    def __call__(self, latent, train):
        return nn.Dense(PIXELS)(Features(self.width)(latent, train)).reshape(-1, *SHAPE)


def game(objective=None, latents=(2,), width=0, likelihood=NORMAL, binarisation="none"):
    body, objective = Features(width), objective or Objective()
    encoders = tuple(GaussianCoder(body, size) for size in latents)
    decoders = (Picture(width), *([GaussianCoder(body, latents[0])] if len(latents) == 2 else []))
    return Variational(encoders, decoders, latents, likelihood, objective, binarisation, Nothing())


@functools.cache
def example(latents=(2,), width=0, samples=3, size=4):
    """Variables that say something, and a prepared batch."""
    raw = {"data": scaled(np.random.default_rng(0).integers(0, 256, (size, *SHAPE), np.uint8))}
    built = game(latents=latents, width=width)
    variables = jax.jit(built.init)(jax.random.key(0), raw)
    noise = jax.random.normal(jax.random.key(2), (samples, size, sum(latents)))
    noise = [noise[..., : latents[0]], noise[..., latents[0] :]][: len(latents)]
    flat, back = ravel_pytree(variables)
    variables = back(flat + 0.2 * jax.random.normal(jax.random.key(1), flat.shape))
    return variables, {**raw, "condition": {}, "noise": noise}


def outcome(built, variables, batch, step=0, replicas=1):
    """Loss and metrics of a batch that lies on some replicas."""

    def split(leaf, axis):
        return jnp.stack(jnp.split(leaf, replicas, axis))

    parts = {
        "data": split(batch["data"], 0),
        "condition": {},
        "noise": [split(leaf, 1) for leaf in batch["noise"]],
    }
    state = State(jnp.asarray(step, jnp.int32), variables, {})

    @jax.jit
    def found(state, parts):
        return jax.vmap(lambda part: built.loss(jax.random.key(9), state, part), axis_name=AXIS)(parts)

    value, (metrics, _) = found(state, parts)
    return value.mean(), jax.tree.map(jnp.sum, metrics)


def dense(variables, layer, x):
    params = jax.tree.map(np.float64, variables["params"][layer])
    return x @ params["kernel"] + params["bias"]


def normal(x, mean, deviation):
    return scipy.stats.norm.logpdf(x, mean, deviation).sum(-1)


def by_hand(variables, batch):
    """log p(x | z), log p(z) and log q(z | x) [k, B] of a linear model, and its closed divergence [B]."""
    image, noise = np.float64(batch["data"]).reshape(-1, PIXELS), [np.float64(leaf) for leaf in batch["noise"]]

    def said(network, x):
        return dense(variables[network], "Dense_0", x), np.exp(dense(variables[network], "Dense_1", x) / 2)

    mean, deviation = said("encoder", image)
    latent = mean + deviation * noise[0]
    posterior, prior = normal(latent, mean, deviation), normal(latent, 0, 1)
    if len(noise) == 2:
        above, spread = said("upper_encoder", latent)
        higher = above + spread * noise[1]
        posterior += normal(higher, above, spread)
        prior = normal(higher, 0, 1) + normal(latent, *said("upper_decoder", higher))
    reconstruction = normal(image, dense(variables["decoder"], "Dense_0", latent), S)
    return reconstruction, prior, posterior, ((mean**2 + deviation**2 - 1) / 2 - np.log(deviation)).sum(-1)


@pytest.mark.parametrize(
    ("estimator", "latents", "reduction"),
    [
        ("elbo", (2,), "sum"),
        ("elbo", (2, 1), "mean"),
        ("iwae", (2,), "mean"),
        ("iwae", (2, 1), "sum"),
        ("dreg", (2,), "sum"),
    ],
)
def test_the_loss_is_the_weighted_bound_by_hand(estimator, latents, reduction):
    variables, batch = example(latents)
    objective = Objective(estimator, 3, reconstruction=0.7, beta=3.0, warmup=4, reduction=reduction)
    found, metrics = outcome(game(objective, latents), variables, batch, step=2)
    log_prob, prior, posterior, divergence = by_hand(variables, batch)
    reconstruction = 0.7 * log_prob / (PIXELS if reduction == "mean" else 1)
    weights = reconstruction + 1.5 * (prior - posterior)
    expected = {
        "elbo": -reconstruction.mean() + 1.5 * (divergence.mean() if len(latents) == 1 else (posterior - prior).mean()),
        "iwae": -(scipy.special.logsumexp(weights, 0) - np.log(3)).mean(),
        "dreg": -(scipy.special.softmax(weights, 0) * weights).sum(0).mean(),
    }[estimator]
    assert float(found) == pytest.approx(expected, rel=1e-5)
    plain = log_prob + prior - posterior
    assert float(metrics["reconstruction"].value) == pytest.approx(-log_prob.mean(), rel=1e-5)
    assert float(metrics["divergence"].value) == pytest.approx((posterior - prior).mean(), rel=1e-5)
    assert float(metrics["bound"].value) == pytest.approx(-(scipy.special.logsumexp(plain, 0) - np.log(3)).mean(), 1e-5)


def test_the_divergence_in_closed_form_is_the_mean_of_that_of_samples():
    variables, batch = example(samples=20_000, size=2)
    _, prior, posterior, divergence = by_hand(variables, batch)
    found, metrics = outcome(game(), variables, batch)
    error = (posterior - prior).std(0).max() / np.sqrt(2 * 20_000)
    closed = float(found - metrics["reconstruction"].value)
    assert closed == pytest.approx(divergence.mean(), rel=1e-3)
    assert abs(float(metrics["divergence"].value) - closed) < 4.5 * error


def test_while_the_divergence_has_not_come_in_the_loss_is_the_reconstruction():
    variables, batch = example()
    found, metrics = outcome(game(Objective(samples=3, warmup=10)), variables, batch, step=0)
    assert float(found) == pytest.approx(float(metrics["reconstruction"].value), rel=1e-6)


@pytest.mark.parametrize(
    ("likelihood", "latents", "objective"),
    [
        (NORMAL, (2,), Objective("elbo", 2, reconstruction=3.0, beta=0.5, free_bits=FREE)),
        (bernoulli(rank=3), (2,), Objective("iwae", 3, reduction="mean")),
        (bernoulli(rank=3), (2, 1), Objective("elbo", 2, warmup=4)),
        (NORMAL, (2, 1), Objective("iwae", 3, beta=2.0)),
    ],
    ids=["free_bits", "importance", "layers", "layers_importance"],
)
def test_reparametrised_gradients_agree_with_differences(latents, objective, likelihood):
    built = game(objective, latents, 3, likelihood)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        variables, batch = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, jnp.float64), example(latents, 3, objective.samples)
        )
        flat, back = ravel_pytree(variables)

        def loss(flat):
            return outcome(built, back(flat), batch, step=1)[0]

        points = np.asarray(flat) + 1e-5 * np.concatenate([np.eye(len(flat)), -np.eye(len(flat))])
        ends, slopes = jax.jit(jax.vmap(jax.value_and_grad(loss)))(jnp.concatenate([points, flat[None]]))
        gradient, differences = slopes[-1], (ends[: len(flat)] - ends[len(flat) : -1]) / 2e-5
        np.testing.assert_allclose(gradient, differences, atol=1e-7, rtol=1e-5)
        assert np.abs(gradient).max() > 0.01
        if objective.free_bits:
            found = GaussianCoder(Features(3), 2).apply(variables["encoder"], batch["data"], train=False)
            means = ((found.mean**2 + jnp.exp(2 * found.log_deviation) - 1) / 2 - found.log_deviation).mean(0)
            assert np.sort(np.asarray(means) > objective.free_bits).tolist() == [False, True]


def test_loss_and_gradients_do_not_depend_on_replicas():
    objective = Objective("elbo", 3, free_bits=FREE)
    variables, batch = example(width=3)
    one, two = (
        jax.jit(jax.value_and_grad(functools.partial(value, objective, replicas)))(variables, batch)
        for replicas in (1, 2)
    )
    chex.assert_trees_all_close(two, one, rtol=1e-4, atol=1e-6)


def value(objective, replicas, variables, batch):
    return outcome(game(objective, width=3), variables, batch, 0, replicas)[0]


# The doubly reparametrised gradient.


def slopes(objective, n, weight=None):
    """Gradients [n, parameters] of encoder and decoder for n draws of noise.

    With a `weight` for all samples, those of Tucker et al. 2019 as they would be if the share were that.
    """
    variables, batch = example(width=3, size=2)
    built = game(objective, width=3)
    noise = jax.random.normal(jax.random.key(3), (n, objective.samples, 2, 2))

    def loss(variables, noise):
        own = {**batch, "noise": [noise]}
        if weight is None:
            return outcome(built, variables, own)[0]
        share = jax.nn.softmax(built.log_weights(built.terms(variables, own, train=False), jnp.asarray(1.0)), 0)
        again = built.terms(variables, own, train=False, weight=jnp.full_like(share, weight))
        return -(jax.lax.stop_gradient(share) * built.log_weights(again, jnp.asarray(1.0))).sum(0).mean()

    @jax.jit
    def all_of(noise):
        return jax.lax.map(lambda noise: jax.grad(loss)(variables, noise), noise, batch_size=500)

    found = all_of(noise)
    return [np.float64(jax.vmap(lambda tree: ravel_pytree(tree)[0])(found[name])) for name in ("encoder", "decoder")]


def deviations(one, two):
    """How many standard errors apart the means of paired draws are, for each parameter."""
    apart = one - two
    return np.abs(apart.mean(0)) / (apart.std(0) / np.sqrt(len(apart)) + 1e-9)


@pytest.mark.parametrize("beta", [1.0, 0.4, 2.0])
def test_the_doubly_reparametrised_gradient_is_that_of_the_bound_in_the_mean(beta):
    of_bound, double = (slopes(Objective(name, 4, beta=beta), 8000) for name in ("iwae", "dreg"))
    assert deviations(of_bound[0], double[0]).max() < 4.5
    np.testing.assert_allclose(of_bound[1], double[1], atol=1e-4)  # that of the decoder is the same for each draw
    if beta == 1:  # a gradient that leaves out the second share is known to be biased, and must be found out
        assert deviations(of_bound[0], slopes(Objective("dreg", 4), 8000, weight=1.0)[0]).max() > 9


def test_with_many_samples_the_doubly_reparametrised_gradient_of_the_encoder_keeps_its_signal():
    noise = {}
    for name in ("iwae", "dreg"):
        of_encoder, _ = slopes(Objective(name, 32), 1000)
        noise[name] = np.median(of_encoder.std(0) / np.abs(of_encoder.mean(0)))
    assert noise["dreg"] < noise["iwae"] / 2


def test_of_one_sample_it_is_the_path_derivative_of_the_evidence_lower_bound():
    variables, batch = example(width=3, samples=1)
    built = game(Objective("dreg"), width=3)

    def by_path(variables):
        said = built.encoders[0].apply(variables["encoder"], batch["data"], train=False)
        noise = batch["noise"][0][0]
        latent, fixed = said.at(noise), jax.lax.stop_gradient(said)
        output = built.decoders[0].apply(variables["decoder"], latent, train=False)
        log_p = NORMAL.log_prob(output, batch["data"]).sum((1, 2, 3)) - (jnp.square(latent) / 2).sum(1)
        return -(log_p - normal_log_density(latent, *fixed).sum(1)).mean()

    found = jax.grad(lambda variables: outcome(built, variables, batch)[0])(variables)
    chex.assert_trees_all_close(found, jax.jit(jax.grad(by_path))(variables), rtol=1e-4, atol=1e-5)


# Evidence in closed form.


def fill(weight, bias):
    return {"kernel": jnp.asarray(weight, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}


def head(weight, bias, variance):
    return {"params": {"Dense_0": fill(weight, bias), "Dense_1": fill(np.zeros_like(weight), np.log(variance))}}


def one_layer():
    """A model whose encoder is the true posterior, and the distribution of its images."""
    w, b = np.array([[0.9, -0.3, 0.6, 0.0], [0.3, 0.9, 0.0, 0.5]]), np.array([0.1, -0.2, 0.0, 0.3])
    inverse = 1 / ((w**2).sum(1) + S**2)
    variables = {
        "encoder": head(w.T * inverse, -(w @ b) * inverse, S**2 * inverse),
        "decoder": {"params": {"Dense_0": fill(w, b)}},
    }
    assert w[0] @ w[1] == pytest.approx(0)  # or the posterior would have a covariance
    return variables, scipy.stats.multivariate_normal(b, w.T @ w + S**2 * np.eye(PIXELS))


def two_layers():
    """The same of p(z2) = N(0, 1), z1 = a z2 + c + d e, x = w z1 + b + S e."""
    w, b, a, c, d = np.array([[0.9, -0.3, 0.6, 0.2]]), np.array([0.1, -0.2, 0.0, 0.3]), 0.8, 0.3, 0.7
    variance = a**2 + d**2
    of_first = 1 / (1 / variance + (w**2).sum() / S**2)
    of_second = 1 / (1 + a**2 / d**2)
    slope = of_second * a / d**2
    variables = {
        "encoder": head(w.T * of_first / S**2, of_first * (c / variance - (w @ b) / S**2), [of_first]),
        "upper_encoder": head([[slope]], [-slope * c], [of_second]),
        "upper_decoder": head([[a]], [c], [d**2]),
        "decoder": {"params": {"Dense_0": fill(w, b)}},
    }
    return variables, scipy.stats.multivariate_normal(c * w[0] + b, variance * w.T @ w + S**2 * np.eye(PIXELS))


LAYERS = {(2,): one_layer, (1, 1): two_layers}


def widened(variables, by=0.8, moved=0.5):
    """The same model with a worse encoder."""
    layers = variables["encoder"]["params"]
    worse = {
        "Dense_0": {**layers["Dense_0"], "bias": layers["Dense_0"]["bias"] + moved},
        "Dense_1": {**layers["Dense_1"], "bias": layers["Dense_1"]["bias"] + by},
    }
    return {**variables, "encoder": {"params": worse}}


def likelihoods(built, variables, image, samples, seed=0):
    found = jax.jit(functools.partial(built.log_likelihood, samples=samples))(jax.random.key(seed), variables, image)
    return np.float64(found)


@pytest.mark.parametrize("latents", LAYERS)
@pytest.mark.parametrize("samples", [1, 120])
def test_with_the_true_posterior_any_number_of_samples_gives_the_evidence(latents, samples):
    variables, of_image = LAYERS[latents]()
    image = jax.random.normal(jax.random.key(5), (6, *SHAPE))
    found = likelihoods(game(latents=latents), variables, image, samples)
    np.testing.assert_allclose(found, of_image.logpdf(np.float64(image).reshape(6, -1)), atol=2e-4)


def test_at_the_true_posterior_the_doubly_reparametrised_gradient_of_the_encoder_is_nothing():
    variables, _ = one_layer()
    batch = {**example(samples=5)[1]}
    for name, least, most in (("dreg", 0, 1e-5), ("iwae", 0.01, np.inf)):
        built = game(Objective(name, 5))
        found = jax.grad(lambda variables, built=built: outcome(built, variables, batch)[0])(variables)
        assert least <= max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(found["encoder"])) <= most


@pytest.mark.parametrize("latents", LAYERS)
def test_with_another_posterior_the_bound_rises_to_the_evidence(latents):
    variables, of_image = LAYERS[latents]()
    image = jnp.tile(jax.random.normal(jax.random.key(5), (1, *SHAPE)), (2000, 1, 1, 1))
    evidence_of_it = float(of_image.logpdf(np.float64(image[0]).ravel()))
    built, before, error = game(latents=latents), -np.inf, 0.0
    for samples in (1, 8):
        found = likelihoods(built, widened(variables), image, samples)
        after, error = found.mean(), np.hypot(error, found.std() / np.sqrt(2000))
        assert before + 4.5 * error < after < evidence_of_it + 4.5 * found.std() / np.sqrt(2000)
        before, error = after, found.std() / np.sqrt(2000)
    assert np.abs(likelihoods(built, widened(variables), image[:20], 2000) - evidence_of_it).max() < 0.15


def mean_weights(samples, seed):
    """Over and over, the mean weight of so many samples of one image, divided by p(x)."""
    variables, of_image = one_layer()
    image = jnp.tile(jax.random.normal(jax.random.key(5), (1, *SHAPE)), (6000, 1, 1, 1))
    known = of_image.logpdf(np.float64(image[0]).ravel())
    return np.exp(likelihoods(game(), widened(variables, 0.3, 0.2), image, samples, seed) - known)


@pytest.mark.parametrize("chunk", [50, 4, 1])
def test_exactly_so_many_independent_samples_are_weighed_however_they_are_cut(chunk, monkeypatch):
    """Their mean weight is p(x) in the mean, and its variance is that of one weight divided by their number."""
    k, single = 5, mean_weights(1, 0)
    monkeypatch.setattr(variational_game, "CHUNK", chunk)
    several = mean_weights(k, 1)
    for weights in (single, several):
        assert abs(weights.mean() - 1) < 4.5 * weights.std() / np.sqrt(len(weights))
    assert single.var() / several.var() == pytest.approx(k, rel=0.09)


def test_the_bound_of_points_is_that_of_each_point_and_not_of_a_batch_of_them():
    """The networks of the project without hidden layers, on points [2]; by hand in float64 on the same weights."""
    encoder, decoder = GaussianCoder(mlp.Encoder(widths=()), 3), mlp.Decoder((2,), widths=())
    likelihood, objective = gaussian(rank=1, bounded=False, deviation=S), Objective("iwae", samples=4)
    built = Variational((encoder,), (decoder,), (3,), likelihood, objective, "none", Nothing())
    raw = {"data": np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)}
    variables = jax.jit(built.init)(jax.random.key(0), raw)
    batch = {**raw, "condition": {}, "noise": [jax.random.normal(jax.random.key(1), (4, 5, 3))]}
    value, metrics = outcome(built, variables, batch)
    point, noise = np.float64(raw["data"]), np.float64(batch["noise"][0])
    mean, deviation = dense(variables["encoder"], "Dense_0", point), dense(variables["encoder"], "Dense_1", point)
    deviation = np.exp(deviation / 2)
    latent = mean + deviation * noise
    log_weights = normal(point, dense(variables["decoder"], "Dense_0", latent), S)
    log_weights += normal(latent, 0, 1) - normal(latent, mean, deviation)
    bound = scipy.special.logsumexp(log_weights, axis=0) - np.log(4)
    assert metrics["bound"].count == 5
    np.testing.assert_allclose([value, metrics["bound"].total / 5], -bound.mean(), rtol=1e-6)
