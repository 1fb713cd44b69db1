"""What models are given in tests: bytes as they see them."""

from typing import Any

import jax
import numpy as np


def scaled(tree: Any) -> Any:
    """Brings the bytes among arrays to float32 in [-1, 1], and leaves all else as it is."""
    return jax.tree.map(lambda leaf: leaf.astype(np.float32) / 127.5 - 1 if leaf.dtype == np.uint8 else leaf, tree)
