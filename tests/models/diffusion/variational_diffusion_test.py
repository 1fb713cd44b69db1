"""The bound of an exact network is the truth less a gap that is known, whatever the schedule; the schedule calms it."""

from functools import cache

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from gengen.core.parallel import AXIS
from gengen.models.diffusion.drawing import Drawing
from gengen.models.diffusion.learnt_path import LearntPath
from gengen.models.diffusion.variational_diffusion import ANY, VariationalDiffusion
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.networks.denoisers.noise_schedule import NoiseSchedule
from gengen.samplers.samplers import SAMPLERS
from tests.networks.denoisers.noise_schedule_test import bent

LEVELS, ENDS = 3, (-2.0, 2.5)
"""Of toys: two numbers of three levels, and so much noise at first that the decoder is not always sure."""

LAW = np.array([[0.3, 0.05, 0.1], [0.02, 0.2, 0.03], [0.1, 0.05, 0.15]])
"""The probability of each pair of levels: neither number says nothing of the other one."""

STATES = (np.stack(np.meshgrid(*[np.arange(LEVELS)] * 2, indexing="ij"), -1).reshape(-1, 2) - 1.0).astype(np.float32)
"""All pairs, in the model's units [9, 2]."""


def mixed(z, gamma, xp=np):
    """Log-weights of all pairs behind z [n, 2], not normalised [n, 9]: log q(z) is the logarithm of their sum."""
    alpha, variance = (1 / (1 + xp.exp(gamma))[:, None, None]) ** 0.5, 1 / (1 + xp.exp(-gamma))[:, None]
    squares = xp.square(z[:, None] - alpha * STATES[None]).sum(-1)
    return np.log(LAW.reshape(1, -1)).astype(z.dtype) - squares / (2 * variance) - xp.log(2 * np.pi * variance)


class ExactNoise(Denoiser):
    """The mean of the noise in what it sees, by Bayes' rule over all pairs."""

    @nn.compact
    def __call__(self, x, time, told=None, span=None, keys=None, *, train):
        del told, span, keys, train
        gamma = ENDS[0] + (ENDS[1] - ENDS[0]) * time
        mean = jax.nn.softmax(mixed(x, gamma, jnp)) @ STATES
        alpha, sigma = (jnp.sqrt(jax.nn.sigmoid(one))[:, None] for one in (-gamma, gamma))
        return (x - alpha * mean) / sigma


def game(schedule=None, sampler="ancestral", network=None, **arguments):
    drawing = Drawing(SAMPLERS[sampler](**{"calls": 60, "spacing": "time", **arguments}))
    network = network or ExactNoise(shape=(2,))
    return VariationalDiffusion(network, LearntPath(schedule, ENDS), "noise", LEVELS, 0.0, drawing)


def variables_of(model, seed=None):
    """With a schedule that is nearly a line, or one that is none."""
    variables = model.way.init(jax.random.key(0))
    return {"denoiser": {}, **variables, **({} if seed is None else {"schedule": bent(seed, model.way.schedule.width)})}


def expectation(nats):
    """Mean under the law and its standard error, of nats [copies, 9]."""
    nats = np.asarray(nats, np.float64).reshape(-1, len(STATES))
    each = nats @ LAW.reshape(-1)
    return each.mean(), each.std() / len(each) ** 0.5


COPIES = 300


@cache
def bounded(seed=None, samples=128):
    model, data = game(NoiseSchedule(8)), np.tile(STATES, (COPIES, 1))
    return jax.jit(model.bound, static_argnums=4)(jax.random.key(0), variables_of(model, seed), data, None, samples)


