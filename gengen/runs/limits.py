"""How much may be asked for: numbers of samples, seeds, memory."""

import math
import os

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.pictures.grid import LEAST
from gengen.runs.sections import SEEDS


def check_room(number: int, signature: Signature, what: str) -> None:
    """Checks that so many images and their grid fit into memory.

    Raises:
      Refusal: they do not; the sentence names the flag `what` that asks for them.
    """
    size = math.prod(signature.shape)
    cell = max(size, LEAST**2 * signature.shape[-1])  # grids enlarge small images, and copy them once
    check_memory(number * (size + 2 * cell), what)


def check_seed(seed: int, what: str = "--seed=") -> None:
    """Checks the seed of the noise.

    Args:
      seed: the seed.
      what: how it is asked for.

    Raises:
      Refusal: it is no whole number, or out of range.
    """
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < SEEDS:
        raise Refusal(f"{what}{seed} must lie in [0, {SEEDS}).")


def check_memory(amount: float, what: str) -> None:
    """Checks that something would fit into the memory of this machine, before it would be killed for it.

    Args:
      amount: bytes that it takes.
      what: the flag that asks for it, as given.

    Raises:
      Refusal: it would not.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if amount > memory:
        raise Refusal(
            f"{what} would take {amount / 2**30:,.0f} GiB of memory, and this machine has {memory / 2**30:,.0f}; ask "
            f"for fewer."
        )
