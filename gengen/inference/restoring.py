"""Pictures restored by a model, for many of them: by what it expects behind noise, or by latents that explain them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.core.units import Units
from gengen.inference.batched import per_example
from gengen.restoration.inversion import Prior, inverted
from gengen.restoration.methods import METHODS, Method, Seen, restored, settled
from gengen.restoration.operators import Operator, identity
from gengen.restoration.problems import Problem

INVERTED = "inverted"
"""The method that looks for latents."""

FIRST = "pigdm"
"""The method that a model of diffusion is asked for where none is named."""

STARTS = 4
"""Latents from which a descent starts."""

DRAWS = 1_000
"""Draws of a prior that its moments are of."""

BOUNDS = (-1.0, 1.0)
"""Of pictures, in the model's units."""


class Restored(NamedTuple):
    """What came of pictures.

    Attributes:
      seen: observations [N, *operator.shape], in the model's units.
      restored: pictures [N, H, W, C] in the model's units, not rounded.
      latents: that were found, [N, ...]; None where none were looked for.
    """

    seen: np.ndarray
    restored: np.ndarray
    latents: np.ndarray | None


def method_of(model: GenerativeModel, asked: str | None, noise: float, operator: Operator, steps: int) -> Method | None:
    """The method that is asked for, or else the first that a model can do; None stands for `INVERTED`.

    Args:
      model: the model.
      asked: name of a method, or None.
      noise: standard deviation of the noise on observations.
      operator: of the observations.
      steps: of the method.

    Raises:
      Refusal: there is no such method, the model cannot do it, or it is not for such observations.
    """
    if asked is not None and asked not in (*METHODS, INVERTED):
        raise Refusal(f"--method={asked} is none of {', '.join((*METHODS, INVERTED))}; choose one of these.")
    if model.denoise is None and (model.decode is None or (asked or INVERTED) != INVERTED):
        if model.decode is None:
            raise Refusal(
                "this model can neither denoise nor decode, and restores nothing; take a run of a diffusion model, or "
                "of one with latents."
            )
        raise Refusal(f"--method={asked} takes a model of diffusion, which this is not; take --method={INVERTED}.")
    if model.denoise is None or asked == INVERTED:
        check_decodes(model)
        return None
    if (most := model.denoise.path.steps) is not None and steps > most:
        raise Refusal(f"--steps={steps} are more than the {most} times at which this model was trained; take fewer.")
    method = METHODS[asked or FIRST](steps=steps)
    if method.masks and operator.known is None:
        raise Refusal(f"--method={asked} is for missing pixels alone; choose another method for this --op.")
    if noise and not method.noise:
        raise Refusal(f"--method={asked} takes what was seen for exact; choose another method for --noise={noise:g}.")
    return method


def check_decodes(model: GenerativeModel) -> None:
    """Checks that latents can be looked for: those of the prior, or from where the model encodes.

    Raises:
      Refusal: they cannot.
    """
    require(model, "decode")
    if model.conditions:
        raise Refusal(
            f"samples of this model are told their {' and '.join(model.conditions)}, which nobody knows of what is to "
            f"be restored; take a run of a model without conditions."
        )
    if model.prior is None:
        require(model, "encode")


