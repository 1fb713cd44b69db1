"""From one domain to another, for many images: as arrays, and as pictures."""

import copy
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.core.units import Units
from gengen.data.signature import DataSet, Signature
from gengen.inference.batched import One, per_example
from gengen.inference.domains import SEEDS, aligned, pairs_of, units_of
from gengen.pictures.captions import Block, contact


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
    """Translates examples; each direction is compiled once for a size of batch, whatever the variables.

    A translation depends on the example, the variables, the seed and its index alone.

    Args:
      model: the model.
      signature: of its data.
      seed: of the noise.

    Raises:
      Refusal: the model cannot translate.
    """

    def __init__(self, model: GenerativeModel, signature: Signature, seed: int) -> None:
        translate, self._units = require(model, "translate"), units_of(signature)
        self._there = {way: per_example(_of_data(one, self._units[way[0]])) for way, one in translate.items()}
        self._back = {way: per_example(translate[way[::-1]]) for way in translate if way[::-1] in translate}
        self._key = jax.random.key(seed)

    def reseeded(self, seed: int) -> "Translations":
        """The same with other noise; nothing is compiled again."""
        other = copy.copy(self)
        other._key = jax.random.key(seed)
        return other

    @property
    def directions(self) -> list[str]:
        """What the model can do: "ab", "ba" or both."""
        return sorted(self._there)

    def translate(self, variables: Variables, direction: str, inputs: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """Translates examples [n, *shape] to [n, *shape'], both in the units of their domain."""
        outputs = self._there[direction](self._key, variables, indices, inputs)
        return self._units[direction[1]].to_data(outputs)

    def there_and_back(
        self, variables: Variables, direction: str, inputs: np.ndarray, indices: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Translates examples, and what came of them, before it is rounded, back to where it came from.

        Returns:
          Translations [n, *shape'] and reconstructions [n, *shape], None where there is no way back.
        """
        outputs = self._there[direction](self._key, variables, indices, inputs)
        there, back = self._units[direction[1]].to_data(outputs), None
        if direction in self._back:
            back = self._units[direction[0]].to_data(self._back[direction](self._key, variables, indices, outputs))
        return there, back

    def rows(self, variables: Variables, direction: str, given: Given) -> dict[str, np.ndarray]:
        """What there is of images, by name and in this order, uint8 [N, H, W, C].

        Returns:
          "inputs" and "outputs", and where there are any "reconstructions", from the way back, and "targets".
        """
        outputs, back = self.there_and_back(variables, direction, given.inputs, given.indices)
        rows = {"inputs": given.inputs, "outputs": outputs, "reconstructions": back, "targets": given.targets}
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

    def __init__(self, model: GenerativeModel, data: DataSet, *, number: int, seed: int, columns: int = 16) -> None:
        self._translations, self._columns = Translations(model, data.signature, seed), columns
        self._signature = data.signature
        self._given = {way: held_out(data, model, way, number, seed) for way in self._translations.directions}

    def blocks(self, variables: Variables) -> list[Block]:
        """Inputs above outputs, reconstructions and targets, one direction below the other."""
        found = []
        for way, given in self._given.items():
            rows = self._translations.rows(variables, way, given)
            found += contact(rows, self._columns, self._signature.way(way))
        return found


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
        a, b = pairs_of(model, data.signature, data.splits["test"], indices, seed=SEEDS["test"])
        return Given(*((a, b) if direction == "ab" else (b, a)), indices, title)
    target = None
    if aligned(data, model):
        target = np.asarray(data.splits["test"]["paired" if direction == "ab" else "data"][indices])
    return Given(np.asarray(images[indices]), target, indices, title)


def _of_data(translate: Callable[..., Tree], units: Units) -> One:
    """A translation that takes examples in their own units."""
    return lambda key, variables, data: translate(key, variables, units.to_model(data))