@cache
def gaps():
    """What the bound lacks: KL(q(z_1) || N(0, I)), or N(0, sigma_1^2), and E log q(x | z_0) / p(x | z_0), by a grid."""
    axis = np.arange(-7, 7, 0.02)
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    least, most = (mixed(z, np.full(len(z), gamma)) for gamma in ENDS)
    q = np.logaddexp.reduce(most, -1)
    deviation = (1 / (1 + np.exp(-ENDS[1]))) ** 0.5
    ends = [(np.exp(q) * (q - stats.norm(0, one).logpdf(z).sum(-1))).sum() * 0.02**2 for one in (1.0, deviation)]
    flat = least - np.log(LAW.reshape(1, -1))  # the decoder takes all levels for alike
    sure = [one - np.logaddexp.reduce(one, -1, keepdims=True) for one in (least, flat)]
    decoder = (np.exp(least) * (sure[0] - sure[1])).sum() * 0.02**2
    return *ends, decoder


ENTROPY = -(LAW * np.log(LAW)).sum()


def test_the_bound_of_an_exact_network_is_minus_the_entropy_less_what_its_two_ends_lose():
    mean, error = expectation(bounded())
    prior, _, decoder = gaps()
    assert error < 0.01
    assert mean == pytest.approx(-ENTROPY - prior - decoder, abs=4 * error)
    assert prior + decoder > 10 * error


def test_the_likelihood_of_the_ode_lies_between_the_bound_and_the_truth():
    """With one sample it lacks what its own ends lose, and with more of them less."""
    model, data = game(), np.tile(STATES, (COPIES, 1))
    once, often = (
        expectation(
            jax.jit(model.by_ode, static_argnums=4)(jax.random.key(1), variables_of(model), data, None, samples)
        )
        for samples in (1, 8)
    )
    _, prior, decoder = gaps()
    assert once[1] < 0.01
    assert once[0] == pytest.approx(-ENTROPY - prior - decoder, abs=4 * once[1] + 1e-3)
    assert expectation(bounded())[0] < often[0] + 4 * often[1] < -ENTROPY + 8 * often[1]
    assert often[0] > once[0] + 0.25 * decoder


def test_the_shape_of_the_schedule_changes_how_much_the_bound_varies_and_not_its_mean():
    (plain, error), (bent, other) = expectation(bounded()), expectation(bounded(3))
    assert plain == pytest.approx(bent, abs=4 * (error**2 + other**2) ** 0.5)
    spreads = [np.asarray(bounded(seed, 1)).reshape(COPIES, -1).std(0).mean() for seed in (None, 3)]
    assert spreads[1] > 1.3 * spreads[0]


def test_the_prior_costs_the_divergence_of_normal_distributions():
    model = game()
    data = np.array([[-1.0, 0.0], [1.0, 1.0]], np.float32)
    prior, _ = model.first_parts(variables_of(model), data)
    z, alpha, sigma = np.arange(-9, 9, 0.001), (1 / (1 + np.exp(ENDS[1]))) ** 0.5, (1 / (1 + np.exp(-ENDS[1]))) ** 0.5
    each = {x: stats.norm(alpha * x, sigma) for x in (-1.0, 0.0, 1.0)}
    divergence = {x: (q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z))).sum() * 0.001 for x, q in each.items()}
    np.testing.assert_allclose(prior, [sum(divergence[float(x)] for x in row) for row in data], atol=1e-5)


@pytest.mark.parametrize(
    ("sampler", "arguments"),
    [("ancestral", {}), ("ancestral", {"variance": "forward"}), ("heun", {"spacing": "power"}), ("dpm_solver", {})],
)
def test_samples_of_an_exact_network_have_the_law_of_the_data(sampler, arguments):
    """On a path whose functions hold variables, and which still ends at data, whatever is left of noise at gamma_0."""
    model, n = game(NoiseSchedule(8), sampler, **arguments), 4_000
    variables = variables_of(model, 1)
    found = np.asarray(jax.jit(lambda key: model.solved(key, variables, n).end)(jax.random.key(0)))
    assert set(np.unique(found)) == {-1.0, 0.0, 1.0}
    counts = (found[:, None] == STATES).all(-1).mean(0)
    np.testing.assert_allclose(counts, LAW.reshape(-1), atol=4 * 0.5 / n**0.5)


