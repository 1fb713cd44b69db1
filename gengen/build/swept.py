"""A number that differs among the members of a run, in the place of a plain one."""

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.refusal import Refusal


class SeveralProgramsError(Refusal):
    """Values of a sweep do not make one program."""


@jax.tree_util.register_pytree_node_class
class Swept:
    """A number of a config that has one value for each combination of a sweep.

    With arrays it calculates as a weakly typed scalar of the traced program, the value of combination `index`. With
    Python's numbers it calculates as they do, each value for itself, so that what is rounded when it meets an array is
    what it is in the run of this value alone. Python is told of it only what all values agree on: a check of a range
    passes as it does for each of them, `if weight:` is decided where they decide it alike, and is refused where they do
    not, because then there is not one program for all of them.

    Args:
      name: of the key, such as "optimizers.critic.rate", for messages.
      values: of each combination.
      index: the combination, int32 [], traced or not.
    """

    __array_ufunc__ = None  # NumPy's arrays leave operations to this class

    def __init__(self, name: str, values: tuple[float, ...], index: Any) -> None:
        whole = all(isinstance(value, int) for value in values)
        self.name, self.index = name, index
        self.values = values if whole else tuple(map(float, values))  # or their dtype would be that of the first

    def tree_flatten(self) -> tuple[tuple[Any], tuple[str, tuple[float, ...]]]:
        """What JAX passes on where this is an argument of a compiled function: the index is traced, values are not."""
        return (self.index,), (self.name, self.values)

    @classmethod
    def tree_unflatten(cls, known: tuple[str, tuple[float, ...]], children: tuple[Any]) -> "Swept":
        """The inverse of `tree_flatten`."""
        return cls(*known, *children)

    def __jax_array__(self) -> jax.Array:
        # Of the dtype and the weak type that a Python number becomes: a strong float32 would widen bfloat16.
        return lax.full_like(jnp.asarray(self.values[0]), jnp.asarray(self.values)[self.index])

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"{self}"

    def __format__(self, spec: str) -> str:
        return " / ".join(dict.fromkeys(format(value, spec) for value in self.values))

    def __bool__(self) -> bool:
        return bool(self._agreed([bool(value) for value in self.values]))

    def __float__(self) -> float:
        return float(self._agreed(self.values))

    def __int__(self) -> int:
        return int(self._agreed(self.values))

    def __index__(self) -> int:
        return operator.index(self._agreed(self.values))

    def __neg__(self) -> "Swept":
        return Swept(self.name, tuple(-value for value in self.values), self.index)

    def __abs__(self) -> "Swept":
        return Swept(self.name, tuple(abs(value) for value in self.values), self.index)

    def _agreed(self, answers: Any) -> Any:
        """What is the same for all values.

        Raises:
          SeveralProgramsError: nothing is.
        """
        first = answers[0]
        for value, answer in zip(self.values, answers, strict=True):
            if answer != first:
                self._refuse(self.values[0], value)
        return first

    def _refuse(self, one: float, other: float) -> NoReturn:
        raise SeveralProgramsError(
            f"config.sweep: config.{self.name} decides what the program is, and {one:g} and {other:g} do not make the "
            f"same one; start a run for each of its values."
        )

    def _calculated(self, operation: Callable[[Any, Any], Any], other: Any, *, swapped: bool = False) -> Any:
        def applied(one: Any, two: Any) -> Any:
            return operation(two, one) if swapped else operation(one, two)

        if isinstance(other, Swept):
            name = self.name if other.name == self.name else f"{self.name} with config.{other.name}"
            return Swept(name, tuple(map(applied, self.values, other.values)), self.index)
        if isinstance(other, int | float):
            return Swept(self.name, tuple(applied(value, other) for value in self.values), self.index)
        return applied(self.__jax_array__(), other)

    def _compared(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        if isinstance(other, Swept):
            return self._agreed(tuple(map(operation, self.values, other.values)))
        if isinstance(other, int | float):
            return self._agreed([operation(value, other) for value in self.values])
        return operation(self.__jax_array__(), other)

    def __eq__(self, other: object) -> Any:
        if other is None or isinstance(other, str | Swept | tuple):
            return self is other
        return self._compared(operator.eq, other)

    def __lt__(self, other: Any) -> Any:
        return self._compared(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._compared(operator.le, other)

    def __gt__(self, other: Any) -> Any:
        return self._compared(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._compared(operator.ge, other)

    def __add__(self, other: Any) -> Any:
        return self._calculated(operator.add, other)

    def __radd__(self, other: Any) -> Any:
        return self._calculated(operator.add, other, swapped=True)

    def __sub__(self, other: Any) -> Any:
        return self._calculated(operator.sub, other)

    def __rsub__(self, other: Any) -> Any:
        return self._calculated(operator.sub, other, swapped=True)

    def __mul__(self, other: Any) -> Any:
        return self._calculated(operator.mul, other)

    def __rmul__(self, other: Any) -> Any:
        return self._calculated(operator.mul, other, swapped=True)

    def __truediv__(self, other: Any) -> Any:
        return self._calculated(operator.truediv, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._calculated(operator.truediv, other, swapped=True)

    def __pow__(self, other: Any) -> Any:
        return self._calculated(operator.pow, other)

    def __rpow__(self, other: Any) -> Any:
        return self._calculated(operator.pow, other, swapped=True)
