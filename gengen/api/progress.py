"""What a run shows of itself as it goes: samples, and held-out images as they come back or are translated."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gengen.api.charts import Charts
from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.data.signature import DataSet
from gengen.inference.conditions import LABEL, classes_of, columns_of, in_turn, names_of, rows_of
from gengen.inference.sampling import sampler
from gengen.inference.shown import BESIDE, by_name, sheet, thumbnails
from gengen.inference.translation import Gallery
from gengen.pictures.captions import Block, captioned, contact
from gengen.pictures.grid import save_png
from gengen.pictures.kinds import KINDS
from gengen.runs.run import titled

PAIRS = 32
"""Held-out images that are shown above their reconstructions."""

COLUMNS = 16
"""Held-out images beside each other."""

TRANSLATED = 16
"""Held-out images that are shown above their translations, in each direction."""


class Picture(NamedTuple):
    """A picture of one step.

    Attributes:
      kind: "samples", "reconstructions" or "translations", the name of its folder.
      path: of the file.
    """

    kind: str
    path: Path


class Progress:
    """Draws what a model can show of itself.

    Attributes:
      charts: of the whole run.

    Args:
      model: the model.
      data: whose held-out images are reconstructed.
      workdir: the run folder.
      seeds: of the members of the run, each that of its own samples; the first is that of all else.
      names: of the members, where there are several.
    """

    def __init__(
        self, model: GenerativeModel, data: DataSet, workdir: Path, seeds: Sequence[int], names: Sequence[str] = ("",)
    ) -> None:
        self._model, self._workdir, self._seeds, self._names, seed = model, workdir, seeds, names, seeds[0]
        self._signature = data.signature
        self.charts = Charts(workdir, data.signature)
        self._draws = {"samples": self._samples} if model.sample else {}
        if model.encode and model.decode:
            self._draws["reconstructions"] = self._reconstructions
            test = data.splits["test"]
            indices = np.random.default_rng(seed).permutation(len(test["data"]))[:PAIRS]
            self._held_out = {name: np.asarray(values[indices]) for name, values in test.items()}
            self._back = jax.jit(self._through)
        if model.translate:
            self._draws["translations"] = self._translations
            self._gallery = Gallery(model, data, number=TRANSLATED, seed=seed)
        if model.sample:
            self._draw = sampler(model, data.signature.units)

    def pictures(self, step: int) -> list[Picture]:
        """Where the pictures of a step lie, or will lie; samples come last."""
        kinds = sorted(self._draws)
        return [Picture(kind, self._workdir / kind / f"step_{step:08d}.png") for kind in kinds]

    def draw(self, variables: Sequence[Variables]) -> dict[str, list[Block]]:
        """What the pictures of a step are to show, by their kinds; the part of the work that needs the device.

        Args:
          variables: of each member. Samples are those of all of them, a few of each; all else is of the first.
        """
        return {kind: self._draws[kind](variables) for kind in sorted(self._draws)}

    def write(self, step: int, drawn: Mapping[str, list[Block]]) -> Iterator[tuple[str, np.ndarray]]:
        """Writes the pictures of a step from what `draw` gave; yields the kind and the pixels [H, W, C] of each."""
        for kind, path in self.pictures(step):
            shown = captioned(drawn[kind], titled(self._workdir, step, self._signature))
            save_png(path, shown)
            yield kind, shown
        if drawn:
            last = max(drawn)
            self.charts.keep(step, drawn[last][0], given=last != "samples")

    def _samples(self, variables: Sequence[Variables]) -> list[Block]:
        across, several = columns_of(self._model, self._signature), len(variables) > 1
        many = BESIDE if several and self._signature.kind == "picture" else KINDS[self._signature.kind].many
        number = math.ceil(many / len(across)) * len(across) if across else many
        drawn = {
            name: self._draw(own, seed, number, in_turn(self._model, number))
            for name, seed, own in zip(self._names, self._seeds, variables, strict=True)
        }
        if several:
            return by_name(self._signature, drawn, across=across)
        rows = rows_of(self._model, in_turn(self._model, number))
        return [sheet(self._signature, drawn[self._names[0]], across=across, rows=rows)]

    def _reconstructions(self, variables: Sequence[Variables]) -> list[Block]:
        data, key = self._held_out["data"], jax.random.key(self._seeds[0])
        back = self._signature.units.to_data(self._back(key, variables[0], self._held_out))
        rows = {
            name: thumbnails(self._signature, shown) for name, shown in (("images", data), ("reconstructions", back))
        }
        labels = self._held_out.get("label")
        names = () if labels is None else names_of(labels, self._signature.classes)
        return contact(rows, COLUMNS, self._names[0], across=names)  # the title says whose they are

    def _translations(self, variables: Sequence[Variables]) -> list[Block]:
        first, *others = self._gallery.blocks(variables[0])
        return [first._replace(title=" · ".join(filter(None, (first.title, self._names[0])))), *others]

    def _through(self, key: jax.Array, variables: Variables, batch: dict[str, jax.Array]) -> jax.Array:
        assert self._model.encode and self._model.decode
        condition = {LABEL: batch["label"]} if classes_of(self._model) else None
        latents = self._model.encode(key, variables, self._signature.units.to_model(batch["data"]), condition)
        back: jax.Array = self._model.decode(key, variables, latents, condition)
        return back
