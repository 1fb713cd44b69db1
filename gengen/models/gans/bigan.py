"""BiGAN and BigBiGAN: a GAN with an encoder, whose critic judges pairs of data and latents.

    critic     w <- w - step of the gradient of  critic loss(D(x, E(x)), D(G(z), z))
    the others t <- t - step of the gradient of  the same game with the roles exchanged, of generator and encoder

The critic can be fooled by both only where E is the inverse of G: Donahue et al. 2017,
https://arxiv.org/abs/1605.09782, theorem 2. BigBiGAN, Donahue and Simonyan 2019, https://arxiv.org/abs/1907.02544,
eq. 1 to 4, adds what a critic says of x and of z alone, and an encoder that draws.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, AdversarialLoss, LossName
from gengen.models.autoencoders.priors import Prior
from gengen.models.critic_game import CriticGame
from gengen.networks.coders import ConditionalEncoder, GaussianCoder, PointCoder
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.networks.critic import CriticOutput
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.joint import JointCritic
from gengen.values import Size, Weight

LOPSIDED = ("least_squares", "softmax")
"""Losses for which a logit of data is not worth what minus that is worth of a sample: the roles cannot be exchanged."""

Both = tuple[CriticOutput, CriticOutput]
"""What is said of the two kinds of pairs, data first."""


class BiGAN(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      generator: latents [B, L] -> data [B, *shape].
      encoder: data -> latents, or the distributions that they are drawn from.
      critic: pairs -> a CriticOutput of them, and perhaps of data and of latents.
      loss: the pair of losses of each of these.
      prior: of latents.
      latent: their dimension L.
      unary: weight of what is said of data and of latents alone.
    """

    generator: nn.Module
    encoder: PointCoder | GaussianCoder
    critic: JointCritic
    loss: AdversarialLoss
    prior: Prior
    latent: int
    unary: float

    @property
    def game(self) -> CriticGame:
        """The critic and the losses, whatever is judged."""
        return CriticGame(self.critic, self.loss)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of all networks."""
        keys, latents = jax.random.split(key, 3), jnp.zeros((len(batch["data"]), self.latent))
        return {
            "generator": init_network(self.generator, keys[0], latents),
            "encoder": init_network(self.encoder, keys[1], batch["data"]),
            "critic": init_network(self.critic, keys[2], batch["data"], latents),
        }

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Draws the latents of a step, and the noise of its encoder."""
        del state
        to_draw, to_encode = (local_keys(jax.random.fold_in(key, i), len(batch["data"])) for i in range(2))
        noise = jax.vmap(lambda key: jax.random.normal(key, (self.latent,)))(to_encode)
        return {"data": batch["data"], "latent": self.prior.draw(to_draw, self.latent), "noise": noise}

    def judged(self, state: State, batch: Batch) -> tuple[list[Both], Variables]:
        """What is said of (x, E(x)) and of (G(z), z), of the pair first, and what all networks carry."""
        fake, of_generator = train_mode(self.generator, state.variables["generator"], batch["latent"])
        found, of_encoder = train_mode(self.encoder, state.variables["encoder"], batch["data"])
        codes = self.within(found if isinstance(self.encoder, PointCoder) else found.at(batch["noise"]))
        pairs: Any = (batch["data"], codes), (fake, batch["latent"])
        judged: Any = self.game.judge(state.variables["critic"], *pairs)  # a judgement of a joint critic is several
        real, fakes, of_critic = judged
        carried = {"generator": of_generator, "encoder": of_encoder, "critic": of_critic}
        return list(zip(real, fakes, strict=True)), carried

    def within(self, codes: jax.Array) -> jax.Array:
        """Codes where the prior has some: a hyperbolic tangent keeps them within a bound, if it has one."""
        return codes if math.isinf(self.prior.bound) else self.prior.bound * jnp.tanh(codes / self.prior.bound)

    def added(self, losses: Sequence[jax.Array]) -> jax.Array:
        """The losses [B] of the pair, and the weighted ones of each of the two alone."""
        pair, *alone = losses
        return pair + self.unary * sum(alone)

    def critic_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the critic wants small, and its estimate of the distance between the two kinds of pairs."""
        del key
        judged, carried = self.judged(state, batch)
        losses = [self.loss.critic(*self.game.logits(*both)) for both in judged]
        metrics = {self.loss.estimate: mean_of(self.loss.distance(losses[0])), **self.game.accuracies(*judged[0])}
        return self.added(losses).mean(), (metrics, carried)

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What generator and encoder want small: that pairs of each kind look as those of the other."""
        del key
        judged, carried = self.judged(state, batch)
        losses = [
            self.loss.generator(*self.game.logits(real, fake))
            + self.loss.generator(*self.game.logits(_against(fake), _against(real)))
            for real, fake in judged
        ]
        return self.added(losses).mean(), ({}, carried)

    def drawn(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws latents [n, L]; the i-th depends on the key and on i alone."""
        del variables, condition
        return self.prior.draw(example_keys(key, n), self.latent)

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The latents [n, L] of data, or their means."""
        del key, condition
        found = eval_mode(self.encoder, variables["encoder"], data)
        return self.within(found if isinstance(self.encoder, PointCoder) else found.mean)

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The data [n, *shape] that the generator makes of latents [n, L]."""
        del key, condition
        return jnp.asarray(eval_mode(self.generator, variables["generator"], latents))

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws data [n, *shape]; the i-th depends on the key and on i alone."""
        return self.decode(key, variables, self.drawn(key, variables, n, condition))


def _against(judged: CriticOutput) -> CriticOutput:
    """What is said, as of the other kind."""
    return judged._replace(logit=-judged.logit)


def bigan(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    prior: Prior,
    loss: LossName = "non_saturating",
    latent: Size = 50,
    unary: Weight = 1.0,
    stochastic: bool = False,
) -> GenerativeModel:
    """Builds a BiGAN, or a BigBiGAN.

    Args:
      networks: "generator"; "encoder", a body: data -> features; "joint_critic", of what it is shown in one row. With
        "critic", of data, and "latent_critic", that are the features of these two, else data and latents as they are.
      optimizers: of "critic", and of "generator", which is also that of the encoder.
      prior: of latents.
      loss: what both sides want small, one of `ADVERSARIAL_LOSSES` but for those of `LOPSIDED`.
      latent: dimension of latents.
      unary: weight of what "critic" and "latent_critic" say of one of the two alone, if they are there.
      stochastic: whether latents of data are drawn, from normal distributions that the encoder gives.

    Returns:
      A model that can `sample`, draw from its `prior`, `encode` and `decode`. Metrics are each player's loss, the
      critic's estimate of the distance between the two kinds of pairs, and how often it is right about each.

    Raises:
      ValueError: a network is missing, or is told a label, or the prior has no codes of that dimension.
    """
    told = ConditionalGenerator | ConditionalEncoder | ConditionalCritic
    for name, network in networks.items():
        if isinstance(network, told):
            raise ValueError(f"networks.{name}.condition must be 'none': this game knows no labels")
    if loss not in ADVERSARIAL_LOSSES or loss in LOPSIDED:
        known = [name for name in ADVERSARIAL_LOSSES if name not in LOPSIDED]
        raise ValueError(f"loss={loss!r} must be one of {', '.join(known)}")
    if "joint_critic" not in networks or ("critic" in networks) != ("latent_critic" in networks):
        raise ValueError("networks must have joint_critic, and critic and latent_critic both, or neither")
    prior.check(latent)
    encoder = (GaussianCoder if stochastic else PointCoder)(networks["encoder"], latent)
    critic = JointCritic(networks["joint_critic"], networks.get("critic"), networks.get("latent_critic"))
    game = BiGAN(networks["generator"], encoder, critic, ADVERSARIAL_LOSSES[loss], prior, latent, unary)
    judging = Player("critic", ("critic",), optimizers["critic"])
    making = Player("generator", ("generator", "encoder"), optimizers["generator"])
    return GenerativeModel(
        begin(game.init, (judging, making)),
        play((Turn("critic", judging, game.critic_loss), Turn("generator", making, game.generator_loss)), game.prepare),
        sample=game.sample,
        prior=game.drawn,
        encode=game.encode,
        decode=game.decode,
        notes=f"plays {'three critics' if 'critic' in networks else 'one critic'} of data and latents.",
    )
