"""From one domain to another, for many images: as arrays, and as pictures."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.data.signature import DataSet
from gengen.inference.domains import SEEDS, One, aligned, each_alone, pairs_of
from gengen.pictures.grid import to_pixels
from gengen.pictures.sheet import alike, below, in_rows


class Given(NamedTuple):
    """Images to translate.

    Attributes:
      inputs: uint8 [N, H, W, C].
      targets: what they should become, uint8 [N, H, W, C']; None where that is not known.
      indices: where they lie among all that they were taken from [N].
      title: what they are, in words.
    """

    inputs: np.ndarray
    targets: np.ndarray | None
    indices: np.ndarray
    title: str


class Translations:
    """Translates images; each direction is compiled once for a size of chunk, whatever the variables.

    A translation depends on the image, the variables, the seed and its place alone: each image is a batch of its own,
    and noise, where a model has any, belongs to a place.

    Args:
      model: the model.
      seed: of the noise.

    Raises:
      Refusal: the model cannot translate.
    """

    def __init__(self, model: GenerativeModel, seed: int) -> None:
        self._each = {name: each_alone(_of_scaled(one)) for name, one in require(model, "translate").items()}
        self._key = jax.random.key(seed)

    @property
    def directions(self) -> list[str]:
        """What the model can do: "ab", "ba" or both."""
        return sorted(self._each)

    def translate(self, variables: Variables, direction: str, images: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """Translates images [n, H, W, C], uint8 or in [-1, 1]; float32 [n, H, W, C'] in [-1, 1]."""
        return np.concatenate(list(self._each[direction](self._key, variables, indices, images)))

    def back(self, variables: Variables, direction: str, outputs: np.ndarray, indices: np.ndarray) -> np.ndarray | None:
        """Translates what `translate` returned back to where it came from; None where the model cannot."""
        other = direction[::-1]
        return self.translate(variables, other, outputs, indices) if other in self._each else None

    def rows(self, variables: Variables, direction: str, given: Given) -> dict[str, np.ndarray]:
        """What there is of images, by name and in this order, uint8 [N, H, W, C].

        Returns:
          "inputs" and "outputs", and where there are any "reconstructions", from the way back, and "targets".
        """
        outputs = self.translate(variables, direction, given.inputs, given.indices)
        back = self.back(variables, direction, outputs, given.indices)
        rows = {
            "inputs": given.inputs,
            "outputs": to_pixels(outputs),
            "reconstructions": None if back is None else to_pixels(back),
            "targets": given.targets,
        }
        return {name: row for name, row in rows.items() if row is not None}


class Gallery:
    """Pictures of the same held-out images and their translations, in all directions, as a run goes on.

    Args:
      model: the model.
      data: whose held-out images are translated.
      number: of images in each direction, at most.
      seed: of their choice and of the noise.
      columns: images beside each other.
    """

    def __init__(self, model: GenerativeModel, data: DataSet, *, number: int, seed: int, columns: int = 8) -> None:
        self._translations, self._columns = Translations(model, seed), columns
        self._given = {way: held_out(data, model, way, number, seed) for way in self._translations.directions}

    def picture(self, variables: Variables) -> np.ndarray:
        """Inputs above outputs, reconstructions and targets, one direction below the other, uint8 [H, W, C]."""
        rows = [list(self._translations.rows(variables, way, given).values()) for way, given in self._given.items()]
        number = min(len(row) for way in rows for row in way)
        shown = iter(alike([row[:number] for way in rows for row in way]))
        return below([in_rows([next(shown) for _ in way], self._columns) for way in rows])


def held_out(data: DataSet, model: GenerativeModel, direction: str, number: int, seed: int) -> Given:
    """At most so many held-out images, chosen by the seed as in every task, with their targets if these are known.

    Raises:
      Refusal: the data have no second domain to translate from.
    """
    domain = data if direction == "ab" or model.pair is not None else data.second
    if domain is None:
        raise Refusal(f"the data of this run, {data.signature.name}, have no second domain to translate from.")
    images = domain.splits["test"]["data"]
    indices = np.random.default_rng(seed).permutation(len(images))[:number]
    title = f"{len(indices):,} held-out image{'s' if len(indices) > 1 else ''} of {domain.signature.name}"
    if model.pair is not None:
        a, b = pairs_of(model, data.splits["test"], indices, seed=SEEDS["test"])
        return Given(*((a, b) if direction == "ab" else (b, a)), indices, title)
    target = None
    if aligned(data, model):
        target = np.asarray(data.splits["test"]["paired" if direction == "ab" else "data"][indices])
    return Given(np.asarray(images[indices]), target, indices, title)


def _of_scaled(translate: Callable[..., Tree]) -> One:
    """A translation that takes uint8 images, too."""

    def one(key: jax.Array, variables: Variables, image: Tree) -> Tree:
        return translate(key, variables, image.astype(np.float32) / 127.5 - 1 if image.dtype == np.uint8 else image)

    return one
