"""What a program hands over: examples and latents, checked before anything is compiled for them."""

from pathlib import Path

import jax
import numpy as np

from gengen.core.field import Field
from gengen.core.refusal import Refusal


def checked_data(data: np.ndarray, field: Field, folder: Path) -> np.ndarray:
    """Examples [n, *shape] as the data of a run are: of their shape and type, and finite.

    Args:
      data: what was handed over.
      field: of the data.
      folder: that of the run.

    Raises:
      Refusal: they are of another shape or type, not finite, or none.
    """
    array, floats = np.asarray(data), np.dtype(field.dtype).kind == "f"
    fits = array.shape[1:] == field.shape and array.ndim > 0 and array.dtype.kind in ("iuf" if floats else "iu")
    if fits:
        with np.errstate(over="ignore"):
            cast = array.astype(field.dtype)
        fits = floats or bool((cast == array).all())
    if not fits:
        raise Refusal(
            f"the data of {folder} are {field.dtype} {['n', *field.shape]}, and these are {array.dtype} "
            f"{list(array.shape)}."
        )
    check_number(len(cast), "examples")
    if not np.isfinite(cast).all():
        raise Refusal(f"example {int(np.argwhere(~np.isfinite(cast))[0][0])} of these holds what is no finite number.")
    return cast


def check_latents(latents: np.ndarray, kind: jax.ShapeDtypeStruct, folder: Path) -> None:
    """Checks that latents [n, ...] are as the encoder of a run makes them.

    Args:
      latents: what was handed over.
      kind: shape and type of one latent, [1, ...].
      folder: that of the run.

    Raises:
      Refusal: they are of another shape, or not numbers, or not whole ones where the encoder's are.
    """
    kinds = "iuf" if np.issubdtype(kind.dtype, np.floating) else "iu"
    if latents.shape[1:] != kind.shape[1:] or latents.dtype.kind not in kinds:
        raise Refusal(
            f"the latents of {folder} are {kind.dtype} {['n', *kind.shape[1:]]}, and these are {latents.dtype} "
            f"{list(latents.shape)}."
        )


def check_number(number: int, what: str) -> None:
    """Checks that there is something to do.

    Raises:
      Refusal: there is nothing.
    """
    if number < 1:
        raise Refusal(f"there should be at least one of the {what}, and not {number}.")
