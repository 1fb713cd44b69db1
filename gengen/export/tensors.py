"""What exported functions are given and give: names, shapes, types, what numbers mean, and examples up to the ends."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gengen.core.field import Field
from gengen.core.model import Condition
from gengen.core.units import Units

Make = Callable[[np.random.Generator, int], np.ndarray]
"""`(generator, n) -> examples [n, ...]`, those at the ends of what there can be first."""

IMPL = "threefry2x32"
"""How keys draw: JAX's own default, named, so that an artefact means the same whatever that becomes."""


class Tensor(NamedTuple):
    """One array that a function is given or gives, with the batch as its first axis.

    Attributes:
      name: of the array.
      shape: of one example.
      dtype: name of NumPy's type.
      meaning: of its numbers, in words.
      make: examples to compare artefacts on; None of what a function gives.
      levels: whether its whole numbers are levels, of which neighbours are nearly the same, such as those of pixels.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    meaning: str
    make: Make | None = None
    levels: bool = False

    @property
    def plan(self) -> jax.ShapeDtypeStruct:
        """The array for a batch of one."""
        return jax.ShapeDtypeStruct((1, *self.shape), np.dtype(self.dtype))

    def to_json(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"name": self.name, "shape": ["b", *self.shape], "dtype": self.dtype, "meaning": self.meaning}


def data_tensor(field: Field, *, own: bool) -> Tensor:
    """Examples of data.

    Args:
      field: of the data.
      own: whether they are in the data's own units, such as pixels of uint8, and not in the model's.
    """
    if not own:
        meaning = "-1 and 1 are the bounds of the data" if field.bounded else "standardised by the training data"
        return Tensor("data", field.shape, "float32", meaning, _scaled(field))
    whole = np.dtype(field.dtype).kind in "iu"
    ends = f"from {field.low:g} to {field.high:g}" if field.bounded else "without bounds"
    meaning = f"in the data's own units, {ends}"
    return Tensor("data", field.shape, field.dtype, meaning, _own(field), levels=whole)


def _scaled(field: Field) -> Make:
    """Examples in the model's units: both ends everywhere, a chequered one, halves, then noise."""

    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        shape = (n, *field.shape)
        made = rng.uniform(-1, 1, shape) if field.bounded else rng.standard_normal(shape)
        high, places = (1.0, np.indices(field.shape)) if field.bounded else (3.0, np.indices(field.shape))
        ends = [np.full(field.shape, -high), np.full(field.shape, high)]
        ends += [np.where(places.sum(0) % 2, high, -high), np.where(places[0] * 2 < field.shape[0], high, -high)]
        made[: len(ends)] = ends[:n]
        return made.astype(np.float32)

    return make


def _own(field: Field) -> Make:
    make = _scaled(field)
    return lambda rng, n: Units(field).to_data(make(rng, n))


def to_data(field: Field, array: jax.Array) -> jax.Array:
    """As `Units.to_data` in a program, in float32: a value halfway between two whole numbers may become the other one.

    Args:
      field: of the data.
      array: values [..., *shape] in the model's units.
    """
    if field.low is not None and field.high is not None:
        array = (array + 1) * ((field.high - field.low) / 2) + field.low
    elif field.mean:
        ones = (1,) * (array.ndim - 1)
        mean, deviation = (np.asarray(each, np.float32).reshape(*ones, -1) for each in (field.mean, field.deviation))
        array = array * deviation + mean
    if np.dtype(field.dtype).kind in "iu":
        array = array.round().clip(field.low, field.high)
    return array.astype(field.dtype)


def key_tensor() -> Tensor:
    """A random key of each example, from which all is drawn that the other inputs do not say."""

    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        made = rng.integers(0, 2**32, (n, 2), np.uint32)
        made[0] = 0
        return made

    meaning = f"a random key of each example: any two numbers, jax.random.key_data of JAX's {IMPL}"
    return Tensor("key", (2,), "uint32", meaning, make)


def condition_tensor(name: str, condition: Condition, *, nothing: bool) -> Tensor:
    """What each example is told.

    Args:
      name: of the condition.
      condition: what it can be.
      nothing: whether the model knows what it is to be told nothing.
    """
    if condition.classes:
        last = condition.classes - 1
        meaning = f"the class, 0 to {last}" + f"; {last + 1} says nothing" * nothing
        return Tensor(name, (), "int32", meaning, _classes(condition.classes + nothing))
    if condition.words:
        count = len(condition.words)
        meaning = f"words by their numbers, 1 to {count}, then zeros; all zeros say nothing"
        return Tensor(name, (condition.length,), "int32", meaning, _texts(count, condition.length))

    def numbers(rng: np.random.Generator, n: int) -> np.ndarray:
        made = rng.uniform(-1, 1, (n, condition.size)).astype(np.float32)
        made[:2] = np.array([[-1], [1]], np.float32)[:n]
        return made

    return Tensor(name, (condition.size,), "float32", "numbers, in [-1, 1] in training", numbers)


def _classes(count: int) -> Make:
    """The first and the last class, then others."""

    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        made = rng.integers(0, count, n)
        made[:2] = [0, count - 1][:n]
        return made.astype(np.int32)

    return make


def _texts(count: int, length: int) -> Make:
    """A text that says nothing, one of the last word alone, then others of any length."""

    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        made = rng.integers(1, count + 1, (n, length))
        made[np.arange(length)[None] >= rng.integers(1, length + 1, (n, 1))] = 0
        made[:2] = np.array([[0], [count]])[:n]
        return made.astype(np.int32)

    return make


def time_tensor() -> Tensor:
    """How far each example is from data to noise."""

    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        made = rng.uniform(0.02, 0.98, n)
        made[:2] = [1, 0.02][:n]
        return made.astype(np.float32)

    return Tensor("time", (), "float32", "0 is data and 1 is noise", make)


def of_output(name: str, arrays: Mapping[str, Any], meaning: str, *, levels: bool = False) -> Tensor:
    """What a function gives under a name, as its traced arrays [1, ...] say."""
    return Tensor(name, tuple(arrays[name].shape[1:]), arrays[name].dtype.name, meaning, levels=levels)
