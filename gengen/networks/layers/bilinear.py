"""Maps that are linear in each of two arrays, and whose derivatives are maps of the same kind.

What JAX makes of the gradient of a product is another product, of another layout and perhaps of other dtypes, and XLA
may run it many times slower. A map made here names its own derivatives, as maps of its own family: they stay fast, in
forward and reverse mode, to any order.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Shape = tuple[int, ...]

Map = Callable[..., jax.Array]
"""`(a, b, **settings) -> array`, where the settings are hashable."""

_NATIVE = ContextVar("native", default=False)


@contextmanager
def natively() -> Iterator[None]:
    """Traces maps as what other platforms than CPU compute, in operations of JAX's own, on whatever platform.

    A program that leaves this machine needs it: what XLA's CPU backend is best told is another program, and tools that
    read traced programs know no primitives of ours. What was traced before, such as by `jax.jit`, stays as it is.
    """
    before = _NATIVE.set(True)
    try:
        yield
    finally:
        _NATIVE.reset(before)


def bilinear(
    name: str,
    run: Map,
    elsewhere: Map,
    shape: Callable[..., Shape],
    left: Map,
    right: Map,
    mapped: Map | None = None,
    exported: Map | None = None,
) -> Map:
    """Makes a map of two arrays that is linear in each.

    Args:
      name: that it goes by in a traced program.
      run: computes it on XLA's CPU backend.
      elsewhere: computes the same on other platforms.
      shape: `(a.shape, b.shape, **settings)`: of the map, whose dtype is `sums_of` the setting `dtype`.
      left: `(g, b, **settings)`: the derivative with respect to `a` of the sum of the map times g; of a's shape.
      right: `(a, g, **settings)`: that with respect to `b`.
      mapped: computes the same as `run`, where `vmap` maps it over both arrays; None: `run` does.
      exported: computes the same as `elsewhere`, in programs that are traced `natively`; None: `elsewhere` does.

    Returns:
      The map. Settings are given by name, and `dtype` is one of them: that of the numbers which are multiplied.
    """
    primitive = Primitive(name)

    def abstract(a: Any, b: Any, *, axes: int, dtype: Any, precision: Any, **settings: Any) -> Any:
        del precision
        own = shape(a.shape[axes:], b.shape[axes:], **settings)
        return jax.core.ShapedArray((*a.shape[:axes], *own), sums_of(dtype))

    def of_left(g: jax.Array, a: Any, b: jax.Array, **settings: Any) -> jax.Array:
        return left(g, b, **settings).astype(a.aval.dtype)

    def of_right(g: jax.Array, a: jax.Array, b: Any, **settings: Any) -> jax.Array:
        return right(a, g, **settings).astype(b.aval.dtype)

    def batched(arrays: Any, places: Any, *, axes: int, **settings: Any) -> tuple[jax.Array, int]:
        a, b = _both_mapped(arrays, places)
        return primitive.bind(a, b, axes=axes + 1, **settings), 0

    def bind(a: jax.Array, b: jax.Array, **settings: Any) -> jax.Array:
        precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]  # JAX makes it when imported
        settings = {"axes": 0, "precision": precision, **settings}
        if _NATIVE.get():
            return _of_all(exported or elsewhere, exported or elsewhere)(a, b, **settings)
        return cast(jax.Array, primitive.bind(a, b, **settings))

    @cache
    def compiled(**settings: Any) -> Callable[[jax.Array, jax.Array], jax.Array]:
        return jax.jit(partial(bind, **settings))

    primitive.def_abstract_eval(abstract)
    primitive.def_impl(lambda a, b, **settings: compiled(**settings)(a, b))
    ad.defbilinear(primitive, of_left, of_right)
    batching.primitive_batchers[primitive] = batched
    _lower(primitive, _of_all(elsewhere, elsewhere), None)
    _lower(primitive, _of_all(run, mapped or run), "cpu")
    return bind


def _both_mapped(arrays: Any, places: Any) -> list[jax.Array]:
    """Two arrays with a first axis over which `vmap` maps both, of which it maps one or both over some axis."""
    size = next(x.shape[place] for x, place in zip(arrays, places, strict=True) if place is not None)
    return [
        jnp.broadcast_to(x, (size, *x.shape)) if place is None else jnp.moveaxis(x, place, 0)
        for x, place in zip(arrays, places, strict=True)
    ]


def _lower(primitive: Primitive, run: Map, platform: str | None) -> None:
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=False), platform=platform)


def _of_all(one: Map, mapped_one: Map) -> Map:
    """Maps over axes that `vmap` has given to both, in the precision that was asked for where it was called."""

    def run_all(a: jax.Array, b: jax.Array, *, axes: int, precision: Any, **settings: Any) -> jax.Array:
        mapped = partial(mapped_one if axes else one, **settings)
        for _ in range(axes):
            mapped = jax.vmap(mapped)
        with jax.default_matmul_precision(precision):
            return mapped(a, b)

    return run_all


def sums_of(dtype: Any) -> Any:
    """The dtype in which products of `dtype` are summed: float32 or wider."""
    return dtype if jnp.dtype(dtype).itemsize > 4 else jnp.dtype(jnp.float32)
