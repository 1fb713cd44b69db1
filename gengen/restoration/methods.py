"""Ways to restore pictures by a denoiser and an operator: from noise to data, past what was seen.

None of them trains anything. A picture depends on its key and on its observation alone.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.restoration.guides import moment_matching, null_space, pseudo_inverse
from gengen.restoration.operators import Operator
from gengen.samplers.grids import grid
from gengen.samplers.probability_paths import Path
from gengen.samplers.sampler import Denoise, drawn, start
from gengen.samplers.solvers import followed, noisy_ddim_step
from gengen.values import Positive, Repeats, Share

SETTLED = 50
"""How often pictures are brought by turns into their bounds and to what was seen."""


class Seen(NamedTuple):
    """What is to be explained.

    Attributes:
      operator: A.
      y: A x, [n, *operator.shape], and noise.
      noise: standard deviation of that noise; 0 for none.
    """

    operator: Operator
    y: jax.Array
    noise: float = 0.0


class Method(NamedTuple):
    """A way to restore pictures.

    Attributes:
      calls: how often the denoiser is called for one picture.
      solve: `(keys [n], denoise, path, seen, shape) -> pictures [n, *shape]`.
      masks: whether it is for masks alone.
      noise: whether observations may have noise.
    """

    calls: int
    solve: Callable[[jax.Array, Denoise, Path, Seen, tuple[int, ...]], jax.Array]
    masks: bool = False
    noise: bool = True


def ddnm(*, steps: Repeats, eta: Share = 0.85) -> Method:
    """What is seen is put into each mean: `guides.null_space`.

    Args:
      steps: from noise to data.
      eta: share of the noise of an ancestral step that is drawn anew.
    """

    def guide(denoise: Denoise, path: Path, seen: Seen) -> Denoise:
        return null_space(denoise, seen.operator, seen.y)

    return Method(steps, _sampled(guide, steps, eta), noise=False)


def pigdm(*, steps: Repeats, eta: Share = 1.0, variance: Positive = 1.0) -> Method:
    """Guidance by the pseudo-inverse of the operator: `guides.pseudo_inverse`.

    Args:
      steps: from noise to data.
      eta: share of the noise of an ancestral step that is drawn anew.
      variance: of a number of the data, in the model's units.
    """

    def guide(denoise: Denoise, path: Path, seen: Seen) -> Denoise:
        return pseudo_inverse(denoise, path, seen.operator, seen.y, noise=seen.noise, variance=variance)

    return Method(steps, _sampled(guide, steps, eta))


def mmps(*, steps: Repeats, eta: Share = 1.0, iterations: Repeats = 5) -> Method:
    """Guidance by the covariance that the denoiser's derivative says: `guides.moment_matching`.

    Args:
      steps: from noise to data.
      eta: share of the noise of an ancestral step that is drawn anew.
      iterations: of conjugate gradients in a step.
    """

    def guide(denoise: Denoise, path: Path, seen: Seen) -> Denoise:
        return moment_matching(denoise, path, seen.operator, seen.y, noise=seen.noise, iterations=iterations)

    return Method(steps, _sampled(guide, steps, eta))


def dps(*, steps: Repeats, eta: Share = 1.0, weight: Positive = 0.5) -> Method:
    """A step of the gradient of |y - A E[x_0 | x_t]|^2 / 2 after each step of the sampler.

    DPS: Chung et al. 2023, https://arxiv.org/abs/2209.14687, algorithm 1, whose zeta is `weight` / 2. The paper divides
    it by the norm, which makes steps that are too long for small pictures and few steps.

    Args:
      steps: from noise to data.
      eta: share of the noise of an ancestral step that is drawn anew.
      weight: of the gradient; where nothing is left of the noise, 1 is the step to what was seen.
    """
    rule = noisy_ddim_step(eta)

    def solve(keys: jax.Array, denoise: Denoise, path: Path, seen: Seen, shape: tuple[int, ...]) -> jax.Array:
        times = grid(path, steps, "time")

        def step(x: jax.Array, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            t, s, place = now
            mean, back = jax.vjp(lambda x: denoise(x, jnp.full(len(x), t)), x)
            (ahead,) = back(seen.operator.adjoint(seen.y - seen.operator.forward(mean)))
            return rule(path, x, mean, t, s, drawn(keys, place, shape)) + weight * ahead, None

        x, _ = lax.scan(step, start(keys, path, shape), (times[:-1], times[1:], jnp.arange(1, steps + 1)))
        return x

    return Method(steps, solve)


def repaint(*, steps: Repeats, length: Repeats = 10, repeats: Repeats = 5) -> Method:
    """Known pixels are those of y, as noisy as the others; so that these come to fit, parts of the way are gone again.

    RePaint: Lugmayr et al. 2022, https://arxiv.org/abs/2201.09865, algorithm 1 and appendix B.

    Args:
      steps: from noise to data, were each gone once.
      length: steps that are gone back at a time, by noise.
      repeats: how often each of these parts is gone.
    """
    stops = _stops(steps, length, repeats)
    ahead = noisy_ddim_step(1.0)

    def solve(keys: jax.Array, denoise: Denoise, path: Path, seen: Seen, shape: tuple[int, ...]) -> jax.Array:
        times, known = grid(path, steps, "time")[stops], jnp.asarray(seen.operator.known)[None]

        def to_data(x: jax.Array, t: jax.Array, s: jax.Array, noise: jax.Array, other: jax.Array) -> jax.Array:
            x = ahead(path, x, denoise(x, jnp.full(len(x), t)), t, s, noise)
            return jnp.where(known, path.alpha(s) * seen.y + path.sigma(s) * other, x)

        def to_noise(x: jax.Array, t: jax.Array, s: jax.Array, noise: jax.Array, other: jax.Array) -> jax.Array:
            left = path.alpha(s) / path.alpha(t)
            return left * x + jnp.sqrt(jnp.square(path.sigma(s)) - jnp.square(left * path.sigma(t))) * noise

        def step(x: jax.Array, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            t, s, place = now
            noise, other = (drawn(keys, 2 * place + which, shape) for which in (0, 1))
            return lax.cond(s < t, to_data, to_noise, x, t, s, noise, other), None

        x, _ = lax.scan(step, start(keys, path, shape), (times[:-1], times[1:], jnp.arange(1, len(stops))))
        return x

    return Method(int((np.diff(stops) > 0).sum()), solve, masks=True, noise=False)


METHODS: Mapping[str, Callable[..., Method]] = {
    "pigdm": pigdm,
    "ddnm": ddnm,
    "mmps": mmps,
    "dps": dps,
    "repaint": repaint,
}
"""Builders of methods by the names of their papers; each takes a number of steps."""


def restored(
    keys: jax.Array,
    denoise: Denoise,
    path: Path,
    seen: Seen,
    method: Method,
    shape: tuple[int, ...],
    bounds: tuple[float, float] | None = None,
) -> jax.Array:
    """Pictures [n, *shape] that explain what was seen.

    Args:
      keys: of each picture, [n].
      denoise: of the data, unconditional.
      path: of its noise.
      seen: what was seen of them; where it has no noise, pictures explain it to rounding, and known pixels to the bit.
      method: how they are restored.
      shape: of a picture.
      bounds: of the values of the data; None where they have none.
    """
    return settled(method.solve(keys, denoise, path, seen, shape), seen, bounds)


def settled(x: jax.Array, seen: Seen, bounds: tuple[float, float] | None = None) -> jax.Array:
    """Pictures [n, *E] near to x within bounds that explain what was seen, where it has no noise.

    By turns they are cut at the bounds and brought to what was seen, with which all ends: values may be beyond a bound
    by what is left after `SETTLED` turns.

    Args:
      x: pictures [n, *E].
      seen: what was seen of them.
      bounds: of the values of the data; None where they have none.
    """

    def cut(x: jax.Array) -> jax.Array:
        return x if bounds is None else jnp.clip(x, *bounds)

    if seen.noise:
        return cut(x)
    if bounds is None or seen.operator.known is not None:
        return seen.operator.project(cut(x), seen.y)
    turned: jax.Array = lax.fori_loop(0, SETTLED, lambda _, x: seen.operator.project(cut(x), seen.y), x)
    return turned


def _sampled(
    guide: Callable[[Denoise, Path, Seen], Denoise], steps: int, eta: float
) -> Callable[[jax.Array, Denoise, Path, Seen, tuple[int, ...]], jax.Array]:
    """Draws by a denoiser that knows what was seen."""

    def solve(keys: jax.Array, denoise: Denoise, path: Path, seen: Seen, shape: tuple[int, ...]) -> jax.Array:
        times, first = grid(path, steps, "time"), start(keys, path, shape)
        return followed(noisy_ddim_step(eta), keys, guide(denoise, path, seen), path, first, times, noisy=eta > 0).end

    return solve


def _stops(steps: int, length: int, repeats: int) -> np.ndarray:
    """The places of a grid of `steps` steps where RePaint stops, in its order, int [S], from 0 to `steps`.

    Whenever a multiple of `length` is reached for the first time, the way goes back by `length` and on again until it
    was gone `repeats` times.
    """
    stops = [0]
    for place in range(1, steps + 1):
        stops.append(place)
        # Not from the end: nothing is gone again after it, but all that leads to it.
        if place % length == 0 and place < steps:
            for _ in range(repeats - 1):
                stops += [*range(place - 1, place - length - 1, -1), *range(place - length + 1, place + 1)]
    return np.asarray(stops)
