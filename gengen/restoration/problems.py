"""What `--op` names: an operator with one number to set, how its observation looks, and what trivial answers there are.

Pictures and observations are float32 in the model's units, [-1, 1].
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from gengen.restoration.operators import Operator, blur, grey, identity, inpaint, random_projection, superres
from gengen.values import Range

Fill = Callable[[Operator, jax.Array], jax.Array]
"""`(operator, y [n, *operator.shape]) -> pictures [n, H, W, C]`."""


class Amount(NamedTuple):
    """The one number of an operator.

    Attributes:
      default: what is taken where none is named.
      range: what it may be.
      meaning: in words.
      whole: whether it is a whole number.
    """

    default: float
    range: Range
    meaning: str
    whole: bool = False


class Problem(NamedTuple):
    """Something to restore.

    Attributes:
      build: `(shape [H, W, C], amount) -> Operator`.
      amount: the number that it takes; None where there is none.
      view: how an observation is shown.
      fills: answers that take no model, by their names.
      noise: standard deviation of the noise on observations where none is named, in the model's units.
    """

    build: Callable[[tuple[int, ...], float], Operator]
    amount: Amount | None
    view: Fill
    fills: Mapping[str, Fill]
    noise: float = 0.0


def mean_of_known(operator: Operator, y: jax.Array) -> jax.Array:
    """Missing pixels have the mean of the known ones, of each picture and channel."""
    known = jnp.asarray(operator.known)[None]
    mean = y.sum((1, 2), keepdims=True) / float(np.asarray(operator.known).sum())
    return jnp.where(known, y, mean)


def nearest_known(operator: Operator, y: jax.Array) -> jax.Array:
    """A missing pixel is that known one which is nearest to it."""
    missing = ~np.asarray(operator.known)[..., 0]
    rows, columns = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: jax.Array = y[:, rows, columns]
    return filled


def repeated(operator: Operator, y: jax.Array) -> jax.Array:
    """Each mean is repeated over its square."""
    height, width = jax.eval_shape(operator.adjoint, y).shape[1:3]
    return y.repeat(height // y.shape[1], axis=1).repeat(width // y.shape[2], axis=2)


def bicubic(operator: Operator, y: jax.Array) -> jax.Array:
    """Means are points of a smooth surface: Keys 1981, https://doi.org/10.1109/TASSP.1981.1163711."""
    found: jax.Array = jax.image.resize(y, jax.eval_shape(operator.adjoint, y).shape, "cubic")
    return found


def colourless(operator: Operator, y: jax.Array) -> jax.Array:
    """The brightness is that of each colour."""
    return jnp.broadcast_to(y, jax.eval_shape(operator.adjoint, y).shape)


def as_seen(operator: Operator, y: jax.Array) -> jax.Array:
    """What was seen."""
    del operator
    return y


def least_squares(operator: Operator, y: jax.Array) -> jax.Array:
    """The pseudo-inverse: the darkness of mid-grey wherever nothing was seen."""
    return operator.pinv(y)


def _missing(default: float) -> Amount:
    return Amount(default, Range(0, 1, above=True, below=True), "the share of the pixels that are missing")


_MASKED = MappingProxyType({"mean of known pixels": mean_of_known, "nearest known pixel": nearest_known})


def _masked(mask: str, default: float) -> Problem:
    return Problem(lambda shape, amount: inpaint(shape, mask=mask, share=amount), _missing(default), as_seen, _MASKED)


PROBLEMS: Mapping[str, Problem] = {
    "inpaint": _masked("centre", 0.25),
    "outpaint": _masked("right", 0.5),
    "scattered": _masked("scattered", 0.5),
    "superres": Problem(
        lambda shape, amount: superres(shape, factor=int(amount)),
        Amount(4, Range(2, 64), "the pixels at a side of the squares that are seen as their mean", whole=True),
        repeated,
        {"nearest": repeated, "bicubic": bicubic},
    ),
    "deblur": Problem(
        lambda shape, amount: blur(shape, deviation=amount),
        Amount(1.5, Range(0.3, 32), "the standard deviation of the blur in pixels"),
        as_seen,
        {"blurred": as_seen},
    ),
    "colorize": Problem(lambda shape, _: grey(shape), None, colourless, {"grey": colourless}),
    "denoise": Problem(lambda shape, _: identity(shape), None, as_seen, {"noisy": as_seen}, noise=0.5),
    "project": Problem(
        lambda shape, amount: random_projection(shape, share=amount),
        Amount(0.25, Range(0, 1, above=True), "how many random sums are seen, as a share of the pixels"),
        least_squares,
        {"least squares": least_squares},
    ),
}
"""What can be restored: the middle, the right half or pixels here and there, and whatever else is named by itself."""
