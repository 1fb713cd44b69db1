"""Growth: when it happens, what data look like meanwhile, what stands still, and optimizers that begin anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base
from gengen.build.optimizers import build_optimizer
from gengen.core.parallel import AXIS
from gengen.models.gans.progressive import progressive, shrunk
from gengen.models.gans.terms import drift, gradient_penalty
from gengen.networks import mlp, progan
from gengen.networks.progan import GROWTH, LEVEL, NOW

RATE = 1e-3


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def build(**changed):
    networks = {
        "generator": progan.Generator((16, 16, 1), width=4, wide=2),
        "critic": progan.Critic(width=4, wide=2, deviation=False),
    }
    section = base.optimizer("adam", RATE, b1=0.0, b2=0.99)
    optimizers = {player: build_optimizer(section, 100, player) for player in networks}
    given = {"networks": networks, "optimizers": optimizers, "latent": 5, "fading": 2, "steady": 3, **changed}
    return progressive(**given)


def trained(model, steps, looked=()):
    """The states before the steps that are looked at and at the end, and the metrics of all steps."""
    data = np.random.default_rng(0).normal(size=(8, 16, 16, 1)).astype(np.float32)
    state, states, measured = jax.jit(model.init)(jax.random.key(0), {"data": data[:1]}), [], []
    parts = [(0, model.train_step), *((stage.start, stage.train_step) for stage in model.stages)]

    def alone(step):
        return jax.jit(
            lambda state: jax.vmap(lambda _: step(jax.random.key(1), state, {"data": data}), axis_name=AXIS)(
                jnp.zeros(1)
            )
        )

    compiled = [(start, alone(step)) for start, step in parts]
    for number in range(steps):
        if number in looked:
            states.append(state)
        _, step = max((part for part in compiled if part[0] <= number), key=lambda part: part[0])
        state, metrics = jax.tree.map(lambda x: x[0], step(state))
        measured.append(metrics)
    return [*states, state], measured


def test_each_level_is_faded_in_and_then_steady_and_the_last_one_stays():
    model = build()
    assert [stage.start for stage in model.stages] == [3, 8]
    states, measured = trained(model, 13, looked=(3,))
    growth = [float(metrics["growth"].value) for metrics in measured]
    np.testing.assert_allclose(growth, [0, 0, 0, 0.5, 1, 1, 1, 1, 1.5, 2, 2, 2, 2], atol=1e-4)
    for name in ("generator", "critic"):
        assert states[-1].variables[name][GROWTH][NOW] == 2 * LEVEL
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(states[-1].variables))
    drawn = model.sample(jax.random.key(2), states[0].variables, 3)
    assert drawn.shape == (3, 16, 16, 1)
    blocks = np.asarray(drawn).reshape(3, 4, 4, 4, 4)
    assert np.ptp(blocks, axis=(2, 4)).max() < 1e-6  # of level 0: one number a block of 4 x 4 pixels


def test_levels_that_have_not_begun_stand_still_and_first_steps_of_a_stage_are_no_longer_than_those_of_a_run():
    model = build()
    states, _ = trained(model, 9, looked=(0, 3, 4, 8))
    params = [state.variables["generator"]["params"] for state in states]

    def moved(before, after, name):
        change = jax.tree.map(lambda a, b: np.abs(np.asarray(b) - np.asarray(a)).max(), params[before], params[after])
        return max(jax.tree.leaves(change[name]))

    for name in ("level_1_a", "image_1", "level_2_b", "image_2"):
        assert moved(0, 1, name) == 0
    assert moved(0, 1, "level_0") > 0
    for name in ("level_1_a", "image_1", "level_0"):
        assert 0 < moved(1, 2, name) <= 1.01 * RATE
    assert moved(3, 4, "image_2") <= 1.01 * RATE < 10 * RATE
    assert moved(1, 3, "level_2_a") == 0


def test_data_are_halved_and_as_coarse_as_images_are():
    images = jax.random.normal(jax.random.key(0), (2, 16, 16, 3))
    halved = np.asarray(images).reshape(2, 8, 2, 8, 2, 3).mean((2, 4))
    quarter = halved.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
    coarse = quarter.repeat(2, 1).repeat(2, 2)
    for growth, expected in ((0.0, coarse), (0.25, 0.75 * coarse + 0.25 * halved), (1.0, halved), (2.0, halved)):
        seen = shrunk(images, 1, 1, jnp.int32(growth * LEVEL))
        np.testing.assert_allclose(seen, expected, atol=1e-5)
    np.testing.assert_allclose(shrunk(images, 2, 0, jnp.int32(0)), quarter, atol=1e-6)


def test_a_level_may_look_at_fewer_examples_and_the_last_number_is_that_of_all_that_follow():
    """The drift, the mean of squared logits, tells how many there were: the step is that of a batch that ends there."""

    def first(**given):
        return trained(build(**given), 1)[1][0]["critic/loss"]

    whole, half = first(batches=(8, 2)), first(batches=(4,))
    assert float(whole.value) == pytest.approx(float(first().value))
    assert float(half.value) != pytest.approx(float(whole.value))


def test_drift_is_the_square_of_the_logits_of_data():
    (term,) = drift(weight=0.5)
    judged = type("Judged", (), {"logit": jnp.array([1.0, -3.0])})
    inputs = type("Inputs", (), {"judged_real": judged})
    np.testing.assert_allclose(term.value(jax.random.key(0), inputs), [1, 9])
    assert (term.player, term.weight, term.gradient) == ("critic", 0.5, False)


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("must be 'progan'", {"networks": {"generator": mlp.Generator((8, 8, 1)), "critic": mlp.Critic()}}),
        ("must be at least 1", {"fading": 0}),
        ("must be at least 1", {"batches": (4, 0)}),
        ("loss='least'", {"loss": "least"}),
    ],
)
def test_what_does_not_go_together_is_refused(said, given):
    with pytest.raises(ValueError, match=said):
        build(**given)


def test_gradients_of_images_are_penalised_beside_a_deviation():
    critic = progan.Critic(width=4, wide=2)
    generator = progan.Generator((16, 16, 1), width=4, wide=2)
    model = build(networks={"generator": generator, "critic": critic}, terms=gradient_penalty(weight=10.0))
    _, measured = trained(model, 1)
    assert np.isfinite(float(measured[0]["critic/gradient_penalty"].value))
