"""Between the data's own units and those of models, which see float32 near [-1, 1] and never bytes."""

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from gengen.core.field import Field

if TYPE_CHECKING:  # data that are prepared are read without JAX, which takes half a second to import
    import jax

_Array = TypeVar("_Array", "jax.Array", np.ndarray)


class Units(NamedTuple):
    """What brings the values of a field to the model's units and back.

    Bounded values go to [-1, 1], the bounds to its ends. Others are standardised feature by feature, by the mean and
    the deviation of the training split; where these were not measured, they stay as they are.
    """

    field: Field

    def to_model(self, array: _Array) -> _Array:
        """Brings values to the model's units.

        Args:
          array: values [..., *shape] in the data's units; NumPy's arrays and JAX's, traced or not.

        Returns:
          float32 [..., *shape], of the same library; the last bit depends on how it divides. A large mean costs nothing
          beyond what float32 has lost of the values before, as the difference of two near floats is exact.
        """
        shift, scale = self._affine(array.ndim)
        values = (array.astype(np.float32) - shift) / scale
        return values - 1 if self.field.bounded else values

    def to_data(self, array: "jax.Array | np.ndarray") -> np.ndarray:
        """Brings values back to the data's units.

        Args:
          array: values [..., *shape] in the model's units.

        Returns:
          Values [..., *shape] of the field's type, computed in float64. Whole numbers are rounded and cut at the bounds
          of the field; others are not cut.
        """
        values = np.asarray(array, np.float64)
        shift, scale = self._affine(values.ndim)
        values = (values + 1 if self.field.bounded else values) * scale + shift
        if np.dtype(self.field.dtype).kind in "iu":
            values = np.clip(np.rint(values), self.field.low, self.field.high)
        return values.astype(self.field.dtype)

    def _affine(self, rank: int) -> tuple[float | np.ndarray, float | np.ndarray]:
        """What is subtracted and what is divided by: numbers, or float32 of the rank asked for."""
        field = self.field
        if field.low is not None and field.high is not None:
            return field.low, (field.high - field.low) / 2
        if not field.mean:
            return 0.0, 1.0
        return _features(field.mean, rank), _features(field.deviation, rank)


def _features(values: tuple[float, ...], rank: int) -> np.ndarray:
    """Numbers of each feature as float32 [1, ..., 1, D]: JAX's ranks are not promoted in silence."""
    return np.asarray(values, np.float32).reshape((1,) * (rank - 1) + (-1,))
