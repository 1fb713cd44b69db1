"""Variational diffusion: noise of all amounts is latent, its schedule is learnt, and the loss is a bound of likelihood.

    denoiser, ends  w <- w - step of the gradient of  prior + reconstruction + diffusion loss, bits per dimension
    schedule        w <- w - step of the gradient of  log E[diffusion loss of an example at a time, squared] / 2

    z_t = alpha x + sigma noise,  alpha^2 = sigmoid(-gamma),  sigma^2 = sigmoid(gamma),  gamma grows from t = 0 to t = 1
    -log P(x) <= KL(q(z_1 | x) || N(0, I)) + E[-log p(x | z_0)] + 1/2 E[gamma'(t) |noise - network(z_t, t)|^2]

Kingma et al. 2021, https://arxiv.org/abs/2107.00630, eq. 11 and 18, in continuous time. Which times make which gamma
does not matter for the bound (section 5.1), but for how much its estimate varies: the two ends of gamma are
learnt by the bound, and the schedule between them by the variance. One pass of the network serves both.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, Condition, Denoising, GenerativeModel
from gengen.core.parallel import example_keys, local_keys, replica_mean
from gengen.core.state import State, Variables
from gengen.losses.bounds import importance_weighted
from gengen.losses.divergences import divergence_from_standard, standard_log_density
from gengen.losses.rounding import expected_costs, log_prob_of_levels
from gengen.models.conditioning import Conditioning, completed
from gengen.models.diffusion.diffusion import FEW, TOLERANCE
from gengen.models.diffusion.drawing import Drawing, ends, led, sampler_of, trajectories
from gengen.models.diffusion.learnt_path import LearntPath
from gengen.models.diffusion.telling import conditioning_of, dropped, untold
from gengen.models.diffusion.weighting import evenly
from gengen.models.flows.dequantisation import cells
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.samplers.ode import log_density
from gengen.samplers.predictions import PREDICTIONS, converted
from gengen.samplers.probability_paths import PATHS, log_snr, noised
from gengen.samplers.sampler import Denoise, Trajectory, start
from gengen.values import OneOf, Range, Share

Gamma = Annotated[float, Range(-30, 30)]

ANY = PATHS["variance_preserving"]
"""The path on which others than samplers ask for means: on all with alpha^2 + sigma^2 = 1, the answer is the same."""


class Parts(NamedTuple):
    """The three parts of the bound, nats of each example [n]."""

    prior: jax.Array
    reconstruction: jax.Array
    diffusion: jax.Array


class VariationalDiffusion(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      network: what is predicted, of noisy data [B, *shape], the place of gamma between its ends [B] and what it is
        told.
      way: from data to noise, how it grows with time.
      prediction: what the network gives, one of `PREDICTIONS`.
      levels: how many whole numbers a number of the data may be.
      dropped: share of the training examples of which the network is told nothing.
      drawing: how samples are drawn.
      text: what texts the network may be told; None for none.
    """

    network: Denoiser
    way: LearntPath
    prediction: str
    levels: int
    dropped: float
    drawing: Drawing
    text: Condition | None = None

    @property
    def conditioning(self) -> Conditioning:
        """What the network is told."""
        return conditioning_of(self.network, self.text)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables."""
        of_network, of_noise = jax.random.split(key)
        data, told = batch["data"], self.conditioning.of(key, batch)
        zeros = jnp.zeros(len(data))
        denoiser = dict(self.network.init(of_network, data, zeros, told, train=False))
        return {"denoiser": denoiser, **self.way.init(of_noise)}

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Noise, a time with its place between the ends, and what the network is told, for each example."""
        of_times, of_examples = jax.random.split(key)
        data = batch["data"]
        keys = jax.vmap(partial(jax.random.split, num=3))(local_keys(of_examples, len(data)))
        time = evenly(of_times, len(data))
        place, pace = self.way.placed(state.variables, time)
        told = dropped(self.conditioning, keys[:, 1], self.conditioning.of(keys[:, 2], batch), self.dropped)
        noise = jax.vmap(lambda key: jax.random.normal(key, data.shape[1:]))(keys[:, 0])
        return {**batch, "noise": noise, "time": time, "place": place, "pace": pace, "told": told, "keys": keys[:, 1]}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The bound, in bits for each number; of the schedule, `calming` in its place."""
        del key
        variables, data = state.variables, batch["data"]
        parts = Parts(*self.first_parts(variables, data), self.diffusion(variables, batch, batch["keys"]))
        bits = {name: self._bits(nats) for name, nats in parts._asdict().items()}
        bound = jnp.stack(list(bits.values())).sum(0).mean()
        ends = dict(zip(("gamma_0", "gamma_1"), map(mean_of, self.way.ends(variables)), strict=True))
        parted = {name: mean_of(each.mean()) for name, each in bits.items()}
        calmed = self.calming(variables, batch, lax.stop_gradient(bits["diffusion"]))
        return bound + calmed, ({"bits_per_dimension": mean_of(bound), **parted, **ends}, {})

    def calming(self, variables: Variables, batch: Batch, losses: jax.Array) -> jax.Array:
        """What is 0, and has the gradient of log E[l^2] / 2 by the schedule: l, the diffusion loss, is to vary little.

        At a time it is e(gamma) gamma'(t), and by a change of variables E[l^2] is the integral of e(gamma)^2 gamma'
        over gamma. Its gradient is that of gamma' at a fixed gamma, which is elsewhere in time when the schedule moves.
        So no gradient goes through the network, as it does in the paper's appendix I.2; both have the same mean.

        Args:
          variables: of the schedule.
          batch: the prepared batch.
          losses: l of each example [B], of which nothing is differentiated.
        """
        place, _ = self.way.placed(variables, batch["time"])
        time = batch["time"] - (place - batch["place"]) / batch["pace"]  # Newton: where gamma is what it was
        _, pace = self.way.placed(variables, time)
        square = replica_mean(jnp.square(losses).mean())
        moved: jax.Array = (jnp.square(losses) * (pace / batch["pace"] - 1)).mean() / (2 * square)
        return moved

    def first_parts(self, variables: Variables, data: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What the ends of gamma cost, exactly: of the prior and of the reconstruction, nats [n] each."""
        least, most = self.way.ends(variables)
        mean = jnp.sqrt(jax.nn.sigmoid(-most)) * data
        prior = divergence_from_standard(mean, jnp.full_like(mean, jax.nn.log_sigmoid(most) / 2))
        level = cells(data, self.levels).astype(jnp.int32)
        costs: jax.Array = expected_costs(least, self.levels)
        return _summed(prior), _summed(costs[level])

    def diffusion(self, variables: Variables, batch: Batch, keys: jax.Array | None = None) -> jax.Array:
        """1/2 gamma'(t) |noise - what the network takes for it|^2, nats [n]: eq. 18."""
        least, most = self.way.ends(variables)
        seen = noised(self.way.of_places(variables), batch["data"], batch["noise"], batch["place"])
        errors = batch["noise"] - self._noise(variables, batch["told"], seen, batch["place"], keys)
        nats: jax.Array = (most - least) * batch["pace"] * _summed(jnp.square(errors)) / 2
        return nats

    def _noise(
        self, variables: Variables, told: Batch, x: jax.Array, place: jax.Array, keys: jax.Array | None = None
    ) -> jax.Array:
        """What the network takes for the noise [n, *shape]. Keys [n] are of its dropout."""
        given: Any = self.network.apply(variables["denoiser"], x, place, told, keys=keys, train=keys is not None)
        return converted(given, self.prediction, "noise", self.way.of_places(variables), x, place, deviation=1.0)

    def _mean(self, variables: Variables, told: Batch, x: jax.Array, place: jax.Array) -> jax.Array:
        noise = self._noise(variables, told, x, place)
        return converted(noise, "noise", "data", self.way.of_places(variables), x, place)

    def mean_of(self, variables: Variables, told: Batch) -> Denoise:
        """What says the mean of the data behind noise at times, of a network that is told something, or nothing."""
        return lambda x, time: self._mean(variables, told, x, self.way.placed(variables, time)[0])

    def expected(self, variables: Variables, x: jax.Array, time: jax.Array, condition: Batch | None) -> jax.Array:
        """The mean [n, *shape] of data behind noise at times [n] of the path `ANY`; with no condition, nothing is told.

        Where there is less or more noise than it has learnt of, it is asked about the least or the most that it has.
        """
        least, most = self.way.ends(variables)
        place = jnp.clip((-log_snr(ANY, time) - least) / (most - least), 0, 1)
        return self._mean(variables, condition or untold(self.conditioning, len(x)), x, place)

    def solved(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> Trajectory:
        """From noise to the most probable levels; the i-th depends on the key, on i and on its condition alone."""
        told, nothing = completed(self.conditioning, key, n, condition), untold(self.conditioning, n)
        keys, path = jax.vmap(jax.random.split)(example_keys(key, n)), self.way.of_times(variables)
        mean = led(self.mean_of, variables, told, nothing, self.drawing, bounded=True)
        found = sampler_of(self.drawing).solve(keys[:, 1], mean, path, start(keys[:, 0], path, self.network.shape))
        return found._replace(end=cells(jnp.clip(found.end, -1, 1), self.levels) / (self.levels - 1) * 2 - 1)

    def bound(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """Minus the three parts, the last of them by `samples` times of each example, evenly from a random start.

        It has no bias, whatever their number; with more of them it varies less.

        Returns:
          Nats [n].
        """
        keys, told = example_keys(key, len(data)), condition or untold(self.conditioning, len(data))
        begun = jax.vmap(jax.random.uniform)(keys)

        def one(index: jax.Array) -> jax.Array:
            own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index)
            noise = jax.vmap(lambda key: jax.random.normal(key, data.shape[1:]))(own)
            place, pace = self.way.placed(variables, (begun + index.astype(jnp.float32)) / samples)
            return self.diffusion(variables, {"data": data, "noise": noise, "place": place, "pace": pace, "told": told})

        prior, reconstruction = self.first_parts(variables, data)
        on_the_way: jax.Array = lax.map(one, jnp.arange(samples)).mean(0)
        return -(prior + reconstruction + on_the_way)

    def by_ode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """log E[p(z_0) p(x | z_0) / q(z_0 | x)], p(z_0) by the probability-flow ODE; a bound, by the noise of z_0.

        Returns:
          Nats [n].
        """
        keys, told = example_keys(key, len(data)), condition or untold(self.conditioning, len(data))
        places, least = self.way.of_places(variables), self.way.ends(variables)[0]
        probes = None if self.network.size <= FEW else 1
        log_width = self.network.size * jax.nn.log_sigmoid(least) / 2

        def one(index: jax.Array) -> jax.Array:
            own = jax.vmap(jax.random.split)(jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index))
            noise = jax.vmap(lambda key: jax.random.normal(key, data.shape[1:]))(own[:, 0])
            seen = noised(places, data, noise, jnp.zeros(len(data)))
            density: jax.Array = log_density(
                own[:, 1], partial(self._mean, variables, told), places, seen,
                probes=probes, tolerance=TOLERANCE, earliest=0.0,
            ).state  # fmt: skip
            sure = log_prob_of_levels(noise, cells(data, self.levels), least, self.levels)
            return density + _summed(sure) - _summed(standard_log_density(noise)) + log_width

        return importance_weighted(lax.map(one, jnp.arange(samples)))

    def _bits(self, nats: jax.Array) -> jax.Array:
        return nats / (self.network.size * math.log(2))


