"""Adversarial losses against their formulas, their gradients against differences, and what theory says of their optima.

On a finite set of points a critic is a table of logits, and expectations over data of density p and samples of density
q are sums: optima can be proven by gradients that vanish, and found by descent.
"""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from absl.testing import parameterized
from jax.test_util import check_grads

from gengen.losses import adversarial
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from tests.tables import row

HERE = "tests/losses/adversarial_test.py"

REAL = np.array([-3.0, -0.5, 0.0, 1.5, 4.0], np.float32)
FAKE = np.array([2.0, 0.0, -1.2, -4.0, 0.3], np.float32)

P = np.array([0.45, 0.3, 0.2, 0.05])
Q = np.array([0.1, 0.2, 0.3, 0.4])


def d(logit):
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


MINIMAX = -np.log(d(REAL)) - np.log(1 - d(FAKE))
CRITIC = {
    "minimax": MINIMAX,
    "non_saturating": MINIMAX,
    "least_squares": (REAL.astype(np.float64) - 1) ** 2 / 2 + FAKE.astype(np.float64) ** 2 / 2,
    "wasserstein": FAKE.astype(np.float64) - REAL,
    "hinge": np.maximum(0, 1 - REAL.astype(np.float64)) + np.maximum(0, 1 + FAKE.astype(np.float64)),
    "relativistic": MINIMAX,
    "relativistic_pairing": -np.log(d(REAL - FAKE)),
    "softmax": -REAL.astype(np.float64),
}
"""Of the logits `REAL` and `FAKE` as a loss takes them, after `of_batch` where it has one."""

GENERATOR = {
    "minimax": np.log(1 - d(FAKE)),
    "non_saturating": -np.log(d(FAKE)),
    "least_squares": (FAKE.astype(np.float64) - 1) ** 2 / 2,
    "wasserstein": -FAKE.astype(np.float64),
    "hinge": -FAKE.astype(np.float64),
    "relativistic": -np.log(d(FAKE)) - np.log(1 - d(REAL)),
    "relativistic_pairing": -np.log(d(FAKE - REAL)),
    "softmax": -(REAL.astype(np.float64) + FAKE) / 2,
}
OF_BATCH = {
    "relativistic": np.stack([REAL - FAKE.mean(), FAKE - REAL.mean()]),
    "softmax": np.log(10) + scipy.special.log_softmax(np.stack([REAL, FAKE]).astype(np.float64)),
}
"""Of losses that look at the whole batch: what they make of the logits `REAL` and `FAKE`, [2, 5]."""

LOOKING = [name for name, loss in ADVERSARIAL_LOSSES.items() if loss.of_batch]
ALONE = [name for name in ADVERSARIAL_LOSSES if name not in LOOKING]


class ClosedForms(chex.TestCase):
    @chex.all_variants
    @parameterized.parameters(*ADVERSARIAL_LOSSES)
    def test_critic(self, name):
        value = self.variant(ADVERSARIAL_LOSSES[name].critic)(REAL, FAKE)
        form = row(CRITIC, name, f"the closed form of the critic's loss, CRITIC in {HERE}")
        chex.assert_trees_all_close(value, form.astype(np.float32), rtol=1e-5, atol=1e-6)

    @chex.all_variants
    @parameterized.parameters(*ADVERSARIAL_LOSSES)
    def test_generator(self, name):
        value = self.variant(ADVERSARIAL_LOSSES[name].generator)(REAL, FAKE)
        form = row(GENERATOR, name, f"the closed form of the generator's loss, GENERATOR in {HERE}")
        chex.assert_trees_all_close(value, form.astype(np.float32), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOOKING)
def test_what_a_loss_makes_of_the_logits_of_a_batch(name):
    form = row(OF_BATCH, name, f"the closed form of what it makes of the logits of a batch, OF_BATCH in {HERE}")
    chex.assert_trees_all_close(np.stack(of_batch(name, REAL, FAKE)), form.astype(np.float32), rtol=1e-5, atol=1e-6)


