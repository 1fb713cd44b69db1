"""The numbers of latents one by one: which of them are shown, and the values that they are given."""

from collections.abc import Callable, Sequence

import numpy as np

from gengen.core.refusal import Refusal

BUDGET = 4096
"""The most latents that are decoded to find which numbers matter."""

BASES = 8
"""The most latents of which each number is changed to find how much it matters."""

LOW, HIGH = 0.05, 0.95
"""The quantiles between which a number is changed to find how much it matters."""


def chosen_axes(asked: str, size: int, *, pair: bool) -> tuple[int, ...]:
    """The numbers of latents [size] that `--axes` names.

    Args:
      asked: different numbers with commas between them.
      size: how many numbers a latent has.
      pair: whether there must be two of them.

    Raises:
      Refusal: `asked` is something else.
    """
    parts = [part.strip() for part in asked.split(",")]
    numbers = tuple(int(part) for part in parts if part.isascii() and part.isdecimal() and int(part) < size)
    if len(set(numbers)) != len(parts) or (pair and len(parts) != 2):
        wanted, example = ("two different numbers", "0,1") if pair else ("different numbers", "3,7")
        raise Refusal(f"--axes={asked} must be {wanted} from 0 to {size - 1}, as in --axes={example}.")
    return numbers


def check_axes(axes: Sequence[int], size: int) -> None:
    """Checks numbers of latents [size] that a program names.

    Raises:
      Refusal: they are not different whole numbers from 0 to size - 1.
    """
    whole = all(isinstance(axis, (int, np.integer)) and 0 <= axis < size for axis in axes)
    if not whole or len(set(axes)) != len(axes) or not len(axes):
        raise Refusal(f"axes={list(axes)} must be different numbers from 0 to {size - 1}.")


def shares(number: int) -> np.ndarray:
    """So many quantiles that are equally probable: (i + 0.5) / number, [number]."""
    return (np.arange(number) + 0.5) / number


def laid_out(draws: np.ndarray, rest: np.ndarray, across: int, up: int, num: int) -> np.ndarray:
    """Lays latents out on the quantiles of two of their numbers.

    Args:
      draws: of the latents [M, L], whose quantiles are taken.
      rest: the values of all other numbers [L].
      across: the number that grows to the right.
      up: the number that grows upwards.
      num: cells in a row and in a column.

    Returns:
      Latents float32 [num * num, L], row after row from above.
    """
    cells = np.tile(rest, (num, num, 1))
    cells[..., across] = np.quantile(draws[:, across], shares(num))[None, :]
    cells[..., up] = np.quantile(draws[:, up], shares(num))[::-1, None]
    return cells.reshape(num * num, -1).astype(np.float32)


def along_axes(base: np.ndarray, draws: np.ndarray, axes: Sequence[int], num: int) -> np.ndarray:
    """Changes one number of a latent at a time: to quantiles of draws, while all others stay.

    Args:
      base: the latent [L].
      draws: whose quantiles are taken [M, L].
      axes: the numbers that are changed [A].
      num: values of each.

    Returns:
      Latents float32 [A, num, L].
    """
    along = np.tile(np.asarray(base, np.float32), (len(axes), num, 1))
    for row, axis in enumerate(axes):
        along[row, :, axis] = np.quantile(draws[:, axis], shares(num))
    return along


def ranked_axes(
    decode: Callable[[np.ndarray], np.ndarray], bases: np.ndarray, draws: np.ndarray, candidates: Sequence[int]
) -> list[int]:
    """The numbers of latents, those first that change most of what is decoded.

    How much a number matters is the root of the mean square of what changes in the decoded examples when it goes from
    the quantile `LOW` of draws to `HIGH`, averaged over `bases`. Of more numbers than half of `BUDGET` only so many
    are tried, those that vary most.

    Args:
      decode: latents [n, L] -> examples [n, ...].
      bases: latents whose numbers are changed [N, L]; `BASES` of them at most, fewer where latents are wide.
      draws: whose quantiles are taken [M, L].
      candidates: the numbers that are compared.
    """
    tried = sorted(candidates, key=lambda axis: -draws[:, axis].std())[: BUDGET // 2]
    bases = bases[: max(1, min(BASES, BUDGET // (2 * max(len(tried), 1))))]
    changed = np.tile(np.asarray(bases, np.float32), (2, len(tried), 1, 1))
    for row, axis in enumerate(tried):
        changed[:, row, :, axis] = np.quantile(draws[:, axis], (LOW, HIGH))[:, None]
    low, high = decode(changed.reshape(-1, bases.shape[1])).reshape(2, len(tried), len(bases), -1)
    changes = np.sqrt(np.square(high - low).mean(-1)).mean(-1)
    return [tried[row] for row in np.argsort(-changes, kind="stable")]
