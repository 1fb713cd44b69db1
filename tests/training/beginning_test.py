"""A run that begins with the weights of another one: what it takes, and what it says of the rest."""

from functools import partial

import jax.numpy as jnp
import numpy as np

from gengen.core.state import State
from gengen.training.beginning import begun_from

ones, zeros = (partial(value, dtype=np.float32) for value in (np.ones, np.zeros))


def state_of(variables, average=()):
    average = {name: variables[name.rpartition("_")[0] if name not in variables else name] for name in average}
    return State(jnp.zeros((), jnp.int32), variables, {"player": jnp.ones(3)}, average)


def network(**arrays):
    return {"params": {name: jnp.asarray(array) for name, array in arrays.items()}}


def test_arrays_of_one_path_shape_and_type_are_taken_and_others_are_told_of():
    own = {
        "generator": network(a=np.zeros(2, np.float32), b=np.zeros((3, 2), np.float32)),
        "critic": network(c=np.zeros(1)),
    }
    theirs = {
        "generator": network(a=np.ones(2, np.float32), b=np.ones((3, 4), np.float32)),
        "encoder": network(d=np.ones(1)),
    }
    state, taken = begun_from(state_of(own, ["generator", "generator_1"]), theirs)
    np.testing.assert_array_equal(state.variables["generator"]["params"]["a"], 1)
    np.testing.assert_array_equal(state.variables["generator"]["params"]["b"], 0)
    for average in state.average.values():
        np.testing.assert_array_equal(average["params"]["a"], 1)
    np.testing.assert_array_equal(state.opt["player"], 1)
    assert taken.number == 1
    assert taken.own == {"generator/params/b": "[3, 4] there, [3, 2] here", "critic/params/c": "there is none"}
    assert str(taken) == (
        "1 of 3 arrays; its own are generator/params/b ([3, 4] there, [3, 2] here), critic/params/c (there is none); "
        "left are encoder/params/d"
    )


def test_another_type_is_not_taken():
    _, taken = begun_from(state_of({"g": network(a=np.zeros(2, np.float32))}), {"g": network(a=np.zeros(2, np.int32))})
    assert taken.own == {"g/params/a": "int32 there, float32 here"}


def test_each_member_begins_with_them():
    own = {"g": network(a=np.zeros((4, 2), np.float32))}
    state, taken = begun_from(state_of(own), {"g": network(a=np.array([1, 2], np.float32))}, members=4)
    np.testing.assert_array_equal(state.variables["g"]["params"]["a"], [[1, 2]] * 4)
    assert taken.number == 1
