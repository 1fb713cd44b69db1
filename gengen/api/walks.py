"""Walks through the latents of a trained model, from Python: paths, planes, single numbers, sums of pictures."""

from collections.abc import Sequence

import numpy as np

from gengen.api.checks import check_number
from gengen.api.coding import Asked, Coding
from gengen.core.refusal import Refusal
from gengen.inference.axes import check_axes
from gengen.inference.conditions import LABEL, first_of
from gengen.inference.latents import check_continuous
from gengen.runs.coded import check_walkable
from gengen.runs.traversal import Traversal, traversed


class Walking(Coding):
    """Walks through the latents of a run's model; those of a model of two domains are shown in both, [2, ...]."""

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
        made = latents.between(codes[: len(first)], codes[len(first) :], told, steps=steps, spherical=spherical)
        return np.asarray(made[0])

    def between(
        self,
        first: np.ndarray,
        second: np.ndarray,
        steps: int = 10,
        *,
        spherical: bool = False,
        seed: int = 0,
        condition: Asked | None = None,
    ) -> np.ndarray:
        """Decodes what lies between latents, such as draws of the prior: `interpolate` for those who have latents.

        Args:
          first: where the paths begin, [n, ...].
          second: where they end, [n, ...].
          steps: latents on a path, both ends among them.
          spherical: go on arcs around the origin, not on straight lines.
          seed: of what the decoder draws; a path has one noise.
          condition: what the examples of a path are told.

        Returns:
          Examples [n, steps, *shape].

        Raises:
          Refusal: the model cannot decode, has to be told the class, or the latents are none that it could decode.

        Examples:
          >>> draws = run.latents(4)
          >>> run.between(draws[:2], draws[2:], steps=3, spherical=True).shape
          (2, 3, 8, 8, 1)
        """
        first, second = np.asarray(first), np.asarray(second)
        if first.shape[:1] != second.shape[:1] or steps < 2:
            raise Refusal(f"paths of {steps} steps between {len(first)} and {len(second)} latents cannot be drawn.")
        told = self._seen(len(first), condition)
        for ends in (first, second):
            self._check(ends, told)
        made = self._seeded(seed).between(first, second, told, steps=steps, spherical=spherical)
        return made if len(made) > 1 else made[0]

    def plane(
        self,
        corners: np.ndarray,
        num: int = 20,
        *,
        spherical: bool = False,
        seed: int = 0,
        condition: Asked | None = None,
    ) -> np.ndarray:
        """Decodes the plane through three latents: a + s (b - a) + t (c - a), s and t from 0 to 1.

        Args:
          corners: a, b and c, [3, ...].
          num: examples along each side.
          spherical: bring latents to the norms of the corners.
          seed: of what the decoder draws; there is one noise.
          condition: what all examples are told.

        Returns:
          Examples [num, num, *shape]: from above, t falls along the first axis, and s grows along the second.

        Raises:
          Refusal: the model cannot decode, has to be told the class, or there are not three latents.

        Examples:
          >>> run.plane(run.latents(3), num=4).shape
          (4, 4, 8, 8, 1)
        """
        corners, told = np.asarray(corners), self._seen(1, condition)
        if len(corners) != 3:
            raise Refusal(f"a plane goes through three latents, and these are {len(corners)}.")
        self._check(corners, told)
        made = self._seeded(seed).plane(corners, told, num=num, spherical=spherical)
        return made if len(made) > 1 else made[0]

    def traverse(
        self, axes: Sequence[int] | None = None, steps: int = 11, *, seed: int = 0, condition: Asked | None = None
    ) -> Traversal:
        """Decodes what numbers of a latent do, as `--mode=traverse` does: one changes, all others stay.

        Args:
          axes: the numbers; None for the ten that change examples most.
          steps: quantiles of the prior that each goes through.
          seed: of the latent.
          condition: the class of all examples, as in `{"label": 3}`; the first by default.

        Returns:
          `axes`, `values` [A, steps] and `examples` [domains, A, steps, *shape].

        Raises:
          Refusal: there are no latents of numbers, or not these ones.

        Examples:
          >>> run.traverse(axes=[3, 7], steps=5).examples.shape
          (1, 2, 5, 8, 8, 1)
        """
        check_walkable(self._run, None)
        if axes is not None:
            kind = self._latents.kind(self.signature.shape, first_of(self._run.model, 1))
            check_axes(axes, int(np.prod(kind.shape[1:])))
        label = self._label(condition)
        return traversed(self._run, self._seeded(seed), axes=axes, steps=steps, seed=seed, label=label)

    def arithmetic(
        self, formula: str | None = None, num: int = 3, *, seed: int = 0, condition: Asked | None = None
    ) -> dict[str, np.ndarray]:
        """Adds mean latents of pictures, as `--mode=arithmetic` does.

        Args:
          formula: such as "0,1,2-3,4,5+6,7,8" or "label:7-label:1+label:4".
          num: pictures that stand for a class.
          seed: of draws, of the choice of held-out examples, and of the noise about the sum.
          condition: the class of pictures by number, as in `{"label": 3}`.

        Returns:
          What the .npz of the mode holds: "exemplars", "means", "results", "terms", "signs", "codes" and "sums".

        Raises:
          Refusal: there are no latents of numbers, or the formula is none or names what cannot be had.

        Examples:
          >>> run.arithmetic("0,1-2+3")["results"].shape
          (3, 3, 8, 8, 1)
        """
        from gengen.evaluation.sums import summed  # SciPy and scikit-learn

        check_walkable(self._run, None)
        check_number(num, "pictures")
        label = self._label(condition)
        return summed(self._run, self._seeded(seed), formula, num=num, seed=seed, source=None, label=label).arrays

    def _label(self, condition: Asked | None) -> int | None:
        return int(self._told(1, condition)[LABEL][0]) if condition and LABEL in condition else None
