"""Diffusion and flow matching: a network learns the mean of the data behind their noise, at every amount of noise.

    denoiser  w <- w - step of the gradient of  weight(t) |network(x_t, t, class) - target|^2
    x_t = alpha(t) x_0 + sigma(t) noise,  t = 0 is data and t = 1 is noise

Ho et al. 2020, https://arxiv.org/abs/2006.11239; Song et al. 2021, https://arxiv.org/abs/2011.13456; Lipman et al.
2023, https://arxiv.org/abs/2210.02747. Three choices make all of them: the path (alpha, sigma), what is predicted
(noise, the data, velocity, score), and the network. How samples are drawn is chosen afterwards (`gengen.samplers`).
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.model import Batch, Denoising, GenerativeModel
from gengen.core.parallel import AXIS, example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.models.conditioning import completed
from gengen.models.diffusion.drawing import Drawing
from gengen.models.diffusion.telling import conditioning_of, dropped, untold
from gengen.models.diffusion.weighting import TIMES, WEIGHTINGS, weights
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.samplers.grids import LEAST
from gengen.samplers.guidance import guided, limited
from gengen.samplers.predictions import PREDICTIONS, converted, denoiser, input_scale
from gengen.samplers.probability_paths import PATHS, Path, in_steps, latest, lifted, noised, on_path, time_at
from gengen.samplers.sampler import Denoise, start
from gengen.values import Count, OneOf, Positive, Share


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

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables."""
        data, told = batch["data"], conditioning_of(self.network).of(key, batch)
        return {"denoiser": dict(self.network.init(key, data, jnp.zeros(len(data)), told, train=False))}

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Noise, a time and what the network is told, for each example.

        Times lie evenly over the global batch, from a random start: Kingma et al. 2021, arXiv:2107.00630, I.1.
        """
        del state
        of_times, of_examples = jax.random.split(key)
        data = batch["data"]
        keys = jax.vmap(partial(jax.random.split, num=3))(local_keys(of_examples, len(data)))
        places = (lax.axis_index(AXIS) * len(data) + jnp.arange(len(data))).astype(jnp.float32)
        share = (places + jax.random.uniform(of_times)) / (len(data) * lax.axis_size(AXIS))
        first, last = time_at(self.path, jnp.asarray(LEAST)), latest(self.path)  # beyond, nothing is to be learnt
        told = dropped(self.network, keys[:, 1], conditioning_of(self.network).of(keys[:, 2], batch), self.dropped)
        noise = jax.vmap(lambda key: jax.random.normal(key, data.shape[1:]))(keys[:, 0])
        time = on_path(self.path, jnp.clip(TIMES[self.times](share, self.path), first, last))
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
        given: jax.Array = self.network.apply(variables["denoiser"], seen, time, told, keys=keys, train=train)
        return given

    def mean_of(self, variables: Variables, told: Batch) -> Denoise:
        """What says the mean of the data behind noise, of a network that is told something, or nothing."""
        mean = denoiser(partial(self._network, variables, told), self.prediction, self.path, deviation=self.deviation)
        return limited(mean, -1, 1) if self.drawing.clip and self.bounded else mean

    def guided_mean(self, variables: Variables, n: int, told: Batch) -> Denoise:
        """The same, guided as the section `sampling` says."""
        better, way = self.mean_of(variables, told), self.drawing
        if way.guidance == 1 or not told:
            return better
        worse = self.mean_of(variables, untold(self.network, n))
        return guided(better, worse, way.guidance, (way.guided_from, way.guided_to))

    def expected(self, variables: Variables, x: jax.Array, time: jax.Array, condition: Batch | None) -> jax.Array:
        """The mean [n, *shape] of data behind noise x at times [n]; where there is no condition, nothing is told."""
        return self.mean_of(variables, condition or untold(self.network, len(x)))(x, time)

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws data [n, *shape]; the i-th depends on the key, on i and on its condition alone."""
        told = completed(conditioning_of(self.network), key, n, condition)
        keys = jax.vmap(jax.random.split)(example_keys(key, n))
        noise = start(keys[:, 0], self.path, self.network.shape)
        return self.drawing.sampler.solve(keys[:, 1], self.guided_mean(variables, n, told), self.path, noise)


def diffusion(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    bounded: bool,
    drawing: Drawing,
    path: Annotated[str, OneOf(PATHS)] = "linear",
    steps: Count = 0,
    prediction: Annotated[str, OneOf(PREDICTIONS)] = "velocity",
    times: Annotated[str, OneOf(TIMES)] = "uniform",
    weighting: Annotated[str, OneOf(WEIGHTINGS)] = "simple",
    deviation: Positive = 0.5,
    dropped: Share = 0.1,
) -> GenerativeModel:
    """Builds a diffusion model.

    Args:
      networks: "denoiser", which may be told the class.
      optimizers: of "denoiser", the one player.
      bounded: whether data lie in [-1, 1].
      drawing: how samples are drawn.
      path: how data become noise; "linear" is that of flow matching, "variance_preserving" that of DDPM.
      steps: how many times there are; 0 for all between 0 and 1.
      prediction: what the network gives.
      times: at which it is trained.
      weighting: how much an error counts at each time.
      deviation: of the data, in the model's units.
      dropped: share of the training examples of which the network is not told the class.

    Returns:
      A model that can `sample`, and `denoise` where its network was trained to be told nothing, too. The one metric
      is the loss.
    """
    way = in_steps(PATHS[path], steps) if steps else PATHS[path]
    game = Diffusion(networks["denoiser"], way, prediction, times, weighting, deviation, dropped, drawing, bounded)
    player = Player("denoiser", ("denoiser",), optimizers["denoiser"])
    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("denoiser", player, game.loss),), game.prepare),
        sample=game.sample,
        denoise=Denoising(game.expected, way) if dropped or not game.network.classes else None,
        conditions=conditioning_of(game.network).conditions,
        supervised="label" in conditioning_of(game.network).conditions,
        notes=f"minimises the squared error of a prediction of {prediction}, {weighting} weighting, over all numbers.",
    )