def of_batch(name, real, fake):
    """The logits as a loss takes them."""
    change = ADVERSARIAL_LOSSES[name].of_batch
    return change(real, fake) if change else (real, fake)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_a_loss_of_an_example_depends_on_its_own_logits_alone(name):
    loss = ADVERSARIAL_LOSSES[name]
    for function in (loss.critic, loss.generator):
        whole, part = function(REAL, FAKE), function(REAL[1:3], FAKE[1:3])
        advice = f"{function.__name__} looks at the whole batch: do that in `of_batch`, which sees all replicas"
        np.testing.assert_allclose(part, whole[1:3] if whole.shape else whole, rtol=1e-6, err_msg=advice)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_gradients_agree_with_differences_to_second_order(name):
    """Of the losses of whole batches, as `CriticGame` makes them."""
    loss = ADVERSARIAL_LOSSES[name]
    for function in (loss.critic, loss.generator):

        def total(real, fake):
            return function(*of_batch(name, real, fake)).sum()  # noqa: B023

        check_grads(total, (REAL, FAKE), order=2, modes=("rev",), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(
    "name", [name for name in ADVERSARIAL_LOSSES if name != "least_squares"]
)  # a square has no room
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_extreme_logits_stay_finite(name, size):
    loss, logits = ADVERSARIAL_LOSSES[name], jnp.asarray([-size, size])

    def both(x):
        return loss.critic(*of_batch(name, x, -x)).sum() + loss.generator(*of_batch(name, -x, x)).sum()

    values, gradients = jax.jit(jax.value_and_grad(both))(logits)
    chex.assert_tree_all_finite((values, gradients))


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_smoothing_a_label_replaces_log_d_by_the_cross_entropy_with_its_target(name):
    target = np.linspace(0.1, 1.0, 5, dtype=np.float32)
    cross = -target * np.log(d(REAL)) - (1 - target) * np.log(1 - d(REAL)) - np.log(1 - d(FAKE))
    value = ADVERSARIAL_LOSSES[name].critic(REAL, FAKE, target)
    chex.assert_trees_all_close(value, cross.astype(np.float32), rtol=1e-5)


# What a critic can learn.


def expected(name, logits, p=P, q=Q, target=1.0):
    """The mean loss of a critic that is a table of logits [points], over pairs of data and samples.

    Losses that look at others see a batch of 20 data and 20 samples, of which each point has its share exactly.
    """
    loss = ADVERSARIAL_LOSSES[name]
    if loss.of_batch:
        real, fake = loss.of_batch(drawn(logits, p), drawn(logits, q))
        p = q = jnp.full(20, 1 / 20)
    else:
        real = fake = logits
    real, fake = (x.ravel() for x in jnp.meshgrid(real, fake, indexing="ij"))
    return (jnp.outer(p, q).ravel() * loss.critic(real, fake, *((target,) if loss.targets else ()))).sum()


def drawn(logits, density):
    """The logits of 20 examples, of which each point has its share, as all densities here are multiples of 1/20."""
    return jnp.repeat(logits, jnp.rint(20 * density).astype(int), total_repeat_length=20)


@functools.partial(jax.jit, static_argnums=0)
def distance(name, logits, p, q):
    return ADVERSARIAL_LOSSES[name].distance(expected(name, logits, p, q))


def estimate(name, logits, p=P, q=Q):
    return float(distance(name, logits, p, q))


def divergence(p, q):
    """Jensen-Shannon, in nats."""
    m = (p + q) / 2
    return 0.5 * scipy.stats.entropy(p, m) + 0.5 * scipy.stats.entropy(q, m)


BEST = {
    "minimax": lambda p, q: np.log(p / q),
    "non_saturating": lambda p, q: np.log(p / q),
    "least_squares": lambda p, q: p / (p + q),
    "hinge": lambda p, q: np.sign(p - q),
    "relativistic_pairing": lambda p, q: np.log(p / q),
    "softmax": lambda p, q: np.log(p / (p + q)),
}
DISTANCE = {
    "minimax": divergence,
    "non_saturating": divergence,
    "least_squares": lambda p, q: 0.5 * ((p - q) ** 2 / (p + q)).sum(),
    "hinge": lambda p, q: 0.5 * np.abs(p - q).sum(),
    "relativistic_pairing": lambda p, q: divergence(np.outer(p, q).ravel(), np.outer(q, p).ravel()),
    "softmax": lambda p, q: scipy.stats.entropy(p, (p + q) / 2),
}
NO_BEST = {
    "wasserstein": "the best has no bounds, but among critics of slope one",
    "relativistic": "no closed form is known but for equal densities",
}
"""Losses whose best critic cannot be written down, why, and a test of their own below."""

LARGEST = {
    "jensen_shannon": math.log(2),
    "le_cam": 1.0,
    "total_variation": 1.0,
    "wasserstein": math.inf,
    "relativistic_divergence": math.log(2),
    "paired_divergence": math.log(2),
    "k_divergence": math.log(2),
}
"""What no estimate is above, whatever the critic says of whichever batch."""


@pytest.mark.parametrize("name", [name for name in ADVERSARIAL_LOSSES if name not in NO_BEST])
def test_the_best_critic_of_a_loss_is_known(name):
    row(BEST, name, f"its best critic on a table of densities, BEST in {HERE}, or in NO_BEST why there is none")
    row(DISTANCE, name, f"the distance that its best critic finds, DISTANCE in {HERE}")


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_no_batch_gives_an_estimate_above_the_largest_distance(name):
    loss = ADVERSARIAL_LOSSES[name]
    largest = row(LARGEST, loss.estimate, f"the largest value of this estimate of {name!r}, LARGEST in {HERE}")
    for seed, scale in enumerate((0.1, 1.0, 10.0, 100.0)):
        real, fake = np.random.default_rng(seed).normal([[1.0], [-1.0]], 1.0, (2, 4)).astype(np.float32) * scale
        assert loss.distance(loss.critic(*of_batch(name, real, fake))).mean() <= largest + 1e-5


@pytest.mark.parametrize("name", ["minimax", "least_squares", "relativistic_pairing", "softmax"])
def test_the_gradient_vanishes_at_the_optimal_critic_and_only_there(name):
    with jax.enable_x64(True):
        gradient, best = jax.jit(jax.grad(lambda logits: expected(name, logits))), BEST[name](P, Q)
        np.testing.assert_allclose(gradient(best), 0, atol=1e-15)
        for index in range(4):
            away = best + 0.01 * np.eye(4)[index]
            assert gradient(away)[index] > 1e-4


def test_the_optimal_discriminator_is_p_over_p_plus_q():
    np.testing.assert_allclose(d(BEST["minimax"](P, Q)), P / (P + Q), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "rate", "steps"), [("minimax", 4, 500), ("least_squares", 1, 300), ("hinge", 0.02, 800)]
)
def test_descent_on_a_table_of_logits_finds_the_optimal_critic(name, rate, steps):
    def descend(logits):
        gradient = jax.grad(lambda logits: expected(name, logits))
        return jax.lax.fori_loop(0, steps, lambda _, logits: logits - rate * gradient(logits), logits)

    with jax.enable_x64(True):
        found = jax.jit(descend)(jnp.asarray([0.3, -0.2, 0.1, 0.0]))
    np.testing.assert_allclose(found, BEST[name](P, Q), atol=0.03 if name == "hinge" else 1e-6)


