"""Normalising flows: an invertible network takes data to normal latents, and its determinant gives their density.

    flow  w <- w - step of the gradient of  -log N(z; 0, I) - log |det dz/dx|,  z = encode(x | context)

Rezende and Mohamed 2015, https://arxiv.org/abs/1505.05770; Dinh et al. 2017, https://arxiv.org/abs/1605.08803. Which
flow it is, is the network's affair; whole numbers, such as pixels, are dequantised first (`dequantisation.py`).
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.scipy.stats import norm

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys, replica_mean
from gengen.core.state import State, Variables
from gengen.losses.bounds import importance_weighted
from gengen.losses.divergences import standard_log_density
from gengen.models.bayes import by_bayes, of_any_class, of_found_class
from gengen.models.conditioning import Conditioning, Labels, Nothing, completed
from gengen.models.flows.dequantisation import (
    KINDS,
    cells,
    from_reals,
    normal_noise,
    of_cells,
    to_reals,
    uniform_noise,
)
from gengen.networks.bijectors.bijector import (
    FINITE,
    Bijector,
    FlowNetwork,
    Mapped,
    decoded,
    encoded,
    finite_layers,
    summed,
)
from gengen.values import OneOf, Range, Weight


class Flow(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      network: data [B, *shape] on the whole line -> latents [B, D].
      dequantiser: noise [B, *shape] <-> normal numbers [B, D], told the data; None where noise is uniform or normal.
      levels: how many whole numbers a number of the data may be; 0 for real numbers, which need no noise.
      dequantisation: one of `KINDS`.
      deviation: of normal noise, in units in which data lie in [-1, 1].
      alpha: as in `to_reals`.
    """

    network: FlowNetwork
    dequantiser: Bijector | None
    levels: int
    dequantisation: str
    deviation: float
    alpha: float

    @property
    def conditioning(self) -> Conditioning:
        """What the flow is told."""
        return Labels(self.network.classes) if self.network.classes else Nothing()

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of the networks; some layers begin from the batch, all of it."""
        of_noise, of_flow, of_dequantiser = jax.random.split(key, 3)
        keys, data = example_keys(of_noise, len(batch["data"])), batch["data"]
        variables: Variables = {}
        if self.dequantiser:
            noise = normal_noise(keys, data.shape[1:]), data
            variables["dequantiser"] = _params(self.dequantiser.init(of_dequantiser, *noise, method="encode"))
        seen, _ = self.dequantised(keys, variables, data, train=True)
        context = self._context(self.conditioning.of(keys, batch))
        variables["flow"] = _params(self.network.init(of_flow, seen, context, method="encode"))
        return variables

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """The data, what they are told to be, and a key for the noise of each."""
        del state
        keys = local_keys(key, len(batch["data"]))
        return {"data": batch["data"], "keys": keys, "condition": self.conditioning.of(keys, batch)}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """Minus the log-likelihood, or its bound, in nats for each number of an example."""
        del key
        seen, rest = self.dequantised(batch["keys"], state.variables, batch["data"], train=True)
        context = self._context(batch["condition"])
        (latents, log_det), said = self.network.apply(
            state.variables["flow"], seen, context, method="encode", mutable=[FINITE]
        )
        layers = jnp.stack([jnp.isfinite(seen).all(), *finite_layers(said.get(FINITE, {})).values()])
        finite = replica_mean(layers.astype(jnp.float32)) == 1
        nats = standard_log_density(latents).sum(-1) + log_det + rest
        each = -nats / latents.shape[1]
        metrics = {"finite_layers": mean_of(jnp.cumprod(finite.astype(jnp.float32)))}
        whole = self.levels and self.dequantisation != "gaussian"  # with normal noise it is no likelihood of the levels
        metrics |= {"bits_per_dimension": mean_of(each / math.log(2))} if whole else {"nats": mean_of(-nats)}
        return each.mean(), (metrics, {})

    def dequantised(self, keys: jax.Array, variables: Variables, data: jax.Array, *, train: bool) -> Mapped:
        """What the network sees of data.

        Args:
          keys: of the examples [B].
          variables: of the dequantiser, if there is one.
          data: in [-1, 1] if they are whole numbers [B, *shape].
          train: whether normal noise may take the place of uniform noise, which then bounds no likelihood.

        Returns:
          Numbers on the whole line [B, *shape], and what their density's logarithm lacks for the data's own, nats [B].
        """
        if not self.levels:
            return data, jnp.zeros(len(data))
        if self.dequantisation == "gaussian" and train:
            seen, log_det = to_reals((data + 1) / 2, self.alpha)
            return seen + self.deviation * normal_noise(keys, data.shape[1:]), log_det
        if self.dequantiser:
            start = normal_noise(keys, (self.network.size,))
            raw, log_det = decoded(self.dequantiser, variables["dequantiser"], start, data)
            noise = norm.cdf(raw)  # uniform where the flow does nothing
            rest = log_det + summed(norm.logpdf(raw)) - summed(standard_log_density(start))
        else:
            noise, rest = uniform_noise(keys, data.shape[1:]), jnp.zeros(len(data))
        seen, log_det = to_reals((cells(data, self.levels) + noise) / self.levels, self.alpha)
        return seen, rest + log_det - math.log(self.levels) * math.prod(data.shape[1:])

    def _encode(self, variables: Variables, seen: jax.Array, condition: Batch) -> tuple[jax.Array, jax.Array]:
        """Latents [B, D] and log-determinants [B]."""
        return encoded(self.network, variables["flow"], seen, self._context(condition))

    def _context(self, condition: Batch) -> jax.Array | None:
        """The class as one of K, [B, K]."""
        return jax.nn.one_hot(condition["label"], self.network.classes) if self.network.classes else None

    def log_likelihood(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """log p(x), exact of real numbers; of whole ones a bound of log P(x), tighter the more `samples` of noise.

        Returns:
          Nats [n].
        """
        keys, told = example_keys(key, len(data)), completed(self.conditioning, key, len(data), condition)

        def one(index: jax.Array) -> jax.Array:
            own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index)
            seen, rest = self.dequantised(own, variables, data, train=False)
            latents, log_det = self._encode(variables, seen, told)
            return standard_log_density(latents).sum(-1) + log_det + rest

        if not self.levels:
            return one(jnp.zeros((), jnp.int32))
        return importance_weighted(lax.map(one, jnp.arange(samples)))

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws latents [n, D]; the i-th depends on the key and on i alone."""
        del variables, condition
        return normal_noise(example_keys(key, n), (self.network.size,))

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The latents [n, D] of data, whose noise the key draws."""
        told = completed(self.conditioning, key, len(data), condition)
        seen, _ = self.dequantised(example_keys(key, len(data)), variables, data, train=False)
        return self._encode(variables, seen, told)[0]

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The data of latents [n, D]; of whole numbers those in whose cells they fall."""
        context = self._context(completed(self.conditioning, key, len(latents), condition))
        seen, _ = decoded(self.network, variables["flow"], latents, context)
        if self.dequantisation == "gaussian" and self.levels:
            seen = self._denoised(variables, seen, context)
        return of_cells(from_reals(seen, self.alpha), self.levels) if self.levels else seen

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws data [n, *shape]; the i-th depends on the key, on i and on its condition alone."""
        return self.decode(key, variables, self.prior(key, variables, n, condition), condition)

    def layers(self) -> tuple[str, ...]:
        """Names of what the metric "finite_layers" counts, in order: what the flow is shown, and all of its layers."""
        shapes = jax.eval_shape(self._first_pass)
        return ("data", *finite_layers(shapes.get(FINITE, {})))

    def _first_pass(self) -> dict[str, Any]:
        context = jnp.zeros((1, self.network.classes)) if self.network.classes else None
        made = self.network.init(jax.random.key(0), jnp.zeros((1, *self.network.shape)), context, method="encode")
        return dict(made)

    def _denoised(self, variables: Variables, seen: jax.Array, context: jax.Array | None) -> jax.Array:
        """What noise was added to, in the mean (Tweedie's formula): Zhai et al. 2024, arXiv:2412.06329, eq. 7."""

        def nats(seen: jax.Array) -> jax.Array:
            latents, log_det = encoded(self.network, variables["flow"], seen, context)
            return standard_log_density(latents).sum() + log_det.sum()

        score: jax.Array = jax.grad(nats)(seen)
        return seen + self.deviation**2 * score


def normalising_flow(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    levels: int,
    dequantisation: Annotated[str, OneOf(KINDS)] = "uniform",
    deviation: Weight = 0.0,
    alpha: Annotated[float, Range(0, 0.5, below=True)] = 0.05,
) -> GenerativeModel:
    """Builds a normalising flow.

    Args:
      networks: "flow", data -> latents, which may be told the class; "dequantiser", normal noise -> noise, told the
        data, if dequantisation is "variational".
      optimizers: of "flow", the one player.
      levels: how many whole numbers a number of the data may be; 0 for real ones, of which the three below are not
        asked.
      dequantisation: "uniform" noise; "variational", noise that is learnt with the flow; or "gaussian", which is wider
        than a level and taken off samples again, as in Zhai et al. 2024, https://arxiv.org/abs/2412.06329.
      deviation: of gaussian noise, in units in which data lie in [-1, 1].
      alpha: data in [0, 1] become logits of alpha + (1 - 2 alpha) x; 0 keeps them and their two ends.

    Returns:
      A model that can `sample`, `encode`, `decode`, draw from its `prior` and say the `log_likelihood`. Metrics are
      "bits_per_dimension" of whole numbers or, of real ones and with gaussian noise, "nats" of an example, and
      "finite_layers", the share of the layers before the first one that gave something which is no finite number: 1.

    Raises:
      ValueError: the arguments do not go together.
    """
    _check(networks, dequantisation, deviation, alpha)
    game = Flow(networks["flow"], networks.get("dequantiser"), levels, dequantisation, deviation, alpha)
    names = ("flow", *(["dequantiser"] if game.dequantiser else []))
    player = Player("flow", names, optimizers["flow"])
    recognise = by_bayes(game.log_likelihood, game.network.classes)
    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("flow", player, game.loss),), game.prepare),
        sample=game.sample,
        conditions=game.conditioning.conditions,
        supervised="label" in game.conditioning.conditions,
        prior=game.prior,
        encode=of_found_class(game.encode, recognise),
        decode=game.decode,
        recognise=recognise,
        log_likelihood=of_any_class(game.log_likelihood, game.network.classes),
        likelihood_of="values" if levels else "density",
        bound_by=_bound(levels, dequantisation),
        layers=game.layers,
        notes=_sentence(levels, dequantisation),
    )


