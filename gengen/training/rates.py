"""What a machine can do: operations of matrix products a second, and bytes a second."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

SIZE = {"cpu": 1024}
"""Height and width of the matrices that are multiplied, by platform: several milliseconds of work."""

COPIED = {"cpu": 2**27}
"""Bytes that are copied, by platform: several times what the caches of a few cores hold."""

LARGE, MUCH = 8192, 2**31
"""What is multiplied and copied on other platforms."""


class Rates:
    """Measures what all local devices do at once, whenever `measure` is called; the best of that are the rates.

    Where others use the machine, too, a rate and what it judges have to be measured in turn, and the best of each
    compared: a product that has to share its cores loses more than a step of small operations.

    A product contracts the last axis of its left operand and sums in float32: the one form in which XLA:CPU gives
    bfloat16 to the instructions that a CPU has for it.

    Args:
      dtypes: of the operands of the products.
    """

    def __init__(self, dtypes: Sequence[str]) -> None:
        platform = jax.default_backend()
        self._size, self._copied = SIZE.get(platform, LARGE), COPIED.get(platform, MUCH)
        self._products = {dtype: _product(dtype, self._size) for dtype in dtypes}
        self._copy = _copy(self._copied)
        self._best = dict.fromkeys((*dtypes, "copy"), float("inf"))

    def measure(self, times: int = 12) -> None:
        """Measures each product and the copy a few times, in turn."""
        for _ in range(times):
            for name, run in {**self._products, "copy": self._copy}.items():
                start = time.perf_counter()
                run()
                self._best[name] = min(self._best[name], time.perf_counter() - start)

    @property
    def products(self) -> dict[str, float]:
        """Operations a second by the dtype of the operands, of the devices of all processes together."""
        operations = 2.0 * self._size**3 * jax.local_device_count() * jax.process_count()
        return {dtype: operations / self._best[dtype] for dtype in self._products}

    @property
    def bandwidth(self) -> float:
        """Bytes a second that each device reads and writes."""
        return 2 * self._copied / self._best["copy"]


def _product(dtype: str, size: int) -> Callable[[], Any]:
    matrix = jnp.ones((jax.local_device_count(), size, size), dtype)
    product = jax.pmap(lambda a, b: lax.dot_general(a, b, (((1,), (0,)), ((), ())), preferred_element_type=jnp.float32))
    jax.block_until_ready(product(matrix, matrix))
    return lambda: jax.block_until_ready(product(matrix, matrix))


def _copy(size: int) -> Callable[[], Any]:
    """Reads and writes in place, as an optimizer does: the first touch of a new page costs more than the copy."""
    copied = jax.pmap(lambda x: x + 1, donate_argnums=0)
    kept = [copied(jnp.zeros((jax.local_device_count(), size // 4)))]

    def run() -> None:
        kept[0] = jax.block_until_ready(copied(kept[0]))

    return run
