"""A trained model, from Python: NumPy's arrays in and out, in the data's own units."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.api.checks import check_number, checked_data
from gengen.api.coding import Asked
from gengen.api.walks import Walking
from gengen.core.model import Condition, require
from gengen.core.refusal import Refusal
from gengen.inference.batched import Each, per_example
from gengen.inference.conditions import in_turn
from gengen.inference.domains import signature_of
from gengen.inference.nats import nats_of
from gengen.inference.sampling import Draw, sampler
from gengen.inference.translation import Translations
from gengen.runs.folder import opened
from gengen.runs.limits import check_seed
from gengen.runs.program import members_of, seeds_of

LEAST = 100
"""The fewest samples that are judged."""


class TrainedModel(Walking):
    """The model of a run, with the variables of one of its checkpoints.

    Arrays of examples are [n, *shape] in the data's own units: pictures are uint8 [n, H, W, C]. What example i becomes
    depends on the seed, on i and on what it is told, and not on how many there are. What is compiled is kept.

    Args:
      run: the run, opened.
    """

    def __repr__(self) -> str:
        origin = self._run.origin
        member = f", {self._run.member}" if self._run.member else ""
        return (
            f"<{origin['run']}, step {origin['step']}, {origin['checkpoint']} checkpoint, weights {origin['weights']}"
            f"{member}>"
        )

    @property
    def config(self) -> ConfigDict:
        """The experiment."""
        return self._run.config

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were trained together, of each of which `open_run` opens the model by `seed`."""
        return seeds_of(self._run.config.training)

    @property
    def members(self) -> tuple[str, ...]:
        """What was trained together is called, such as "rate 0.0003, seed 1"; `open_run` opens each by its place."""
        return tuple(each.label for each in members_of(opened(self._run.folder)[0]))

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
          condition: what they are told; by default sample i of a model that takes labels is of class i mod K, and one
            that takes texts is told some of its training data.

        Raises:
          Refusal: the model cannot sample, or cannot be told so.

        Examples:
          >>> images = run.sample(5, seed=1)
          >>> images.shape, images.dtype
          ((5, 8, 8, 1), dtype('uint8'))
        """
        check_number(n, "samples")
        check_seed(seed, "seed=")
        asked = in_turn(self._run.model, n) if condition is None else self._told(n, condition)
        return self._sampler(self._fitted.variables, seed, n, asked or None)

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
        """The log-likelihood of examples in nats, float32 [n], or a lower bound of it: of the data as they are.

        That is log P(x) of whole numbers, such as pixels, log p(x) of real ones in the data's units, and of a model of
        black-and-white pictures the one of these.

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

    def export(
        self,
        folder: str | os.PathLike[str],
        formats: Sequence[str] = ("safetensors", "stablehlo"),
        units: str = "data",
    ) -> dict[str, Any]:
        """Writes weights and functions as files that need no gengen, as `--mode=export` does; each is compared first.

        Args:
          folder: to write, whole or not at all; an export that is there is replaced.
          formats: some of "safetensors", "stablehlo" and "onnx".
          units: in which functions are given and give examples: "data" for the data's own, "model" for the model's.

        Returns:
          What `manifest.json` holds.

        Raises:
          Refusal: a format is unknown or takes a package that is not there, the folder holds something else, there is
            nothing to export, or an artefact differs from the model.
        """
        from gengen.export.exporting import export_run  # with packages of extras

        return export_run(self._run, Path(folder).expanduser(), formats, units)

    @cached_property
    def _sampler(self) -> Draw:
        return sampler(self._fitted.model, self.signature.units)

    @cached_property
    def _translations(self) -> Translations:
        return Translations(self._run.model, self.signature, 0)

    @cached_property
    def _bounds(self) -> dict[int, Each]:
        return {}

    def _bound(self, samples: int) -> Each:
        nats = nats_of(self._run.model, self.signature)
        return per_example(lambda key, variables, data, told: nats(key, variables, data, told or None, samples))