class Restorer:
    """Observes pictures and restores them, with the variables of a run.

    What comes of a picture depends on the picture, the variables, the seed and its index alone.

    Args:
      model: the model.
      units: of its data.
      variables: its variables.
      seed: of the noise.
      shape: of a picture (H, W, C).
    """

    def __init__(
        self, model: GenerativeModel, units: Units, variables: Variables, seed: int, shape: tuple[int, ...]
    ) -> None:
        self._model, self._units, self._variables, self._shape = model, units, variables, shape
        self._key = jax.random.key(seed)

    def restore(
        self, images: np.ndarray, operator: Operator, noise: float, method: Method | None, steps: int
    ) -> Restored:
        """Observes pictures uint8 [N, H, W, C], and restores them.

        Args:
          images: what is observed.
          operator: how.
          noise: standard deviation of the noise on observations, in the model's units.
          method: as `method_of` says.
          steps: of a descent, where latents are looked for.

        Raises:
          Refusal: the latents are whole numbers.
        """
        way = self._descended(steps, settle=True) if method is None else self._sampled(method)
        return self._each(images, operator, noise, way)

    def invert(self, images: np.ndarray, steps: int) -> Restored:
        """Looks for latents of pictures uint8 [N, H, W, C]; `restored` is what the model makes of them.

        Args:
          images: what the model is to make.
          steps: of a descent.

        Raises:
          Refusal: the model cannot decode, is told conditions, or its latents are whole numbers.
        """
        check_decodes(self._model)
        return self._each(images, identity(self._shape), 0.0, self._descended(steps, settle=False))

    def _each(self, images: np.ndarray, operator: Operator, noise: float, way: Callable[..., Any]) -> Restored:
        """Observes pictures, and does something to each observation."""

        def one(key: jax.Array, variables: Variables, image: jax.Array) -> Tree:
            of_noise, of_method = jax.random.split(key)
            y = operator.forward(self._units.to_model(image))
            y = y + noise * jax.random.normal(of_noise, y.shape) if noise else y
            return {"seen": y, **way(of_method, variables, Seen(operator, y, noise))}

        found = per_example(one)(self._key, self._variables, np.arange(len(images)), images)
        return Restored(found["seen"], found["restored"], found.get("latents"))

    def _sampled(self, method: Method) -> Callable[..., dict[str, jax.Array]]:
        """Restores by a denoiser."""
        mean, path = require(self._model, "denoise")

        def way(key: jax.Array, variables: Variables, seen: Seen) -> dict[str, jax.Array]:
            def denoise(x: jax.Array, t: jax.Array) -> jax.Array:
                expected: jax.Array = mean(variables, x, t, None)
                return expected

            return {"restored": restored(key[None], denoise, path, seen, method, self._shape, BOUNDS)}

        return way

    def _descended(self, steps: int, *, settle: bool) -> Callable[..., dict[str, jax.Array]]:
        """Restores by the latents that explain best what was seen."""
        model, prior = self._model, self._prior()

        def way(key: jax.Array, variables: Variables, seen: Seen) -> dict[str, jax.Array]:
            of_starts, of_decoder = jax.random.split(key)
            decode = require(model, "decode")

            def generated(latents: jax.Array) -> jax.Array:
                made: jax.Array = decode(of_decoder, variables, latents)
                return made

            starts = self._starts(of_starts, variables, seen)
            latents, losses = inverted(generated, starts, seen, prior, steps=steps)
            best = latents[jnp.argmin(losses)][None]
            made = generated(best)
            return {"restored": settled(made, seen, BOUNDS) if settle else made, "latents": best}

        return way

    def _starts(self, key: jax.Array, variables: Variables, seen: Seen) -> jax.Array:
        """Latents [k, ...]: that of the simplest picture that explains what was seen, and draws of the prior."""
        found, encode, prior = [], self._model.encode, self._model.prior
        if encode is not None:
            found.append(encode(key, variables, jnp.clip(seen.operator.pinv(seen.y), *BOUNDS)))
        if prior is not None:
            found.append(prior(key, variables, STARTS - len(found)))
        return jnp.concatenate(found)

    def _prior(self) -> Prior:
        """The moments of draws of the prior; numbers of deviation 1 that may be anything where there is none."""
        if self._model.prior is not None:
            draws: Any = jax.jit(self._model.prior, static_argnums=2)(self._key, self._variables, DRAWS)
            _check_real(draws.dtype)
            deviation = draws.std(0)
            return Prior(draws.mean(0), jnp.where(deviation > 0, deviation, 1.0))
        encode, data = require(self._model, "encode"), jax.ShapeDtypeStruct((1, *self._shape), np.float32)
        latent = jax.eval_shape(encode, self._key, self._variables, data)
        _check_real(latent.dtype)
        return Prior(jnp.zeros(latent.shape[1:]), jnp.ones(latent.shape[1:]), weight=0.0)


def _check_real(dtype: Any) -> None:
    if not jnp.issubdtype(dtype, jnp.floating):
        raise Refusal(
            "the latents of this model are whole numbers, and nothing leads from one of them to a better one."
        )


def fills_of(problem: Problem, operator: Operator, seen: np.ndarray, units: Units) -> dict[str, np.ndarray]:
    """Trivial answers by their names, uint8 [N, H, W, C].

    Args:
      problem: whose answers they are.
      operator: that it was built with.
      seen: observations, in the model's units.
      units: of the data.
    """
    return {name: units.to_data(fill(operator, jnp.asarray(seen))) for name, fill in problem.fills.items()}