def test_means_on_another_path_are_those_of_as_much_noise():
    model, time = game(), jnp.array([0.2, 0.5])
    x = np.array([[0.3, -0.4], [0.1, 0.8]], np.float32)
    gamma = 2 * np.log(np.asarray(ANY.sigma(time)) / np.asarray(ANY.alpha(time)))
    truth = np.exp(mixed(x, gamma)) @ STATES / np.exp(mixed(x, gamma)).sum(-1, keepdims=True)
    np.testing.assert_allclose(model.expected(variables_of(model), x, time, None), truth, atol=1e-4)


class Wrong(Denoiser):
    """Takes the noise of data that are 0 for what it is, but for an error that depends on how much there is of it."""

    @nn.compact
    def __call__(self, x, time, told=None, span=None, keys=None, *, train):
        sigma = jnp.sqrt(jax.nn.sigmoid(ENDS[0] + (ENDS[1] - ENDS[0]) * time))
        return x / sigma[:, None] + error_at(time)[:, None]


def error_at(place):
    return 0.3 + jnp.square(place)


def batch_of(model, variables, n):
    """Data that are 0, at all times alike."""
    time = (jnp.arange(n, dtype=jnp.float32) + 0.5) / n
    place, pace = model.way.placed(variables, time)
    noise = jax.random.normal(jax.random.key(0), (n, 2))
    fixed = {"data": jnp.zeros((n, 2)), "noise": noise, "told": {}, "keys": None}
    return {**fixed, "time": time, "place": place, "pace": pace}


def test_the_gradient_of_the_schedule_is_that_of_the_mean_square_of_the_loss():
    """Here the loss is known at every time: e(s(t)) s'(t) with e the square of the error."""
    model = game(NoiseSchedule(4), network=Wrong(shape=(2,)))
    variables, n = variables_of(model, 2), 4_096

    def with_schedule(schedule):
        return {**variables, "schedule": schedule}

    def plainly(schedule):
        place, pace = model.way.placed(with_schedule(schedule), (jnp.arange(n, dtype=jnp.float32) + 0.5) / n)
        loss = jnp.square(error_at(place)) * pace * (ENDS[1] - ENDS[0]) / 2 / jnp.log(2.0)
        return jnp.square(loss).mean()

    def of_game(schedule):
        batch, fixed = batch_of(model, variables, n), model.diffusion(variables, batch_of(model, variables, n))
        return on_one(lambda: model.calming(with_schedule(schedule), batch, fixed))

    truth = jax.grad(lambda schedule: jnp.log(plainly(schedule)) / 2)(variables["schedule"])
    value, given = jax.value_and_grad(of_game)(variables["schedule"])
    assert abs(value) < 1e-5
    truth, given = (np.concatenate(jax.tree.leaves(one)) for one in (truth, given))
    np.testing.assert_allclose(given, truth, atol=0.01 * np.abs(truth).max())


def on_one(function):
    """What a function gives on one replica."""
    return jax.vmap(lambda _: function(), axis_name=AXIS)(jnp.zeros(1))[0]


def test_the_schedule_learns_to_make_the_loss_the_same_at_all_times():
    model = game(NoiseSchedule(16), network=Wrong(shape=(2,)))
    variables, optimizer = variables_of(model), optax.adam(0.03)

    def step(carry, _):
        schedule, opt = carry
        batch = batch_of(model, {**variables, "schedule": schedule}, 128)
        losses = model.diffusion(variables, batch)
        gradient = jax.grad(
            lambda schedule: on_one(lambda: model.calming({**variables, "schedule": schedule}, batch, losses))
        )(schedule)
        updates, opt = optimizer.update(gradient, opt)
        return (optax.apply_updates(schedule, updates), opt), losses.std() / losses.mean()

    with jax.numpy_dtype_promotion("standard"):
        begun = variables["schedule"], optimizer.init(variables["schedule"])
        _, spread = jax.jit(lambda: jax.lax.scan(step, begun, None, 300))()
    assert spread[-1] < 0.1 * spread[0]
