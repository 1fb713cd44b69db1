"""Autoencoders: an image goes through a bottleneck and has to come out as it was.

    autoencoder  w <- w - step of the gradient of  |x - decoder(encoder(x'))|^2  (+ penalties of the code)

x' is the image itself, or a corrupted one that has to be cleaned (Vincent et al. 2008). The penalties make a code that
is sparse, or that small changes of the image leave alone (Rifai et al. 2011).
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import local_keys
from gengen.core.state import State, Variables
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.corruption import Corrupt
from gengen.models.autoencoders.objective import REDUCTIONS, Reduction, reduced
from gengen.networks.coders import PointCoder
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.values import Size, Weight


class Autoencoder(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      encoder: data [B, *shape] -> codes [B, L].
      decoder: codes [B, L] -> what the likelihood takes.
      latent: dimension L of the codes.
      likelihood: of images, or an error in its place.
      reduction: "sum" or "mean" over the numbers of the error.
      corrupt: what happens to images before the encoder sees them.
      contraction: weight of the squared Frobenius norm of the encoder's Jacobian.
      sparsity: weight of the mean absolute value of the code.
    """

    encoder: nn.Module
    decoder: nn.Module
    latent: int
    likelihood: Likelihood
    reduction: str
    corrupt: Corrupt
    contraction: float
    sparsity: float

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of both networks."""
        of_encoder, of_decoder = jax.random.split(key)
        return {
            "encoder": init_network(self.encoder, of_encoder, batch["data"][:1]),
            "decoder": init_network(self.decoder, of_decoder, jnp.zeros((1, self.latent))),
        }

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Corrupts a copy of the data and draws the directions in which the Jacobian is looked at."""
        del state
        image, keys = batch["data"], local_keys(key, batch["data"].shape[0])
        directions = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, 1), (self.latent,)))(keys)
        return {"data": image, "seen": self.corrupt(keys, image), "directions": directions}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The error of the reconstruction and the penalties, and what they are by themselves."""
        del key
        code, of_encoder = train_mode(self.encoder, state.variables["encoder"], batch["seen"])
        output, of_decoder = train_mode(self.decoder, state.variables["decoder"], code)
        errors = -self.likelihood.log_probs(output, batch["data"])
        squares = self.likelihood.squared_errors(output, batch["data"])
        metrics = {"squared_error": mean_of(squares)}
        total = reduced(errors, self.reduction).mean()
        if self.sparsity:
            metrics["sparsity"] = mean_of(jnp.abs(code))
            total += self.sparsity * jnp.abs(code).mean()
        if self.contraction:
            slopes = self.slopes(state, batch)
            metrics["contraction"] = mean_of(slopes)
            total += self.contraction * slopes.mean()
        return total, (metrics, {"encoder": of_encoder, "decoder": of_decoder})

    def slopes(self, state: State, batch: Batch) -> jax.Array:
        """An unbiased estimate [B] of the squared Frobenius norm of d code / d image: Rifai et al. 2011, eq. 2.

        E |v^T J|^2 = |J|_F^2 for v ~ N(0, 1), so one product with a random direction stands for all L of them.
        """

        def code(image: jax.Array) -> jax.Array:
            found: jax.Array = train_mode(self.encoder, state.variables["encoder"], image)[0]
            return found

        _, pull = jax.vjp(code, batch["seen"])
        squares = jnp.square(pull(batch["directions"])[0])
        return squares.sum(tuple(range(1, squares.ndim)))

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The codes [n, L] of images as they are."""
        del key, condition
        codes: jax.Array = eval_mode(self.encoder, variables["encoder"], data)
        return codes

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The data [n, *shape] of codes [n, L]."""
        del key, condition
        return self.likelihood.mean(eval_mode(self.decoder, variables["decoder"], latents))


def autoencoder(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    likelihood: Likelihood,
    corruption: Corrupt,
    latent: Size = 2,
    reduction: Reduction = "mean",
    contraction: Weight = 0.0,
    sparsity: Weight = 0.0,
) -> GenerativeModel:
    """Builds an autoencoder.

    Args:
      networks: bodies: "encoder", images -> features, and "decoder", codes -> what the likelihood takes.
      optimizers: of "autoencoder", the one player.
      likelihood: whose negative logarithm is the error; usually the squared error.
      corruption: what happens to images before the encoder sees them, from `CORRUPTIONS`.
      latent: dimension of the codes.
      reduction: "sum" or "mean" over the numbers of an example.
      contraction: weight of the encoder's squared Jacobian: Rifai et al. 2011, "Contractive auto-encoders".
      sparsity: weight of the mean absolute value of the code.

    Returns:
      A model that can `encode` and `decode`. It has no prior to draw samples from; one can be fitted to its codes.
      Metrics are "squared_error", of a pixel in [-1, 1], and the penalties that have a weight.

    Raises:
      ValueError: an argument is out of range.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} must be one of {', '.join(REDUCTIONS)}")
    for name, value in (("contraction", contraction), ("sparsity", sparsity)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be a number of at least 0")
    game = Autoencoder(
        PointCoder(networks["encoder"], latent),
        networks["decoder"],
        latent,
        likelihood,
        reduction,
        corruption,
        contraction,
        sparsity,
    )
    player = Player("autoencoder", ("encoder", "decoder"), optimizers["autoencoder"])

    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("autoencoder", player, game.loss),), game.prepare),
        encode=game.encode,
        decode=game.decode,
        notes=f"minimises the {likelihood.title} (the {reduction} over values, the mean over examples)"
        f"{f' + {contraction:g} x the squared Jacobian of the encoder' if contraction else ''}"
        f"{f' + {sparsity:g} x the mean absolute value of the code' if sparsity else ''}.",
    )
