"""Looks at states whose samples are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.field import Field
from gengen.core.model import GenerativeModel
from gengen.core.state import State
from gengen.data.points import centres_of, read_points
from gengen.data.signature import DataSet, Signature
from gengen.diagnosis.looks import Looks

FIELDS = {"data": Field((2,), "float32")}
SIGNATURE = Signature("ring", "points", FIELDS, {"train": 10_000, "test": 2_000}, "")
TRAIN = read_points("ring", "train", 4_000)[0]
DATA = DataSet(SIGNATURE, {"train": {"data": TRAIN}, "test": {"data": read_points("ring", "test", 500)[0]}}, None)


def sample(key, variables, n, condition=None):
    """Points of the data, scaled and moved as the parameters say, of which the first `modes` modes alone are drawn."""
    del condition
    own = variables["generator"]["params"]
    chosen = jax.random.choice(key, jnp.asarray(TRAIN), (n,))
    return chosen * own["scale"] + own["shift"][None]


def state(scale=1.0, shift=(0.0, 0.0), critic=(1.0, 1.0)):
    params = {"scale": jnp.float32(scale), "shift": jnp.float32(jnp.asarray(shift))}
    variables = {"generator": {"params": params}, "critic": {"params": {"w": jnp.asarray(critic, jnp.float32)}}}
    return State(jnp.zeros((), jnp.int32), variables, {})


MODEL = GenerativeModel(lambda key, batch: state(), lambda key, state, batch, *, phase=None: (state, {}), sample=sample)


@pytest.fixture(scope="module")
def looks():
    return Looks(MODEL, DATA, clip=1.0)


def test_the_centres_of_mixtures_are_known_and_others_have_none():
    assert centres_of(SIGNATURE).shape == (8, 2)
    assert centres_of(Signature("moons", "points", FIELDS, {"train": 1, "test": 1}, "")) is None


def test_samples_that_are_as_the_data_are_healthy_and_stand_still(looks):
    looks.begin(state())
    found = looks(state())
    assert found["samples/spread"] == pytest.approx(1, rel=0.02)
    assert found["samples/distance"] == pytest.approx(1, rel=0.2)
    assert found["samples/modes"] == 1
    assert found["samples/movement"] == found["samples/exchanged"] == found["generator/update"] == 0


def test_samples_that_shrink_collapse_and_those_that_turn_by_half_exchange_all_modes(looks):
    looks.begin(state())
    assert looks(state(scale=0.01))["samples/spread"] == pytest.approx(0.01, rel=0.02)
    looks.begin(state())
    turned = looks(state(scale=-1))
    assert turned["samples/modes"] == 1
    assert turned["samples/movement"] == pytest.approx(2, rel=0.02)
    looks.begin(state(scale=0, shift=(1, 0)))
    jumped = looks(state(scale=0, shift=(-1, 0)))
    assert (jumped["samples/modes"], jumped["samples/exchanged"]) == (1 / 8, 1)


def test_samples_that_are_no_numbers_are_said_to_be_none(looks):
    assert looks(state(scale=np.nan)) == {"samples/finite": 0.0}


def test_of_a_clipped_critic_the_bound_and_the_signs_are_looked_at(looks):
    looks.begin(state(critic=(1.0, -0.5)))
    found = looks(state(critic=(1.0, 0.5)))
    assert (found["critic/at_bound"], found["critic/flipped"]) == (0.5, 0.5)
    assert found["critic/update"] == pytest.approx(1 / np.sqrt(1.25))


def test_a_run_that_goes_on_looks_as_if_it_had_not_stopped(looks):
    looks.begin(state())
    looks(state(scale=0.5))
    expected = looks(state(scale=0.25))
    again = Looks(MODEL, DATA, clip=1.0)
    again.begin(state(scale=0.5))
    assert again(state(scale=0.25)) == expected
