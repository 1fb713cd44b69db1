"""How much work goes into compiling a program."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def quick_compilation(quick: bool) -> Iterator[None]:
    """Compiles what is compiled meanwhile with few optimisations, if `quick`.

    A small CycleGAN's training step then compiles in 60 % of the time on XLA:CPU, and its results differ by rounding:
    a run must keep to one or the other.
    """
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", quick or before)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
