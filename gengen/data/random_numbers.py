"""Random numbers that are the same on every machine and with every version of NumPy."""

import numpy as np


def uniform(name: str, *shape: int) -> np.ndarray:
    """Draws numbers evenly from [0, 1), by the raw numbers of Philox, which no version of NumPy may change.

    Args:
      name: what they are for, in at most 16 letters of ASCII; each name has numbers of its own, by no other seed.
      *shape: of the result; a larger first dimension has the numbers of a smaller one in front.

    Returns:
      float64 [*shape].

    Raises:
      ValueError: the name is longer.
    """
    if len(name) > 16:
        raise ValueError(f"{name!r} is longer than 16 letters.")
    key = np.frombuffer(name.encode("ascii").ljust(16, b"\0"), "<u8")
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    return (raw >> 11).reshape(shape) * 2.0**-53
