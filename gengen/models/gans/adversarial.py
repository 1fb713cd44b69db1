"""Adversarial networks: one builder, whose arguments give the GAN, the DCGAN, the WGAN and their relatives.

A generator maps latents z ~ N(0, 1) to images; a critic tells data from samples. Both are players of `core.game`:

    critic     w <- w - step of the gradient of  critic loss(D(x), D(G(z)))      every step
    generator  t <- t - step of the gradient of  generator loss(D(G(z)))         every `critic_steps`-th step
"""

from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, every, init_players, period, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Tree, Variables
from gengen.core.transforms import clip_parameters
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, AdversarialLoss
from gengen.networks.forward import eval_mode, init_network, train_mode


class Adversaries(NamedTuple):
    """The two networks, what both want small, and the pure functions of the game between them.

    Attributes:
      generator: latents [B, L] -> images [B, H, W, C] in [-1, 1].
      critic: images [B, H, W, C] -> logits [B].
      loss: the pair of losses.
      latent: dimension L of the latents.
      together: whether data and samples go through the critic in one batch.
    """

    generator: nn.Module
    critic: nn.Module
    loss: AdversarialLoss
    latent: int
    together: bool

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of both networks."""
        generator_key, critic_key = jax.random.split(key)
        return {
            "generator": init_network(self.generator, generator_key, jnp.zeros((1, self.latent))),
            "critic": init_network(self.critic, critic_key, scaled(batch["image"][:1])),
        }

    def latents(self, keys: jax.Array) -> jax.Array:
        """Draws z ~ N(0, 1), [B, L], one from each key [B]."""
        return jax.vmap(lambda key: jax.random.normal(key, (self.latent,)))(keys)

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Scales the images and draws the latents that both turns of a step share."""
        del state
        return {"real": scaled(batch["image"]), "latent": self.latents(local_keys(key, batch["image"].shape[0]))}

    def critic_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the critic wants small, and its estimate of the distance between data and samples."""
        del key
        fake, generated = train_mode(self.generator, state.variables["generator"], batch["latent"])
        real_logit, fake_logit, carried = self.judge(state.variables["critic"], batch["real"], fake)
        metrics = {self.loss.estimate: mean_of(self.loss.distance(real_logit, fake_logit))}
        return self.loss.critic(real_logit, fake_logit).mean(), (metrics, {"generator": generated, "critic": carried})

    def judge(self, critic: dict[str, Tree], real: jax.Array, fake: jax.Array) -> tuple[jax.Array, jax.Array, Tree]:
        """Returns the critic's logits of data [B] and of samples [B], and what its passes carry."""
        if self.together:
            logits, carried = train_mode(self.critic, critic, jnp.concatenate([real, fake]))
            size = real.shape[0]
            return logits[:size], logits[size:], carried
        real_logit, carried = train_mode(self.critic, critic, real)
        fake_logit, carried = train_mode(self.critic, {**critic, **carried}, fake)
        return real_logit, fake_logit, carried

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the generator wants small."""
        del key
        fake, generated = train_mode(self.generator, state.variables["generator"], batch["latent"])
        fake_logit, carried = train_mode(self.critic, state.variables["critic"], fake)
        return self.loss.generator(fake_logit).mean(), ({}, {"generator": generated, "critic": carried})

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws images [n, H, W, C] in [-1, 1]; image i depends on the key and on i alone."""
        del condition
        return eval_mode(self.generator, variables["generator"], self.latents(example_keys(key, n)))


def adversarial(
    *,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: str = "wasserstein",
    latent: int = 100,
    critic_steps: int = 5,
    clip: float | None = 0.01,
    together: bool = False,
) -> GenerativeModel:
    """Builds an adversarial network. The defaults are Algorithm 1 of Arjovsky et al. 2017, arXiv:1701.07875.

    Args:
      networks: "generator" and "critic", as in `Adversaries`.
      optimizers: of the same two names.
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      latent: dimension of the latents.
      critic_steps: moves of the critic, a batch each, for one of the generator; n_critic in the paper.
      clip: the largest absolute value of a parameter of the critic; None leaves them free.
      together: whether data and samples go through the critic in one batch. Apart is how critics with batch
        normalisation are published, so that their statistics are of one kind at a time; for a critic that judges
        every image alone the two are the same, and one batch is faster.

    Returns:
      A model that can `sample`. Its metrics are each player's loss and the critic's estimate of the distance between
      data and samples, such as "critic/wasserstein".

    Raises:
      ValueError: an argument is out of range.
    """
    if loss not in ADVERSARIAL_LOSSES:
        raise ValueError(f"loss={loss!r} must be one of {', '.join(ADVERSARIAL_LOSSES)}")
    for name, value in (("latent", latent), ("critic_steps", critic_steps)):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    both = Adversaries(networks["generator"], networks["critic"], ADVERSARIAL_LOSSES[loss], latent, together)
    ending = () if clip is None else (clip_parameters(clip),)
    critic = Player("critic", ("critic",), optax.chain(optimizers["critic"], *ending))
    generator = Player("generator", ("generator",), optimizers["generator"])
    turns = (
        Turn("critic", critic, both.critic_loss),
        Turn("generator", generator, both.generator_loss, when=every(critic_steps, offset=critic_steps - 1)),
    )

    def init(key: jax.Array, batch: Batch) -> State:
        variables = both.init(key, batch)
        return State(jnp.zeros((), jnp.int32), variables, init_players((critic, generator), variables))

    return GenerativeModel(init, play(turns, both.prepare), period(turns), sample=both.sample)


def scaled(image: jax.Array) -> jax.Array:
    """Brings pixels from uint8 [..., H, W, C] in 0..255 to float32 in [-1, 1]."""
    return image.astype(jnp.float32) / 127.5 - 1
