"""Diffusion and flow matching: a network learns the mean of the data behind their noise, at every amount of noise.

    denoiser  w <- w - step of the gradient of  weight(t) |network(x_t, t, class) - target|^2
    x_t = alpha(t) x_0 + sigma(t) noise,  t = 0 is data and t = 1 is noise

Ho et al. 2020, https://arxiv.org/abs/2006.11239; Song et al. 2021, https://arxiv.org/abs/2011.13456; Lipman et al.
2023, https://arxiv.org/abs/2210.02747. Three choices make all of them: the path (alpha, sigma), what is predicted
(noise, the data, velocity, score), and the network. How samples are drawn is chosen afterwards (`gengen.samplers`).
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.model import Batch, Condition, Denoising, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.losses.bounds import importance_weighted
from gengen.models.conditioning import Conditioning, completed
from gengen.models.diffusion.drawing import Drawing, ends, led, sampler_of, trajectories
from gengen.models.diffusion.telling import conditioning_of, dropped, untold
from gengen.models.diffusion.weighting import LOG_RATIO, TIMES, WEIGHTINGS, LogRatio, evenly, weights
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.samplers.ode import log_density
from gengen.samplers.predictions import PREDICTIONS, converted, denoiser, input_scale
from gengen.samplers.probability_paths import LEAST, PATHS, Path, in_steps, latest, lifted, noised, on_path, time_at
from gengen.samplers.sampler import Denoise, Trajectory, start
from gengen.values import Count, OneOf, Positive, Share

FEW = 16
"""Numbers of an example up to which the divergence is exact."""

TOLERANCE = 1e-4
"""Of a step of the ODE that gives likelihoods."""


class Diffusion(NamedTuple):
    """The network and the pure functions of the game.

    Attributes:
      network: what is predicted, of noisy data [B, *shape], times [B] and what it is told.
      path: from data to noise.
      prediction: what the network gives, one of `PREDICTIONS`.
      times: at which it is trained, one of `TIMES`.
      weighting: one of `WEIGHTINGS`.
      deviation: of the data, in the model's units.
      dropped: share of the training examples of which the network is told nothing.
      drawing: how samples are drawn.
      bounded: whether data lie in [-1, 1].
      levels: how many whole numbers a number of the data may be; 0 for real numbers.
      text: what texts the network may be told; None for none.
      log_ratio: mean and deviation of log(sigma / alpha) where times are log-normal.
    """

    network: Denoiser
    path: Path
    prediction: str
    times: str
    weighting: str
    deviation: float
    dropped: float
    drawing: Drawing
    bounded: bool
    levels: int
    text: Condition | None = None
    log_ratio: Sequence[float] = LOG_RATIO

    @property
    def conditioning(self) -> Conditioning:
        """What the network is told."""
        return conditioning_of(self.network, self.text)

    @property
    def first(self) -> jax.Array:
        """The earliest time [] that the network knows; before it, there is no noise to see."""
        return time_at(self.path, jnp.asarray(LEAST))

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables."""
        data, told = batch["data"], self.conditioning.of(key, batch)
        return {"denoiser": dict(self.network.init(key, data, jnp.zeros(len(data)), told, train=False))}

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Noise, a time and what the network is told, for each example."""
        del state
        of_times, of_examples = jax.random.split(key)
        data = batch["data"]
        keys = jax.vmap(partial(jax.random.split, num=3))(local_keys(of_examples, len(data)))
        share = evenly(of_times, len(data))
        told = dropped(self.conditioning, keys[:, 1], self.conditioning.of(keys[:, 2], batch), self.dropped)
        noise = jax.vmap(lambda key: jax.random.normal(key, data.shape[1:]))(keys[:, 0])
        time = on_path(
            self.path, jnp.clip(TIMES[self.times](share, self.path, self.log_ratio), self.first, latest(self.path))
        )
        return {"data": data, "noise": noise, "time": time, "told": told, "keys": keys[:, 1]}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The weighted squared error of what the network gives, a mean over the numbers of an example."""
        del key
        time, noise = batch["time"], batch["noise"]
        seen = noised(self.path, batch["data"], noise, time)
        given = self._network(state.variables, batch["told"], seen, time, batch["keys"])
        target = converted(batch["data"], "data", self.prediction, self.path, seen, time, deviation=self.deviation)
        each = jnp.square(given - target).reshape(len(time), -1).mean(-1)
        weight = weights(self.weighting, self.prediction, self.path, time, self.deviation)
        return (weight * each).mean(), ({}, {})

    def _network(
        self, variables: Variables, told: Batch, x: jax.Array, time: jax.Array, keys: jax.Array | None = None
    ) -> jax.Array:
        """What the network gives, [B, *shape]; it sees x scaled to a deviation of 1. Keys [B] are of its dropout."""
        seen = lifted(input_scale(self.path, time, deviation=self.deviation), x) * x
        train = keys is not None
        given: Any = self.network.apply(variables["denoiser"], seen, time, told, keys=keys, train=train)
        return jnp.asarray(given)

    def mean_of(self, variables: Variables, told: Batch) -> Denoise:
        """What says the mean of the data behind noise, of a network that is told something, or nothing."""
        predict = partial(self._network, variables, told)
        return denoiser(predict, self.prediction, self.path, deviation=self.deviation)

    def drawn_mean(self, variables: Variables, n: int, told: Batch) -> Denoise:
        """The same, guided and cut as the section `sampling` says."""
        nothing = untold(self.conditioning, n)
        return led(self.mean_of, variables, told, nothing, self.drawing, bounded=self.bounded)

    def expected(self, variables: Variables, x: jax.Array, time: jax.Array, condition: Batch | None) -> jax.Array:
        """The mean [n, *shape] of data behind noise x at times [n]; where there is no condition, nothing is told."""
        return self.mean_of(variables, condition or untold(self.conditioning, len(x)))(x, time)

    def solved(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> Trajectory:
        """From noise to data [n, *shape]; the i-th depends on the key, on i and on its condition alone."""
        told = completed(self.conditioning, key, n, condition)
        keys = jax.vmap(jax.random.split)(example_keys(key, n))
        noise = start(keys[:, 0], self.path, self.network.shape)
        mean = self.drawn_mean(variables, n, told)
        return sampler_of(self.drawing).solve(keys[:, 1], mean, self.path, noise)

    def log_likelihood(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """log p(x) by the probability-flow ODE; of whole numbers a bound of log P(x), by uniform noise in each level.

        The divergence on the way is exact of a few numbers, and estimated without bias of many.

        Returns:
          Nats [n].
        """
        keys, told = example_keys(key, len(data)), condition or untold(self.conditioning, len(data))
        mean, width = self.mean_of(variables, told), 2 / (self.levels - 1) if self.levels else 0.0
        probes = None if self.network.size <= FEW else 1
        nats = partial(log_density, probes=probes, tolerance=TOLERANCE, earliest=self.first)
        kept = self.path.alpha(self.first)  # what is left of data at that time
        rest = self.network.size * (jnp.log(kept) + (math.log(width) if width else 0.0))

        def one(index: jax.Array) -> jax.Array:
            own = jax.vmap(jax.random.split)(jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index))
            noise = jax.vmap(lambda key: jax.random.uniform(key, data.shape[1:]))(own[:, 0])
            seen = kept * (data + width * (noise - 0.5))
            density: jax.Array = nats(own[:, 1], mean, self.path, seen).state
            return density + rest

        return importance_weighted(lax.map(one, jnp.arange(samples))) if width else one(jnp.zeros((), jnp.int32))


def diffusion(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    bounded: bool,
    levels: int,
    drawing: Drawing,
    text: Condition | None = None,
    path: Annotated[str, OneOf(PATHS)] = "linear",
    steps: Count = 0,
    prediction: Annotated[str, OneOf(PREDICTIONS)] = "velocity",
    times: Annotated[str, OneOf(TIMES)] = "uniform",
    log_ratio: LogRatio = LOG_RATIO,
    weighting: Annotated[str, OneOf(WEIGHTINGS)] = "simple",
    deviation: Positive = 0.5,
    dropped: Share = 0.1,
) -> GenerativeModel:
    """Builds a diffusion model.

    Args:
      networks: "denoiser", which may be told the class or a text.
      optimizers: of "denoiser", the one player.
      bounded: whether data lie in [-1, 1].
      levels: how many whole numbers a number of the data may be; 0 for real ones.
      drawing: how samples are drawn.
      text: what texts captions of the data can be; None where they have none.
      path: how data become noise; "linear" is that of flow matching, "variance_preserving" that of DDPM.
      steps: how many times there are; 0 for all between 0 and 1.
      prediction: what the network gives.
      times, log_ratio: at which it is trained, as in `Diffusion`.
      weighting: how much an error counts at each time.
      deviation: of the data, in the model's units.
      dropped: share of the training examples of which the network is not told the class.

    Returns:
      A model that can `sample` and show the `trajectory`, `denoise` where its network was trained to be told nothing,
      too, and say the `log_likelihood` if the drawing asks for it. The one metric is the loss.

    Raises:
      ValueError: samples would be drawn by leaps.
    """
    sampler_of(drawing)
    way = in_steps(PATHS[path], steps) if steps else PATHS[path]
    choices = prediction, times, weighting, deviation, dropped, drawing, bounded, levels, text, log_ratio
    game = Diffusion(networks["denoiser"], way, *choices)
    player = Player("denoiser", ("denoiser",), optimizers["denoiser"])
    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("denoiser", player, game.loss),), game.prepare),
        sample=ends(game.solved),
        trajectory=trajectories(game.solved),
        denoise=Denoising(game.expected, way) if dropped or not game.conditioning.conditions else None,
        conditions=game.conditioning.conditions,
        supervised="label" in game.conditioning.conditions,
        log_likelihood=game.log_likelihood if drawing.likelihood else None,
        likelihood_of="values" if levels else "density",
        bound_by="uniform noise" if levels else "",
        notes=f"minimises the squared error of a prediction of {prediction}, {weighting} weighting, over all numbers.",
    )
