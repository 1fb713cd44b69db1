"""Running compiled functions over many examples: one compiled shape and bounded memory, however many there are."""

import math
from collections.abc import Callable
from typing import Protocol

import jax
import numpy as np

from gengen.core.state import Tree, Variables

SIZE = 256
"""The most examples of one call."""

POSITIONS = 2**20
"""The most pixels, points in time or voxels of one call, so that what a network makes of them fits into memory, too."""

One = Callable[..., Tree]
"""`(key, variables, *trees of arrays [1, ...]) -> tree of arrays [1, ...]`: what is done to one example."""


class Each(Protocol):
    """What does the same to each of n examples."""

    def __call__(self, key: jax.Array, variables: Variables, indices: np.ndarray, *trees: Tree) -> Tree:
        """Maps trees of arrays [n, ...]; example i gets the key `fold_in(key, indices[i])` and sees no other one."""


def batched(look: Callable[[np.ndarray], Tree], number: int, size: int = SIZE) -> Tree:
    """Calls a compiled function for the examples 0 to number - 1, `size` at a time.

    Args:
      look: `indices int [size] -> tree of arrays [size, ...]`; the last call is filled up with the last example.
      number: of examples.
      size: examples of one call.

    Returns:
      The results for all examples, a tree of NumPy's arrays [number, ...].
    """
    parts = []
    for start in range(0, max(number, 1), size):
        indices = np.minimum(np.arange(start, start + size), max(number - 1, 0))
        parts.append(jax.tree.map(np.asarray, look(indices)))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:number], *parts)


def chosen(tree: Tree, indices: np.ndarray) -> Tree:
    """The examples at some indices [n] of a tree of arrays [N, ...]; zeros where there are no examples at all."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf[indices]) if len(leaf) else np.zeros((len(indices), *leaf.shape[1:]), leaf.dtype),
        tree,
    )


def per_example(one: One) -> Each:
    """Makes of a function of one example a function of many, which is compiled once for a size of batch.

    A result depends on the key, the variables, the example and its index alone: each example is a batch of its own,
    and noise belongs to an index, whatever stands beside it.

    Args:
      one: what is done to one example.
    """

    @jax.jit
    def look(key: jax.Array, variables: Variables, indices: jax.Array, trees: Tree) -> Tree:
        def alone(index: jax.Array, trees: Tree) -> Tree:
            made = one(jax.random.fold_in(key, index), variables, *jax.tree.map(lambda leaf: leaf[None], trees))
            return jax.tree.map(lambda leaf: leaf[0], made)

        return jax.vmap(alone)(indices, trees)

    def each(key: jax.Array, variables: Variables, indices: np.ndarray, *trees: Tree) -> Tree:
        everything, number = (np.asarray(indices, np.int32), trees), len(indices)
        positions = max((math.prod(leaf.shape[1:-1]) for leaf in jax.tree.leaves(trees)), default=1)
        size = max(1, min(number, SIZE, POSITIONS // positions))
        return batched(lambda rows: look(key, variables, *chosen(everything, rows)), number, size)

    return each
