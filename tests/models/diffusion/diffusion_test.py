"""Exact denoisers give the right law through every path and prediction, and training finds them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from gengen.core.model import Denoising
from gengen.core.parallel import AXIS
from gengen.models.diffusion.diffusion import Diffusion, diffusion
from gengen.models.diffusion.drawing import WORSE, Drawing
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.samplers.predictions import PREDICTIONS, converted, input_scale
from gengen.samplers.probability_paths import LARGEST, LEAST, PATHS, Path
from gengen.samplers.samplers import heun
from tests.contract import sgd

MEANS, DEVIATION = np.array([-2.0, 2.0, 0.5], np.float32), 0.5
"""Of two classes, and of all data, a Gaussian each, so that guidance can be told apart."""

PAIRS = [(path, prediction) for path in PATHS for prediction in PREDICTIONS]


class Exact(Denoiser):
    """Gives what is predicted of Gaussian data of each class, exactly."""

    path: Path = PATHS["linear"]
    prediction: str = "velocity"

    @nn.compact
    def __call__(self, x, time, told=None, span=None, keys=None, *, train):
        del span, keys, train
        shape = (-1, *[1] * (x.ndim - 1))
        x = x / input_scale(self.path, time, deviation=DEVIATION).reshape(shape)
        mean = (jnp.asarray(MEANS)[told["label"]] if self.classes else jnp.full(len(x), MEANS[2])).reshape(shape)
        mean = mean + self.param("error", nn.initializers.zeros, ())
        alpha, sigma = (one(time).reshape(shape) for one in (self.path.alpha, self.path.sigma))
        variance = (alpha * DEVIATION) ** 2 + sigma**2
        data = mean + alpha * DEVIATION**2 * (x - alpha * mean) / variance
        return converted(data, "data", self.prediction, self.path, x, time, deviation=DEVIATION)


def game(path="linear", prediction="velocity", classes=0, calls=39, **drawing):
    network = Exact(shape=(4,), classes=classes, path=PATHS[path], prediction=prediction)
    way = Drawing(heun(calls=calls, spacing="log_snr"), **drawing)
    return Diffusion(network, PATHS[path], prediction, "uniform", "simple", DEVIATION, 0.0, way, False, 0)


def known(error=0.0):
    return {"denoiser": {"params": {"error": jnp.asarray(error)}}}


def samples(model, n=2_000, label=None, **more):
    variables = known() | more
    told = None if label is None else {"label": jnp.full(n, label)}
    return np.asarray(jax.jit(lambda key: model.solved(key, variables, n, told).end)(jax.random.key(0)))


@pytest.mark.parametrize(
    ("path", "prediction"),
    [pair if pair[0] == "cosine" else pytest.param(*pair, marks=pytest.mark.slow) for pair in PAIRS],
)
def test_samples_have_the_law_of_the_data_on_every_path_by_every_prediction(path, prediction):
    """Where alpha(1) = 0, as on the cosine path, noise and score say nothing of the data at t = 1."""
    found = samples(game(path, prediction))
    assert abs(found.mean() - MEANS[2]) < 4 * DEVIATION / found.size**0.5 + 0.01
    assert abs(found.std() / DEVIATION - 1) < 4 * (2 * found.size) ** -0.5 + 0.01


def test_guidance_by_0_and_1_is_that_of_nothing_and_of_the_class_and_by_2_is_twice_as_far():
    """Of Gaussians of one deviation, a guided mean is that of a Gaussian between them or beyond."""
    told = [samples(game(classes=2, guidance=weight), label=1).mean() for weight in (0.0, 1.0, 2.0)]
    np.testing.assert_allclose(told, [MEANS[2], MEANS[1], 2 * MEANS[1] - MEANS[2]], atol=0.03)


@pytest.mark.parametrize("classes", [0, 2])
def test_guidance_by_2_goes_as_far_beyond_the_better_mean_as_that_is_from_the_worse_one_of_the_same_class(classes):
    """The worse model is wrong by 1 of every class: 2 m - (m + 1)."""
    better = game(classes=classes, calls=19, guidance=2.0)
    better = better._replace(drawing=better.drawing._replace(worse=Denoising(game(classes=classes).expected, None)))
    label = 1 if classes else None
    found = samples(better, 500, label, **{WORSE: known(1.0)}).mean()
    assert found == pytest.approx(MEANS[1 if classes else 2] - 1, abs=0.06)


def test_a_sample_depends_on_its_place_and_its_class_alone():
    model = game(classes=2, calls=9)
    both = samples(model, 6, label=0)
    np.testing.assert_allclose(samples(model, 3, label=0), both[:3], atol=1e-5)


def test_the_likelihood_of_gaussian_data_is_its_density():
    model, data = game(), np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    variables = {"denoiser": {"params": {"error": jnp.zeros(())}}}
    found = jax.jit(lambda key: model.log_likelihood(key, variables, data))(jax.random.key(0))
    np.testing.assert_allclose(found, norm(MEANS[2], DEVIATION).logpdf(data).sum(1), atol=1e-2)


def test_the_likelihood_of_whole_numbers_is_below_that_of_their_cells_and_near_where_these_are_narrow():
    """log P of a cell, by the normal distribution function, and a bound that noise in it gives."""
    model, levels = game()._replace(levels=17), 17
    cells = np.random.default_rng(1).integers(8, 17, (64, 4))
    width = 2 / (levels - 1)
    data = (cells * width - 1).astype(np.float32)
    variables = {"denoiser": {"params": {"error": jnp.zeros(())}}}
    found = jax.jit(lambda key: model.log_likelihood(key, variables, data, samples=4))(jax.random.key(0))
    law = norm(MEANS[2], DEVIATION)
    truth = np.log(law.cdf(data + width / 2) - law.cdf(data - width / 2)).sum(1)
    gap = (truth - found).mean()
    assert -0.01 < gap < 0.05


def prepared(model, key, batch):
    prepare = jax.vmap(lambda batch: model.prepare(key, None, batch), axis_name=AXIS)
    return prepare(jax.tree.map(lambda leaf: leaf.reshape(2, -1, *leaf.shape[1:]), batch))


def test_times_lie_evenly_over_the_batch_of_all_replicas_within_the_ratios_that_a_network_knows():
    batch = prepared(game(), jax.random.key(1), {"data": jnp.zeros((512, 4))})
    time = np.sort(np.asarray(batch["time"]).reshape(-1))
    assert np.diff(time).max() < 1.01 / 512 + 1e-6
    ratio = time / (1 - time)
    assert ratio.min() > 0.99 * LEAST and ratio.max() < 1.01 * LARGEST


def test_a_class_is_left_out_of_a_share_of_the_examples():
    model = game(classes=2)._replace(dropped=0.25)
    batch = prepared(model, jax.random.key(2), {"data": jnp.zeros((4_000, 4)), "label": jnp.ones(4_000, jnp.int32)})
    label = np.asarray(batch["told"]["label"])
    assert set(np.unique(label)) == {1, 2}
    assert abs((label == 2).mean() - 0.25) < 4 * (0.25 * 0.75 / 4_000) ** 0.5


def test_training_takes_an_error_out_of_the_mean():
    """One parameter is wrong; the loss is least where it is 0, by every weighting."""
    given = {
        "networks": {"denoiser": game().network},
        "optimizers": {"denoiser": sgd(0.2)},
    }
    drawing = Drawing(heun(calls=9, spacing="log_snr"))
    model = diffusion(**given, bounded=False, levels=0, drawing=drawing, deviation=DEVIATION, weighting="min_snr")
    data = MEANS[2] + DEVIATION * np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)
    state = model.init(jax.random.key(0), {"data": jnp.asarray(data)})
    state.variables["denoiser"]["params"]["error"] = jnp.asarray(1.0)
    step = jax.jit(jax.vmap(model.train_step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS))
    losses = []
    for _ in range(200):
        state, metrics = step(jax.random.key(0), state, {"data": jnp.asarray(data).reshape(2, 128, 4)})
        losses.append(float(metrics["denoiser/loss"].total / metrics["denoiser/loss"].count))
    assert abs(float(state.variables["denoiser"]["params"]["error"])) < 0.1
    assert losses[-1] < losses[0]
