"""Autoregressive models: the probability of an example is the product of those of its numbers, each told all before it.

    predictor  w <- w - step of the gradient of  -sum_i log p(x_i | x_1, ..., x_(i-1), class)

Larochelle and Murray 2011, http://proceedings.mlr.press/v15/larochelle11a.html, eq. 1, for pixels that are whole
numbers: van den Oord et al. 2016, https://arxiv.org/abs/1601.06759, section 2. The likelihood is exact.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.losses.levels import LEVELS, Levels
from gengen.models.bayes import by_bayes, of_any_class
from gengen.models.conditioning import Conditioning, Labels, Nothing, completed
from gengen.networks.pixelcnn import Predictions, draw
from gengen.values import OneOf


class Autoregression(NamedTuple):
    """The network and the pure functions of the game.

    Attributes:
      network: parameters of each number's distribution, by the numbers before it.
      levels: how many whole numbers a number of the data may be.
      distribution: of one of them.
    """

    network: Predictions
    levels: int
    distribution: Levels

    @property
    def classes(self) -> int:
        """Of which the network is told one; 0 where it is told none."""
        return self.network.body.classes

    @property
    def conditioning(self) -> Conditioning:
        """What the network is told."""
        return Labels(self.classes) if self.classes else Nothing()

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables."""
        data, context = batch["data"], self._context(self.conditioning.of(key, batch))
        return {"predictor": dict(self.network.init(key, data, context))}

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """The data and what they are told to be."""
        del state
        keys = local_keys(key, len(batch["data"]))
        return {"data": batch["data"], "condition": self.conditioning.of(keys, batch)}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """Minus the log-likelihood, in nats for each number of an example."""
        del key
        each = -self._nats(state.variables, batch["data"], batch["condition"]) / math.prod(batch["data"].shape[1:])
        return each.mean(), ({"bits_per_dimension": mean_of(each / math.log(2))}, {})

    def log_likelihood(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """log P(x), or log P(x | class) of a network that is told one; exact.

        Returns:
          Nats [n].
        """
        del key, samples
        return self._nats(variables, data, condition or {})

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws data [n, H, W, C], number by number; the i-th depends on the key, on i and on its condition alone."""
        keys, context = example_keys(key, n), self._context(completed(self.conditioning, key, n, condition))

        def choose(parameters: jax.Array, place: jax.Array) -> jax.Array:
            own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, place)
            return self.distribution.draw(own, parameters).astype(jnp.float32) / (self.levels - 1) * 2 - 1

        return draw(self.network, variables["predictor"], choose, n, context)

    def _nats(self, variables: Variables, data: jax.Array, condition: Batch) -> jax.Array:
        """log P(x | condition), nats [B]."""
        said: Any = self.network.apply(variables["predictor"], data, self._context(condition))
        cells = jnp.rint((data + 1) / 2 * (self.levels - 1)).astype(jnp.int32)
        return self.distribution.log_prob(said, cells).reshape(len(data), -1).sum(-1)

    def _context(self, condition: Batch) -> jax.Array | None:
        """The class as one of K, [B, K]."""
        return jax.nn.one_hot(condition["label"], self.classes) if self.classes else None


def autoregressive(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    levels: int,
    head: Annotated[str, OneOf(LEVELS)] = "softmax",
) -> GenerativeModel:
    """Builds an autoregressive model of pictures.

    Args:
      networks: "predictor", features of pixels that depend on those before them, which may be told the class.
      optimizers: of "predictor", the one player.
      levels: how many whole numbers a number of the data may be.
      head: the distribution of a number: a "softmax" of all levels, or a "dual_softmax" of two digits of it, whose
        logits are a quarter as many where there are 256 levels.

    Returns:
      A model that can `sample` and say the `log_likelihood`, exactly. The metric is "bits_per_dimension".

    Raises:
      ValueError: the data are no whole numbers between two bounds.
    """
    if levels < 2:
        raise ValueError("an autoregressive model needs data of whole numbers between two bounds, such as 8-bit pixels")
    distribution = LEVELS[head](levels)
    game = Autoregression(Predictions(networks["predictor"], distribution.numbers), levels, distribution)
    player = Player("predictor", ("predictor",), optimizers["predictor"])
    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("predictor", player, game.loss),), game.prepare),
        sample=game.sample,
        conditions=game.conditioning.conditions,
        supervised=game.classes > 0,
        recognise=by_bayes(game.log_likelihood, game.classes),
        log_likelihood=of_any_class(game.log_likelihood, game.classes),
        likelihood_of="values",
        notes=f"minimises minus the exact log-likelihood, {distribution.title}, nats for each number.",
    )
