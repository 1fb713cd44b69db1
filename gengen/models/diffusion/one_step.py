"""One call a sample: a network leaps from noise to data, and how it learns to is one of four methods.

    denoiser  w <- w - step of the gradient of the method's loss
    sample = leap(noise from t = 1 to t = 0)

MeanFlow, shortcut models, consistency training and drifting: each is a file of its own (`METHODS`), written from its
paper. All see data and noise joined by straight lines, x_t = (1 - t) x_0 + t noise; the network sees x_t scaled to a
standard deviation of 1. Data and samples are in the model's units.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.average import evaluation_variables
from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.model import Batch, Condition, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.models.conditioning import Conditioning, completed
from gengen.models.diffusion.drawing import Drawing, ends, jumps_of, trajectories
from gengen.models.diffusion.method import Asked, Method, Network, Shown
from gengen.models.diffusion.telling import conditioning_of, dropped, untold
from gengen.models.diffusion.weighting import evenly
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.samplers.jumps import Jump, Jumps
from gengen.samplers.predictions import input_scale
from gengen.samplers.probability_paths import LINEAR, lifted
from gengen.samplers.sampler import Trajectory
from gengen.values import Positive, Share


class OneStep(NamedTuple):
    """The network and the pure functions of the game.

    Attributes:
      network: what leaps, or says how fast.
      method: how it is trained.
      deviation: of the data, in the model's units.
      dropped: share of the training examples of which the network is told nothing.
      jumps: how samples are drawn.
      bounded: whether data lie in [-1, 1].
      text: what texts the network may be told; None for none.
    """

    network: Denoiser
    method: Method
    deviation: float
    dropped: float
    jumps: Jumps
    bounded: bool
    text: Condition | None = None

    @property
    def conditioning(self) -> Conditioning:
        """What the network is told."""
        return conditioning_of(self.network, self.text)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables."""
        data, told = batch["data"], self.conditioning.of(key, batch)
        zeros = jnp.zeros(len(data))
        span = zeros if self.method.spans else None
        return {"denoiser": dict(self.network.init(key, data, zeros, told, span, train=False))}

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Noise, numbers evenly spread over the global batch, and what the network is told, for each example."""
        del state
        of_shares, of_examples = jax.random.split(key)
        data = batch["data"]
        keys = jax.vmap(partial(jax.random.split, num=5))(local_keys(of_examples, len(data)))
        truth = self.conditioning.of(keys[:, 0], batch)
        told, nothing = (
            dropped(self.conditioning, keys[:, 1], truth, self.dropped),
            untold(self.conditioning, len(data)),
        )
        same = jax.tree.map(lambda a, b: (a == b).reshape(len(data), -1).all(1), told, nothing)
        silent = jnp.stack([jnp.ones(len(data), bool), *jax.tree.leaves(same)]).all(0)
        noise = jax.vmap(lambda key: jax.random.normal(key, data.shape[1:]))(keys[:, 2])
        share = jnp.clip(
            evenly(of_shares, len(data)), 1e-6, 1 - 1e-6
        )  # an end that rounding reaches is an infinite quantile
        return {"shown": Shown(data, noise, share, keys[:, 3], keys[:, 4], told, nothing, truth, silent)}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """That of the method."""
        del key
        shown: Shown = batch["shown"]
        averages = lax.stop_gradient(evaluation_variables(state))
        asked = Asked(partial(self._said, state.variables), partial(self._said, averages))
        value, metrics = self.method.loss(asked, shown, state.step, self.deviation)
        return value, (metrics, {})

    def _said(
        self,
        variables: Variables,
        x: jax.Array,
        time: jax.Array,
        span: jax.Array | None,
        told: Batch,
        keys: jax.Array | None = None,
    ) -> jax.Array:
        seen = lifted(input_scale(LINEAR, time, deviation=self.deviation), x) * x
        train = keys is not None
        given: Any = self.network.apply(variables["denoiser"], seen, time, told, span, keys, train=train)
        return jnp.asarray(given)

    def leaps(self, variables: Variables, told: Batch) -> Jump:
        """What leaps from times to earlier ones, told what each example is to be."""
        network: Network = partial(self._said, variables)

        def jump(keys: jax.Array, x: jax.Array, time: jax.Array, earlier: jax.Array) -> jax.Array:
            return self.method.jump(network, keys, x, time, earlier, told, self.deviation)

        return jump

    def solved(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> Trajectory:
        """From noise to data [n, *shape]; the i-th depends on the key, on i and on its condition alone."""
        told = completed(self.conditioning, key, n, condition)
        keys = jax.vmap(jax.random.split)(example_keys(key, n))
        noise = jax.vmap(lambda key: jax.random.normal(key, self.network.shape))(keys[:, 0])
        made = self.jumps.solve(keys[:, 1], self.leaps(variables, told), noise)
        return made._replace(end=jnp.clip(made.end, -1, 1)) if self.bounded else made


def one_step(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    bounded: bool,
    drawing: Drawing,
    method: Method,
    text: Condition | None = None,
    deviation: Positive = 0.5,
    dropped: Share = 0.0,
) -> GenerativeModel:
    """Builds a model that makes a sample by one call of its network.

    Args:
      networks: "denoiser", which may be told the class or a text.
      optimizers: of "denoiser", the one player.
      bounded: whether data lie in [-1, 1].
      drawing: how samples are drawn: by `jumps`.
      method: how the network is trained, one of `METHODS`.
      text: what texts captions of the data can be; None where they have none.
      deviation: of the data, in the model's units.
      dropped: share of the training examples of which the network is not told the class.

    Returns:
      A model that can `sample` and show `trajectory`. The metrics are the loss and its parts.

    Raises:
      ValueError: samples would be drawn as of a denoiser, or by more calls than the method has learnt.
    """
    jumps = jumps_of(drawing)
    if method.most and jumps.calls > method.most:
        raise ValueError(f"sampling.calls={jumps.calls} must be {method.most}: this method has learnt one leap alone")
    game = OneStep(networks["denoiser"], method, deviation, dropped, jumps, bounded, text)
    player = Player("denoiser", ("denoiser",), optimizers["denoiser"])
    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("denoiser", player, game.loss),), game.prepare),
        sample=ends(game.solved),
        trajectory=trajectories(game.solved),
        conditions=game.conditioning.conditions,
        supervised="label" in game.conditioning.conditions,
        notes=f"learns to leap from noise to data; a sample takes {jumps.calls} of its network's calls.",
    )
