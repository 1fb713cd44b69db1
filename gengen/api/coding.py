"""The latents of a trained model, from Python: draws, codes, and what they are decoded to."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from gengen.api.checks import check_latents, check_number, checked_data
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.inference.conditions import LABEL, Conditions, in_turn, told
from gengen.inference.latents import Latents, check_continuous
from gengen.runs.limits import check_seed
from gengen.runs.prior import with_prior
from gengen.runs.run import Run

Asked = Mapping[str, Any]
"""What examples are told, by the names of `conditions`, as in `{"label": 3}` or `{"label": [0, 3]}`."""


class Coding:
    """The latents of a run's model.

    Args:
      run: the run, opened.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def signature(self) -> Signature:
        """What the data are: name, kind, fields, and the counts of the splits."""
        return self._run.signature

    def latents(self, n: int, seed: int = 0, condition: Asked | None = None) -> np.ndarray:
        """Draws latents [n, ...] from the prior: those of which `sample` makes examples with the same arguments.

        Raises:
          Refusal: the model has no prior and none can be fitted, or it cannot be told so.

        Examples:
          >>> bool((run.decode(run.latents(5, seed=1)) == run.sample(5, seed=1)).all())
          True
        """
        check_number(n, "latents")
        check_seed(seed, "seed=")
        asked = (in_turn(self._run.model, n) or {}) if condition is None else self._told(n, condition)
        return self._drawn.reseeded(seed).draw(n, asked)

    def encode(self, data: np.ndarray, seed: int = 0, condition: Asked | None = None) -> np.ndarray:
        """Encodes examples [n, *shape] as latents [n, ...].

        Raises:
          Refusal: the model cannot encode, has to be told the class of what it sees, or the data are of another shape.

        Examples:
          >>> images = run.sample(5)
          >>> codes = run.encode(images)
          >>> codes.shape
          (5, 32)
        """
        data = self._data(data)
        return self._seeded(seed).encode(data, np.arange(len(data)), self._seen(len(data), condition))

    def decode(self, latents: np.ndarray, seed: int = 0, condition: Asked | None = None) -> np.ndarray:
        """Decodes latents [n, ...] as examples [n, *shape].

        Raises:
          Refusal: the model cannot decode, has to be told the class of what it makes, or the latents are of another
            shape.

        Examples:
          >>> run.decode(codes).shape
          (5, 8, 8, 1)
        """
        latents = np.asarray(latents)
        check_number(len(latents) if latents.ndim else 0, "latents")
        told = self._seen(len(latents), condition)
        one = self._latents.kind(self.signature.shape, {name: values[:1] for name, values in told.items()})
        check_latents(latents, one, self._run.folder)
        decoded = self._seeded(seed).decode(latents, np.arange(len(latents)), told)
        return self.signature.units.to_data(decoded)

    def reconstruct(self, data: np.ndarray, seed: int = 0, condition: Asked | None = None) -> np.ndarray:
        """Encodes examples [n, *shape] and decodes their codes.

        Raises:
          Refusal: the model cannot encode or decode, has to be told the class, or the data are of another shape.

        Examples:
          >>> bool((run.reconstruct(images) == run.decode(codes)).all())
          True
        """
        return self.decode(self.encode(data, seed, condition), seed, condition)

    @cached_property
    def _fitted(self) -> Run:
        return with_prior(self._run)

    @cached_property
    def _drawn(self) -> Latents:
        return Latents(self._fitted.model, self.signature.units, self._fitted.variables, 0)

    @cached_property
    def _latents(self) -> Latents:
        return Latents(self._run.model, self.signature.units, self._run.variables, 0)

    @cached_property
    def _heeded(self) -> bool:
        return self._latents.heeds(self.signature.shape, LABEL)

    def _check(self, latents: np.ndarray, told: Conditions) -> None:
        one = self._latents.kind(self.signature.shape, {name: values[:1] for name, values in told.items()})
        check_latents(latents, one, self._run.folder)
        check_continuous(latents.astype(one.dtype), self._run.folder)

    def _data(self, data: np.ndarray) -> np.ndarray:
        return checked_data(data, self.signature.fields["data"], self._run.folder)

    def _seeded(self, seed: int) -> Latents:
        check_seed(seed, "seed=")
        return self._latents.reseeded(seed)

    def _told(self, number: int, condition: Asked) -> Conditions:
        return told(self._run.model, number, condition, self.signature.classes)

    def _seen(self, number: int, condition: Asked | None) -> Conditions:
        """What examples that are seen or made of latents are told; a model that takes labels needs to know theirs."""
        if LABEL not in (condition or {}) and self._heeded:
            raise Refusal(f'the model of {self._run.folder} has to be told the class: condition={{"label": CLASS}}.')
        return self._told(number, condition or {})
