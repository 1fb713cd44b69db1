"""Where a run begins: with weights of its own, or with those of another run."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from gengen.core.model import Batch, GenerativeModel
from gengen.core.state import State, Variables

SHOWN = 3
"""Arrays that are named of those that were not taken."""


class Taken(NamedTuple):
    """What a run took of another one.

    Attributes:
      number: of arrays that it took.
      own: why it begins with others of its own, by their paths.
      left: paths of arrays of the other run for which it has no place.
    """

    number: int
    own: Mapping[str, str]
    left: tuple[str, ...]

    def __str__(self) -> str:
        said = f"{self.number:,} of {self.number + len(self.own):,} arrays"
        if self.own:
            named = [f"{path} ({why})" for path, why in self.own.items()]
            said += f"; its own are {', '.join(named[:SHOWN])}{', ...' * (len(named) > SHOWN)}"
        if self.left:
            said += f"; left are {', '.join(self.left[:SHOWN])}{', ...' * (len(self.left) > SHOWN)}"
        return said


def initialised(model: GenerativeModel, key: jax.Array, batch: Batch) -> State:
    """The state of a new run, compiled as fast as can be: this program runs once.

    XLA:CPU took 21.9 s of CPU time to optimise the start of a small CycleGAN, and 3.2 s not to; the weights differ by
    rounding. Under jit, or averages would share memory with what they average. Key and batch are those of `InitFn`.
    """
    state: State = jax.jit(model.init, compiler_options={"xla_backend_optimization_level": 0})(key, batch)
    return state


def fitting(variables: Variables, source: Variables, members: int = 1) -> Taken:
    """What a new run can take of the variables of another one: arrays of one path, shape and type.

    Args:
      variables: of the new run, or their shapes; leaves of several members have an axis in front.
      source: of the other run.
      members: how many train together, each of which begins with the same weights.
    """
    own, theirs = (flatten_dict(tree, sep="/") for tree in (variables, source))
    refused = {path: why for path in own if (why := _reason(own[path], theirs.get(path), members))}
    return Taken(len(own) - len(refused), refused, tuple(path for path in theirs if path not in own))


def begun_from(state: State, source: Variables, members: int = 1) -> tuple[State, Taken]:
    """The state of a new run with all that `fitting` finds of another one, and what that is.

    Averages begin with what they average. Optimizers begin anew, as their moments are of another loss.
    """
    taken = fitting(state.variables, source, members)
    own, theirs = (flatten_dict(tree, sep="/") for tree in (state.variables, source))
    made = {path: array if path in taken.own else _placed(theirs[path], array) for path, array in own.items()}
    variables = unflatten_dict(made, sep="/")
    average = {name: jax.tree.map(jnp.copy, variables[_averaged(name, variables)]) for name in state.average}
    return state.replace(variables=variables, average=average), taken


def _reason(own: jax.Array, theirs: jax.Array | None, members: int) -> str:
    """Why an array is not taken; "" where it is."""
    shape = own.shape if members == 1 else own.shape[1:]
    if theirs is None:
        return "there is none"
    if theirs.shape != shape:
        return f"{list(theirs.shape)} there, {list(shape)} here"
    return "" if theirs.dtype == own.dtype else f"{theirs.dtype} there, {own.dtype} here"


def _placed(theirs: jax.Array, own: jax.Array) -> jax.Array:
    """An array of the other run, for each member where there are several; no array of the state shares memory."""
    return jnp.array(jnp.broadcast_to(theirs, own.shape), copy=True)


def _averaged(name: str, variables: Variables) -> str:
    """The network that an average is of: its name may end with the number of the average."""
    return name if name in variables else name.rpartition("_")[0]
