"""Whether an artefact, loaded again, computes what the model does, up to the ends of what it can be given."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.export.functions import Function
from gengen.export.tensors import Tensor

TOLERANCE = 1e-4
"""The largest difference of float32 that passes, over the largest number that there should be."""

LEVEL = 1
"""The largest difference of whole levels, such as those of pixels, which rounding makes of a smaller one."""

NUMBER = 6
"""Examples of a function that artefacts are compared on: the first ones are at the ends of what there can be."""

Call = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]
"""A loaded artefact: arrays [b, ...] in the order of the inputs, to those in the order of the outputs."""


class Saved(NamedTuple):
    """What a function is given and gives, in gengen.

    Attributes:
      inputs: arrays [n, ...].
      outputs: arrays [n, ...].
    """

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


class Difference(NamedTuple):
    """How far an artefact is from the model, at most.

    Attributes:
      relative: the largest difference over the largest number that there should be.
      levels: the largest difference of whole levels; 0 where there are none.
      share: of the levels that differ at all.
    """

    relative: float = 0.0
    levels: int = 0
    share: float = 0.0

    def worse(self, other: "Difference") -> "Difference":
        """The larger of both in each respect."""
        return Difference(
            max(self.relative, other.relative), max(self.levels, other.levels), max(self.share, other.share)
        )


def saved(function: Function, variables: Variables, n: int = NUMBER) -> Saved:
    """What a function gives of examples, as gengen computes it on this machine.

    Raises:
      Refusal: that is not finite, so that nothing could be told of an artefact.
    """
    inputs = function.examples(n)
    outputs = tuple(np.asarray(made) for made in jax.jit(function.run)(variables, *inputs))
    for tensor, made in zip(function.outputs, outputs, strict=True):
        if made.dtype.kind == "f" and not np.isfinite(made).all():
            raise Refusal(
                f"what {function.name!r} gives as {tensor.name!r} is not finite, so that no export of it can be "
                f"checked; train the run anew, or take another checkpoint with --best."
            )
    return Saved(inputs, outputs)


def compared(function: Function, known: Saved, call: Call, sizes: Sequence[int], what: str) -> Difference:
    """Compares a loaded artefact with the model, all examples at once and as many as in batches of other sizes.

    Args:
      function: the function.
      known: what it is given and gives.
      call: the artefact.
      sizes: of further batches, each of the first examples.
      what: the artefact, in words.

    Raises:
      Refusal: it gives arrays of another shape or type, or other numbers.
    """
    largest = Difference()
    for size in (len(known.inputs[0]), *sizes):
        made = call([array[:size] for array in known.inputs])
        for tensor, one, other in zip(function.outputs, made, known.outputs, strict=True):
            largest = largest.worse(difference(tensor, np.asarray(one), other[:size], f"{what} in a batch of {size}"))
    return largest


def difference(tensor: Tensor, made: np.ndarray, expected: np.ndarray, what: str) -> Difference:
    """The difference of what an artefact gives [n, ...] from what it should.

    Raises:
      Refusal: it is of another shape or type, or too far from it.
    """
    if (made.shape, made.dtype) != (expected.shape, expected.dtype):
        said = f"{made.dtype} {list(made.shape)} and not {expected.dtype} {list(expected.shape)}"
        raise Refusal(f"{what} gives {tensor.name!r} as {said}; nothing was written, leave this format out.")
    apart = np.abs(made.astype(np.float64) - expected.astype(np.float64))
    size, largest = float(np.abs(expected.astype(np.float64)).max(initial=0)), float(apart.max(initial=0))
    found = Difference(largest / size if size else largest)
    if expected.dtype.kind in "iu":
        if tensor.levels:
            found = found._replace(levels=int(largest), share=float((apart > 0).mean()))
        passes, allowed = largest <= (LEVEL if tensor.levels else 0), f"by {largest:g}"
    else:
        passes, allowed = found.relative <= TOLERANCE, f"by {found.relative:.2g} of the largest number"
    if not passes:  # also where it is not a number
        raise Refusal(
            f"{what} differs from the model in {tensor.name!r} {allowed}; nothing was written, leave this format out."
        )
    return found


def tolerance_of(tensors: Sequence[Tensor]) -> dict[str, Any]:
    """What a manifest says of the differences that pass."""
    kinds = {"levels" if one.levels else "float" if np.dtype(one.dtype).kind == "f" else "whole" for one in tensors}
    return {
        **({"relative": TOLERANCE} if "float" in kinds else {}),
        **({"levels": LEVEL} if "levels" in kinds else {}),
    }