def _check(networks: Mapping[str, Any], dequantisation: str, deviation: float, alpha: float) -> None:
    """Refuses settings that do not go together."""
    if (dequantisation == "variational") != ("dequantiser" in networks):
        raise ValueError(f"dequantisation={dequantisation!r}: 'variational' and networks.dequantiser go together")
    if (dequantisation == "gaussian") != (deviation > 0):
        raise ValueError(f"deviation={deviation:g} must be above 0 where dequantisation='gaussian', and 0 elsewhere")
    if dequantisation == "gaussian" and alpha:
        raise ValueError(f"alpha={alpha:g} must be 0 where dequantisation='gaussian': its noise crosses the ends")


def _bound(levels: int, dequantisation: str) -> str:
    """What makes the likelihood a bound; a flow trained with normal noise is asked with uniform noise, too."""
    if not levels:
        return ""
    return "variational noise" if dequantisation == "variational" else "uniform noise"


def _sentence(levels: int, dequantisation: str) -> str:
    """Says what is minimised."""
    if not levels:
        return "minimises minus the exact log-likelihood of the numbers, nats for each of them."
    if dequantisation == "gaussian":
        return "minimises minus the log-density of the numbers with normal noise, nats for each of them."
    return (
        f"minimises a bound of minus the log-likelihood of numbers of {levels} levels, {dequantisation} noise in each "
        "level, nats for each of them."
    )


def _params(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters alone: what a layer said of the first batch is not kept."""
    return {"params": variables["params"]}