@pytest.mark.parametrize("name", BEST)
def test_the_estimate_of_the_optimal_critic_is_the_distance_and_any_other_sees_less(name):
    with jax.enable_x64(True):
        best, true = BEST[name](P, Q), DISTANCE[name](P, Q)
        assert estimate(name, best) == pytest.approx(true, rel=1e-12)
        for change in np.random.default_rng(0).normal(0, 0.3, (20, 4)):
            assert estimate(name, best + change) < true


@pytest.mark.parametrize("name", BEST)
def test_distances_are_zero_between_equal_densities_and_largest_between_disjoint_ones(name):
    with jax.enable_x64(True):
        assert estimate(name, BEST[name](P, P), P, P) == pytest.approx(0, abs=1e-12)
        p, q, ends = np.array([0.3, 0.7, 0, 0]), np.array([0, 0, 0.4, 0.6]), np.array([1.0, 1, 0, 0])
        logits, largest = {"least_squares": (ends, 1), "hinge": (2 * ends - 1, 1)}.get(
            name, (60 * ends - 30, math.log(2))
        )
        assert estimate(name, logits, p, q) == pytest.approx(largest)


def test_the_minimax_value_is_twice_the_divergence_less_two_log_two():
    with jax.enable_x64(True):
        for p, q in ((P, Q), (P, P), (Q, Q[::-1])):
            value = -float(expected("minimax", np.log(p / q), p, q))
            assert value == pytest.approx(2 * divergence(p, q) - 2 * math.log(2), rel=1e-12)
    zero = jnp.zeros(4)
    chex.assert_trees_all_close(-adversarial.minimax_critic(zero, zero), jnp.full(4, -2 * math.log(2)), rtol=1e-6)


