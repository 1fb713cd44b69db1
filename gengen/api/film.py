"""The film of a run: at every so many steps a picture of the same latents, and of points also of the critic's view."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gengen.api.charts import FRAMES
from gengen.core.model import Critique, GenerativeModel
from gengen.core.state import Variables
from gengen.data.signature import DataSet
from gengen.inference.conditions import in_turn
from gengen.inference.sampling import sampler
from gengen.inference.shown import frame, thumbnails
from gengen.pictures.animation import stamped
from gengen.pictures.grid import grid, save_png, without_alpha
from gengen.pictures.landscape import landscape

EXAMPLES, COLUMNS = 24, 6
"""Samples of a picture that is not of points in the plane, and those beside each other."""

POINTS, ARROWS, CELLS = 400, 60, 48
"""Data and samples in a landscape, samples with an arrow, and cells of the critic's field along each axis."""

Paint = Callable[[], np.ndarray]
"""Draws a picture, uint8 [H, W, C]."""

Write = Callable[[], None]
"""Draws a picture and writes it."""


class Film:
    """Takes the pictures of a film.

    Args:
      model: of the run, which samples.
      data: of the run; some of its held-out points are shown.
      workdir: the run folder.
      seed: of the latents, the same for all pictures.
    """

    def __init__(self, model: GenerativeModel, data: DataSet, workdir: Path, seed: int) -> None:
        self._signature, self._folder, self._seed = data.signature, workdir / FRAMES, seed
        self._told = in_turn(model, POINTS)
        self._draw = sampler(model, data.signature.units)
        self._critique = jax.jit(model.critique) if model.critique and data.signature.shape == (2,) else None
        self._real = np.asarray(data.splits["test"]["data"][:POINTS])

    def __call__(self, variables: Variables, step: int) -> Write:
        """Looks at a model at a step; what is returned writes the picture, without the device."""
        look = self._plane if self._signature.shape == (2,) else self._cells
        return partial(self._write, step, look(variables))

    def _cells(self, variables: Variables) -> Paint:
        told = {name: values[:EXAMPLES] for name, values in self._told.items()} if self._told else None
        drawn = self._draw(variables, self._seed, EXAMPLES, told)
        return lambda: grid(without_alpha(thumbnails(self._signature, drawn)), columns=COLUMNS)

    def _plane(self, variables: Variables) -> Paint:
        low, high = frame(self._signature)
        drawn = self._draw(variables, self._seed, POINTS, self._told)
        paint = partial(landscape, self._real, drawn, low, high)
        if self._critique is None:
            return paint
        shares = (np.arange(CELLS) + 0.5) / CELLS
        cells = low + np.stack(np.meshgrid(shares, shares), -1).reshape(-1, 2) * (high - low)
        field, _ = self._judged(variables, cells)
        _, pulls = self._judged(variables, drawn[:ARROWS])
        to_model = self._signature.units.to_model
        across = to_model(high[None]) - to_model(low[None])
        return partial(paint, field=field.reshape(CELLS, CELLS), starts=drawn[:ARROWS], pulls=pulls * across)

    def _judged(self, variables: Variables, points: np.ndarray) -> Critique:
        """The critique of points [n, 2] in their own units, as arrays of the host."""
        assert self._critique
        to_model, real = self._signature.units.to_model, np.resize(self._real, points.shape)
        judged = self._critique(jax.random.key(self._seed), variables, to_model(points), to_model(real))
        critique: Critique = jax.device_get(judged)
        return critique

    def _write(self, step: int, paint: Paint) -> None:
        save_png(self._folder / f"step_{step:08d}.png", stamped(paint(), f"step {step:,}"))
