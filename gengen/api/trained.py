"""A trained model, from Python: NumPy's arrays in and out, in the data's own units."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.api.checks import check_latents, check_number, checked_data
from gengen.core.model import Condition, require
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.inference.batched import Each, per_example
from gengen.inference.conditions import LABEL, Conditions, by_class, classes_of, told
from gengen.inference.domains import signature_of
from gengen.inference.latents import Latents, check_continuous
from gengen.inference.sampling import Draw, sampler
from gengen.inference.translation import Translations
from gengen.runs.limits import check_seed
from gengen.runs.prior import with_prior
from gengen.runs.run import Run

Asked = Mapping[str, Any]
"""What examples are told, by the names of `conditions`, as in `{"label": 3}` or `{"label": [0, 3]}`."""


LEAST = 100
"""The fewest samples that are judged."""


class TrainedModel:
    """The model of a run, with the variables of one of its checkpoints.

    Arrays of examples are [n, *shape] in the data's own units: pictures are uint8 [n, H, W, C]. What example i becomes
    depends on the seed, on i and on what it is told, and not on how many there are. What is compiled is kept.

    Args:
      run: the run, opened.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        origin = self._run.origin
        return (
            f"<{origin['run']}, step {origin['step']}, {origin['checkpoint']} checkpoint, weights {origin['weights']}>"
        )

    @property
    def config(self) -> ConfigDict:
        """The experiment."""
        return self._run.config

    @property
    def signature(self) -> Signature:
        """What the data are: name, kind, fields, and the counts of the splits."""
        return self._run.signature

    @property
    def step(self) -> int:
        """Number of steps that the model was trained for."""
        return self._run.step

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """What samples can be told to be, by name."""
        return self._run.model.conditions

    def sample(self, n: int, seed: int = 0, condition: Asked | None = None) -> np.ndarray:
        """Draws samples [n, *shape].

        An autoencoder without a prior gets one that is fitted to the codes of its data, which it needs once.

        Args:
          n: number of samples.
          seed: of the noise.
          condition: what they are told; by default sample i of a model that takes labels is of class i mod K.

        Raises:
          Refusal: the model cannot sample, or cannot be told so.

        Examples:
          >>> images = run.sample(5, seed=1)
          >>> images.shape, images.dtype
          ((5, 8, 8, 1), dtype('uint8'))
        """
        check_number(n, "samples")
        check_seed(seed, "seed=")
        run, draw = self._sampling
        asked = by_class(run.model, n) if condition is None else self._told(n, condition)
        return draw(run.variables, seed, n, asked or None)

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

    def interpolate(
        self,
        first: np.ndarray,
        second: np.ndarray,
        steps: int = 10,
        *,
        spherical: bool = False,
        seed: int = 0,
        condition: Asked | None = None,
    ) -> np.ndarray:
        """Decodes what lies between the codes of examples.

        Args:
          first: where the paths begin, [n, *shape].
          second: where they end, [n, *shape].
          steps: latents on a path, both ends among them.
          spherical: go on arcs around the origin, not on straight lines.
          seed: of what the model draws; a path has one noise.
          condition: what both ends and all between are told.

        Returns:
          Examples [n, steps, *shape].

        Raises:
          Refusal: the model cannot encode or decode, its latents are whole numbers, it has to be told the class, or the
            data are of another shape.

        Examples:
          >>> run.interpolate(images[:2], images[2:4], steps=3).shape
          (2, 3, 8, 8, 1)
        """
        first, second = self._data(first), self._data(second)
        if len(first) != len(second) or steps < 2:
            raise Refusal(f"paths of {steps} steps between {len(first)} and {len(second)} examples cannot be drawn.")
        latents, told = self._seeded(seed), self._seen(len(first), condition)
        both = {name: np.tile(values, (2, *[1] * (values.ndim - 1))) for name, values in told.items()}
        codes = latents.encode(np.concatenate([first, second]), np.arange(2 * len(first)), both)
        check_continuous(codes, self._run.folder)
        return latents.between(codes[: len(first)], codes[len(first) :], told, steps=steps, spherical=spherical)

    def translate(self, data: np.ndarray, direction: str = "ab", seed: int = 0) -> np.ndarray:
        """Translates examples [n, *shape] to the other domain.

        Args:
          data: of the first domain of the direction, in its own units.
          direction: "ab" or "ba".
          seed: of the noise.

        Raises:
          Refusal: the model cannot translate, or not in this direction, or the data are of another shape.
        """
        directions = sorted(require(self._run.model, "translate"))
        if direction not in directions:
            raise Refusal(f"the direction {direction!r} is none of this model's; it can do {' and '.join(directions)}.")
        check_seed(seed, "seed=")
        domain = signature_of(self._run.model, self.signature, direction[0])
        data = checked_data(data, domain.fields["data"], self._run.folder)
        translations = self._translations.reseeded(seed)
        return translations.translate(self._run.variables, direction, data, np.arange(len(data)))

    def log_likelihood(
        self, data: np.ndarray, samples: int = 1, seed: int = 0, condition: Asked | None = None
    ) -> np.ndarray:
        """The log-likelihood of examples in nats, float32 [n], or a lower bound of it.

        Args:
          data: examples [n, *shape].
          samples: importance samples of each, where it is a bound: the more, the tighter.
          seed: of the noise.
          condition: what the examples are told.

        Raises:
          Refusal: the model has no likelihood, has to be told the class, or the data are of another shape.

        Examples:
          >>> run.log_likelihood(images, samples=2).shape
          (5,)
        """
        data = self._data(data)
        check_seed(seed, "seed=")
        require(self._run.model, "log_likelihood")
        if samples < 1:
            raise Refusal(f"a likelihood takes at least one sample, and not {samples}.")
        bound = self._bounds.setdefault(samples, self._bound(samples))
        told, indices = self._seen(len(data), condition), np.arange(len(data))
        return np.asarray(bound(jax.random.key(seed), self._run.variables, indices, data, told))

    def evaluate(self, num: int = 10_000, seed: int = 0) -> dict[str, Any]:
        """Judges the run, as `--mode=evaluate` does; it needs its data.

        Args:
          num: number of samples or held-out examples.
          seed: of the noise.

        Returns:
          What evaluation.json holds.

        Raises:
          Refusal: `num` is too small, the data are gone or other ones, or a score cannot be had.
        """
        from gengen.evaluation.evaluate_run import evaluate  # SciPy and scikit-learn

        if num < LEAST:
            raise Refusal(f"{num} samples are too few to be judged; it takes {LEAST}.")
        check_seed(seed, "seed=")
        return evaluate(self._run, num=num, seed=seed)

    @cached_property
    def _sampling(self) -> tuple[Run, Draw]:
        run = with_prior(self._run)
        return run, sampler(run.model, run.signature.units)

    @cached_property
    def _latents(self) -> Latents:
        return Latents(self._run.model, self.signature.units, self._run.variables, 0)

    @cached_property
    def _translations(self) -> Translations:
        return Translations(self._run.model, self.signature, 0)

    @cached_property
    def _bounds(self) -> dict[int, Each]:
        return {}

    def _bound(self, samples: int) -> Each:
        log_likelihood, units = require(self._run.model, "log_likelihood"), self.signature.units
        return per_example(
            lambda key, variables, data, told: log_likelihood(
                key, variables, units.to_model(data), told or None, samples
            )
        )

    def _data(self, data: np.ndarray) -> np.ndarray:
        return checked_data(data, self.signature.fields["data"], self._run.folder)

    def _seeded(self, seed: int) -> Latents:
        check_seed(seed, "seed=")
        return self._latents.reseeded(seed)

    def _told(self, number: int, condition: Asked) -> Conditions:
        return told(self._run.model, number, condition, self.signature.classes)

    def _seen(self, number: int, condition: Asked | None) -> Conditions:
        """What examples that are seen or made of latents are told; a model that takes labels needs to know theirs."""
        if classes_of(self._run.model) and LABEL not in (condition or {}):
            raise Refusal(f'the model of {self._run.folder} has to be told the class: condition={{"label": CLASS}}.')
        return self._told(number, condition or {})