def _summed(x: jax.Array) -> jax.Array:
    return x.reshape(len(x), -1).sum(1)


def variational_diffusion(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    levels: int,
    drawing: Drawing,
    text: Condition | None = None,
    prediction: Annotated[str, OneOf(PREDICTIONS)] = "noise",
    gamma_0: Gamma = -13.3,
    gamma_1: Gamma = 5.0,
    dropped: Share = 0.0,
) -> GenerativeModel:
    """Builds a variational diffusion model.

    Args:
      networks: "denoiser", which may be told the class or a text; "schedule", if what lies between the ends of gamma is
        learnt, too.
      optimizers: of "denoiser", the one player.
      levels: how many whole numbers a number of the data may be.
      drawing: how samples are drawn; where it says so, the likelihood is that of the ODE.
      text: what texts captions of the data can be; None where they have none.
      prediction: what the network gives; the loss is that of the noise, whatever it is.
      gamma_0: log(sigma^2 / alpha^2) at t = 0, as it starts.
      gamma_1: the same at t = 1.
      dropped: share of the training examples of which the network is not told the class.

    Returns:
      A model that can `sample` and show the `trajectory`, `denoise` where its network was trained to be told nothing,
      too, and say a bound of the `log_likelihood`. Metrics are "bits_per_dimension", its three parts, and the two ends
      of gamma.

    Raises:
      ValueError: the data are no whole numbers between two bounds, or samples would be drawn by leaps.
    """
    sampler_of(drawing)
    if levels < 2:
        raise ValueError("variational diffusion needs data of whole numbers between two bounds, such as 8-bit pixels")
    if gamma_0 >= gamma_1:
        raise ValueError(f"gamma_0={gamma_0:g} must be below gamma_1={gamma_1:g}: noise grows with time")
    schedule = networks.get("schedule")
    way = LearntPath(schedule, (gamma_0, gamma_1))
    game = VariationalDiffusion(networks["denoiser"], way, prediction, levels, dropped, drawing, text)
    players = (Player("denoiser", ("denoiser", "ends", *(["schedule"] if schedule else [])), optimizers["denoiser"]),)
    by_ode = drawing.likelihood
    return GenerativeModel(
        begin(game.init, players),
        play((Turn("denoiser", *players, game.loss),), game.prepare),
        sample=ends(game.solved),
        trajectory=trajectories(game.solved),
        denoise=Denoising(game.expected, ANY) if dropped or not game.conditioning.conditions else None,
        conditions=game.conditioning.conditions,
        supervised="label" in game.conditioning.conditions,
        log_likelihood=game.by_ode if by_ode else game.bound,
        likelihood_of="values",
        bound_by="noise of the first time" if by_ode else "latents of all times",
        notes="minimises a bound of minus the log-likelihood of whole numbers, bits for each of them.",
    )
