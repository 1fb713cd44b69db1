"""Averages of a width: their weights, the mixture of two that is nearest to a third, and what a step really keeps."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.build.averages import decay_of, exponent, of_chosen_width, of_width, shares, with_averages
from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, Stage
from gengen.core.refusal import Refusal
from gengen.core.state import State

WIDTHS = (0.05, 0.1)


def section(**changes):
    return ConfigDict({"decay": 0.0, "networks": ("a",), "widths": WIDTHS, "width": 0.0, **changes})


def rising(period=1, stages=()):
    """A model whose one weight at step t is sqrt(t)."""

    def init(key, batch):
        del key, batch
        return State(jnp.zeros((), jnp.int32), {"a": {"params": jnp.zeros(())}, "b": {"params": jnp.ones(())}}, {})

    def train_step(key, state, batch, *, phase=None):
        del key, batch, phase
        step = state.step + 1
        return state.replace(
            step=step, variables={**state.variables, "a": {"params": jnp.sqrt(step.astype(jnp.float32))}}
        ), {}

    return GenerativeModel(init, train_step, period, tuple(Stage(start, train_step) for start in stages))


def trained(steps, average, **of_model):
    model = with_averages(rising(**of_model), average)
    state = model.init(None, None)
    ends = [*(stage.start for stage in model.stages), steps]
    for step_of, end in zip((model, *model.stages), ends, strict=True):
        step_of = jax.jit(step_of.train_step)
        while state.step < end:
            state, _ = step_of(None, state, None)
    return state


def weights(width, steps):
    """Of each of the steps 1 to t: the integral of s^gamma over the step before it, as a share of the whole."""
    power = exponent(width) + 1
    edges = (np.arange(steps + 1) / steps) ** power
    return np.diff(edges)


@pytest.mark.parametrize("period", [1, 3])
def test_a_step_takes_so_much_that_all_steps_weigh_what_their_power_says(period):
    """Where an average moves with every third step, all that was since the last one counts as the present."""
    steps = 12
    state = trained(steps, section(decay=0.5), period=period)
    seen = np.sqrt(np.arange(period, steps + 1, period))
    for index, width in enumerate(WIDTHS, start=1):
        expected = weights(width, steps).reshape(-1, period).sum(1) @ seen
        assert float(state.average[f"a_{index}"]["params"]) == pytest.approx(expected, rel=1e-5)
    assert evaluation_variables(state)["a"] is state.average["a"], "samples are drawn with the average of decay"
    assert evaluation_variables(state).keys() == {"a", "b"}


def test_a_stage_begins_its_averages_anew():
    state = trained(12, section(), stages=(4,))
    expected = weights(WIDTHS[0], 8) @ np.sqrt(np.arange(5, 13))
    assert float(state.average["a"]["params"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("width", [0.01, 0.05, 0.1, 0.15, 0.25])
def test_a_width_is_the_deviation_of_the_weights_as_a_share_of_the_steps(width):
    gamma = exponent(width)
    assert math.sqrt(gamma + 1) / (gamma + 2) / math.sqrt(gamma + 3) == pytest.approx(width, rel=1e-9)
    times, share = (np.arange(20_000) + 0.5) / 20_000, weights(width, 20_000)
    mean = share @ times
    assert math.sqrt(share @ (times - mean) ** 2) == pytest.approx(width, rel=1e-3)


def test_of_a_million_steps_the_last_takes_what_it_should_to_a_millionth():
    """1 - (1 - 1 / t)^(gamma + 1) is 8e-6, and in float32 numbers near 1 are 6e-8 apart, a hundredth of it."""
    step, power = 10**6 - 1, exponent(0.1) + 1
    taken = float(of_width(0.1)(jnp.float32(step), 1))
    assert taken == pytest.approx(-math.expm1(power * math.log1p(-1 / (step + 1))), rel=1e-6)


def profile(width, times):
    gamma = exponent(width)
    return (gamma + 1) * times**gamma


def test_a_mixture_is_an_average_itself_and_no_other_of_its_kind_is_nearer_to_the_width():
    times = (np.arange(4_000) + 0.5) / 4_000
    kept = np.stack([profile(one, times) for one in WIDTHS])
    for width, most in ((0.05, 1e-6), (0.06, 0.052), (0.07, 0.052), (0.08, 0.052), (0.1, 1e-6)):
        mixture, wanted = np.array(shares(WIDTHS, width)), profile(width, times)
        assert mixture.sum() == pytest.approx(1)
        apart = [np.linalg.norm((mixture + move * np.array([1, -1])) @ kept - wanted) for move in (-0.01, 0, 0.01)]
        assert apart[1] == min(apart)
        assert apart[1] < most * np.linalg.norm(wanted)


def test_a_width_that_was_kept_is_taken_as_it_is_and_one_between_is_mixed():
    for decay in (0.0, 0.5):
        state = trained(30, section(decay=decay))
        first = 1 if decay else 0
        kept = [float(state.average[f"a_{place}" if place else "a"]["params"]) for place in (first, first + 1)]
        for width, expected in ((0.05, kept[0]), (0.1, kept[1]), (0.07, np.dot(shares(WIDTHS, 0.07), kept))):
            found = of_chosen_width(state.average, section(decay=decay, width=width))["a"]["params"]
            assert float(found) == pytest.approx(expected, rel=1e-5)
        assert of_chosen_width(state.average, section(decay=decay)) is state.average


@pytest.mark.parametrize(("changes", "said"), [({}, "between 0.05 and 0.1"), ({"widths": ()}, "kept none")])
def test_a_width_that_nothing_is_known_of_is_refused(changes, said):
    with pytest.raises(Refusal, match=rf"training\.average\.width=0\.2 must be .*{said}"):
        of_chosen_width({}, section(width=0.2, **changes))


@pytest.mark.parametrize(
    ("decay", "stages", "kept"),
    [(0.9999, (), 1_001 / 1_010), (0.9, (), 0.9), (0.9999, (600,), 401 / 410), (0.0, (), (1_000 / 1_001) ** 17.9722)],
)
def test_what_is_said_of_step_1000_is_what_is_kept_there_and_not_the_decay_in_the_long_run(decay, stages, kept):
    assert decay_of(section(decay=decay), rising(stages=stages))(1_000) == pytest.approx(kept, rel=1e-6)


def test_without_averages_nothing_is_kept_of_one():
    assert decay_of(section(widths=()), rising())(1_000) is None
