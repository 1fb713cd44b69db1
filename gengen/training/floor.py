"""The least that a training step costs: its matrix products and the state that it reads and writes."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend import core

from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import AXIS
from gengen.core.state import State

Operations = Callable[[Sequence[Any], Any, Mapping[str, Any]], float]
"""`(abstract operands, abstract result, parameters of the primitive) -> floating-point operations`."""


def _dot(operands: Sequence[Any], result: Any, params: Mapping[str, Any]) -> float:
    (contracted, _), _ = params["dimension_numbers"]
    length: int = math.prod(operands[0].shape[axis] for axis in contracted)
    return 2.0 * length * int(result.size)


def _convolution(operands: Sequence[Any], result: Any, params: Mapping[str, Any]) -> float:
    """Zeros that a dilated input holds are not multiplied by who knows of them."""
    kernel, (_, inputs, *window) = operands[1].shape, params["dimension_numbers"].rhs_spec
    taps: float = math.prod(kernel[axis] for axis in window) / math.prod(params["lhs_dilation"])
    return 2.0 * int(result.size * kernel[inputs]) * taps


def _own_product(operands: Sequence[Any], result: Any, params: Mapping[str, Any]) -> float:
    """Of `gengen.networks.layers.products`, whose left operand is [k, m] in the form "TN"."""
    length = int(operands[0].shape[params["axes"] + (params["form"] != "TN")])
    return 2.0 * length * int(result.size)


def _own_convolution(operands: Sequence[Any], result: Any, params: Mapping[str, Any]) -> float:
    """Of `gengen.networks.layers.convolutions`: each number of the output, or its gradient, meets a whole window."""
    out, kernel = {
        "output": (result, operands[1]),
        "image": (operands[0], operands[1]),
        "kernel": (operands[1], result),
    }[params["of"]]
    window: int = math.prod(kernel.shape[params["axes"] :][:3])
    return 2.0 * window * int(out.size)


PRODUCTS: dict[str, Operations] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "product": _own_product,
    "convolution": _own_convolution,
}
"""Primitives that multiply matrices, by their names; a parameter `dtype`, or their first operand, has the arithmetic.
"""


class Work(NamedTuple):
    """What one step cannot do without, on the global batch; the mean over a period where turns are not always due.

    Attributes:
      products: floating-point operations of matrix products by the dtype of their operands.
      moved: bytes that are read and written by each device: the state, as far as it is used and changed, and the batch.
    """

    products: dict[str, float]
    moved: float

    def floor(self, rates: Mapping[str, float], bandwidth: float) -> float:
        """Seconds a step at the least.

        Args:
          rates: operations a second of products by the dtype of their operands, of all devices together.
          bandwidth: bytes a second that a device reads and writes.
        """
        return sum(operations / rates[dtype] for dtype, operations in self.products.items()) + self.moved / bandwidth


def work(model: GenerativeModel, state: State, batch: Batch) -> Work:
    """Counts the work of a step of a model's first stage, as it is traced, before XLA sees it.

    Args:
      model: whose `train_step` is counted.
      state: its state, arrays or their shapes.
      batch: a global batch, arrays or their shapes.
    """
    products: defaultdict[str, float] = defaultdict(float)
    moved = sum(_bytes(leaf) for leaf in jax.tree.leaves(batch))
    for phase in range(model.period):
        step = partial(model.train_step, phase=phase)
        traced = jax.make_jaxpr(step, axis_env=[(AXIS, 1)])(jax.random.key(0), state, batch)
        for dtype, operations in product_operations(traced).items():
            products[dtype] += operations / model.period
        moved += _bytes_of_state(traced.jaxpr, len(jax.tree.leaves(state))) / model.period
    return Work(dict(products), moved)


def product_operations(traced: core.ClosedJaxpr) -> dict[str, float]:
    """Floating-point operations of the matrix products of a program, by the dtype of their operands.

    A product that is written twice, such as the pass of a generator that two turns share, counts once, and one that
    nothing comes of does not count, as XLA drops both: it counts the same operations but for those that are no product
    (0.618 against 0.616 GFLOP a step of the WGAN), after seconds of compiling. Calls count as what they call, a scan as
    often as it turns, a branch as its dearest one, and the body of a while loop once, because nobody knows better.
    """
    program = _Program({}, {})
    wanted = _number(traced, [object() for _ in traced.jaxpr.invars], program)
    found: defaultdict[str, float] = defaultdict(float)
    seen: set[Hashable] = set()
    while wanted:
        value = wanted.pop()
        if value not in seen and value in program.made:
            seen.add(value)
            equation, operands = program.made[value]
            wanted.extend(operands)
            for dtype, operations in () if equation in seen else _of_equation(equation):
                found[dtype] += operations
            seen.add(equation)
    return dict(found)


class _Program(NamedTuple):
    """Values by their numbers: equal ones have the same.

    Attributes:
      known: numbers of the results of an operation on operands.
      made: by the number of a result, the equation that made it and the numbers of its operands.
    """

    known: dict[Hashable, tuple[Hashable, ...]]
    made: dict[Hashable, tuple[Any, list[Hashable]]]


def _number(traced: core.ClosedJaxpr, arguments: Sequence[Hashable], program: _Program) -> list[Hashable]:
    """Gives every value of a program a number, given those of its arguments, and returns those of its results."""
    numbers: dict[Any, Hashable] = dict(zip(traced.jaxpr.invars, arguments, strict=True))
    numbers |= {variable: id(value) for variable, value in zip(traced.jaxpr.constvars, traced.consts, strict=True)}

    def number(variable: Any) -> Hashable:
        return numbers[variable] if isinstance(variable, core.Var) else (str(variable), variable.aval.str_short())

    for equation in traced.jaxpr.eqns:
        operands, inner = [number(variable) for variable in equation.invars], _programs(equation)
        if _is_call(equation, inner):
            results: Sequence[Hashable] = _number(inner[0], operands, program)
        else:
            value = (equation.primitive.name, tuple(operands), str(equation.params))
            if value not in program.known:
                program.known[value] = tuple(object() for _ in equation.outvars)
                program.made.update(dict.fromkeys(program.known[value], (equation, operands)))
            results = program.known[value]
        numbers |= dict(zip(equation.outvars, results, strict=True))
    return [number(variable) for variable in traced.jaxpr.outvars]


def _is_call(equation: Any, inner: Sequence[core.ClosedJaxpr]) -> bool:
    same = len(inner) == 1 and len(inner[0].jaxpr.invars) == len(equation.invars)
    return same and equation.primitive.name not in ("scan", "while")


def _of_equation(equation: Any) -> Iterable[tuple[str, float]]:
    """Operations by the dtype of the operands: of a product, a loop or branches."""
    name = equation.primitive.name
    if name in PRODUCTS:
        operands = [variable.aval for variable in equation.invars]
        dtype = str(equation.params.get("dtype", operands[0].dtype))
        return [(dtype, PRODUCTS[name](operands, equation.outvars[0].aval, equation.params))]
    every = [product_operations(program) for program in _programs(equation)]
    if name == "cond":
        return max(every, key=lambda found: sum(found.values())).items()
    turns = equation.params.get("length", 1) if name == "scan" else 1
    return [(dtype, turns * operations) for found in every for dtype, operations in found.items()]


def _programs(equation: Any) -> list[core.ClosedJaxpr]:
    """The programs among the parameters of an equation."""
    found = []
    for value in equation.params.values():
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, core.ClosedJaxpr):
                found.append(each)
            elif isinstance(each, core.Jaxpr):
                found.append(core.ClosedJaxpr(each, [None] * len(each.constvars)))
    return found


def _bytes_of_state(jaxpr: core.Jaxpr, leaves: int) -> float:
    """Bytes of the state that a step reads, because something is computed of them, and of that which it writes."""
    before, after = jaxpr.invars[1 : 1 + leaves], jaxpr.outvars[:leaves]  # a key comes first
    used = {variable for equation in jaxpr.eqns for variable in equation.invars if isinstance(variable, core.Var)}
    read = sum(_bytes(variable.aval) for variable in before if variable in used)
    return read + sum(_bytes(new.aval) for old, new in zip(before, after, strict=True) if new is not old)


def _bytes(array: Any) -> float:
    return float(array.size * np.dtype(array.dtype).itemsize)