def test_the_optimal_logit_between_two_gaussians_is_linear():
    x = np.linspace(-7, 8, 301)
    p, q = (scipy.stats.norm(mean).pdf(x) * (x[1] - x[0]) for mean in (0, 1))  # trapezes of tails that are 0
    with jax.enable_x64(True):
        logits = 0.5 - x  # log p(x) - log q(x)
        gradient = jax.jit(jax.grad(lambda logits: expected("minimax", logits, p, q)))
        np.testing.assert_allclose(gradient(logits), 0, atol=1e-12)
        assert estimate("minimax", logits, p, q) == pytest.approx(divergence(p, q), rel=1e-9)


@pytest.mark.parametrize("target", [0.9, 0.6])
def test_a_smoothed_label_scales_the_optimal_discriminator(target):
    scaled = target * P / (P + Q)
    with jax.enable_x64(True):
        for name, best in (("minimax", np.log(scaled / (1 - scaled))), ("least_squares", scaled)):
            gradient = jax.grad(lambda logits: expected(name, logits, target=target))  # noqa: B023
            np.testing.assert_allclose(gradient(best), 0, atol=1e-15)


def test_the_best_wasserstein_critic_of_slope_one_reaches_the_distance_and_others_do_not():
    points = np.arange(4.0)
    slopes = -np.sign(np.cumsum(P - Q))[:-1]
    best = np.concatenate([[0], np.cumsum(slopes)])
    true = scipy.stats.wasserstein_distance(points, points, P, Q)
    assert estimate("wasserstein", best) == pytest.approx(true, rel=1e-6)
    for change in np.random.default_rng(0).uniform(-1, 1, (20, 3)):
        assert estimate("wasserstein", np.concatenate([[0], np.cumsum(change)])) < true


def test_a_relativistic_critic_of_equal_densities_is_at_rest_where_all_logits_are_the_same():
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(functools.partial(expected, "relativistic")))
        for level in (-3.0, 0.0, 5.0):
            logits = jnp.full(4, level)
            np.testing.assert_allclose(gradient(logits, P, P), 0, atol=1e-15)
            assert float(expected("relativistic", logits, P, P)) == pytest.approx(2 * math.log(2), rel=1e-12)
            assert estimate("relativistic", logits, P, P) == pytest.approx(0, abs=1e-12)
        for logits in np.random.default_rng(0).normal(0, 0.5, (20, 4)):
            assert estimate("relativistic", logits, P, P) < 0
        assert np.abs(gradient(jnp.zeros(4), P, Q)).max() > 0.1


# What a generator learns from.


def test_against_the_best_softmax_critic_the_generator_pays_the_divergence_of_the_mixture_from_data():
    with jax.enable_x64(True):
        for p, q in ((P, Q), (Q, P), (P, P)):
            logits = BEST["softmax"](p, q)
            value = adversarial.softmax_generator(*adversarial.softmax_logits(drawn(logits, p), drawn(logits, q)))
            assert float(value.mean()) == pytest.approx(scipy.stats.entropy((p + q) / 2, p), abs=1e-12)


@pytest.mark.parametrize(("name", "slope"), [("minimax", lambda d: -d), ("non_saturating", lambda d: d - 1)])
def test_the_generators_gradient_is_that_of_the_paper_for_every_logit(name, slope):
    with jax.enable_x64(True):
        logits = jnp.linspace(-30.0, 10.0, 81)
        gradient = jax.grad(lambda fake: ADVERSARIAL_LOSSES[name].generator(jnp.zeros(81), fake).sum())(logits)
        np.testing.assert_allclose(gradient, slope(d(logits)), rtol=1e-9)


def test_the_minimax_generator_saturates_where_the_other_does_not():
    with jax.enable_x64(True):
        for logit in (-10.0, -20.0, -30.0):  # D(G(z)) is about exp(logit)
            saturating, other = (
                float(jax.grad(ADVERSARIAL_LOSSES[name].generator, argnums=1)(*jnp.asarray([0.0, logit])))
                for name in ("minimax", "non_saturating")
            )
            assert saturating == pytest.approx(-math.exp(logit), rel=1e-4)
            assert other == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("name", [name for name in ALONE if name != "relativistic_pairing"])
def test_only_a_generator_of_whole_batches_or_of_pairs_learns_from_data(name):
    slope = jax.grad(lambda real: ADVERSARIAL_LOSSES[name].generator(real, jnp.asarray(FAKE)).sum())(REAL)
    np.testing.assert_array_equal(slope, 0)
