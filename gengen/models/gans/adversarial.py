"""Adversarial networks: one builder, whose arguments give the GAN, the DCGAN, the WGAN and their relatives.

A generator maps latents z ~ N(0, 1) to images; a critic tells data from samples. Both are players of `core.game`:

    critic     w <- w - step of the gradient of  critic loss(D(x), D(G(z)))      every step
    generator  t <- t - step of the gradient of  generator loss(D(G(z)))         every `critic_steps`-th step
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, every, init_players, period, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.core.transforms import clip_parameters
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.networks.forward import eval_mode, init_network, train_mode


def adversarial(
    *,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: str = "wasserstein",
    latent: int = 100,
    critic_steps: int = 5,
    clip: float | None = 0.01,
) -> GenerativeModel:
    """Builds an adversarial network. The defaults are Algorithm 1 of Arjovsky et al. 2017, arXiv:1701.07875.

    Args:
      networks: "generator", latents [B, L] -> images [B, H, W, C] in [-1, 1], and "critic", images -> logits [B].
      optimizers: of the same two names.
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      latent: dimension L of the latents.
      critic_steps: moves of the critic, a batch each, for one of the generator; n_critic in the paper.
      clip: the largest absolute value of a parameter of the critic; None to leave them free.

    Returns:
      A model that can `sample`. Its metrics are each player's loss and the critic's estimate of the distance between
      data and samples, such as "critic/wasserstein".

    Raises:
      ValueError: an argument is out of range.
    """
    if loss not in ADVERSARIAL_LOSSES:
        raise ValueError(f"loss={loss!r} must be one of {', '.join(ADVERSARIAL_LOSSES)}")
    if latent < 1:
        raise ValueError(f"latent={latent} must be at least 1")
    if critic_steps < 1:
        raise ValueError(f"critic_steps={critic_steps} must be at least 1")
    generator, critic = networks["generator"], networks["critic"]
    optimizer = optimizers["critic"] if clip is None else optax.chain(optimizers["critic"], clip_parameters(clip))
    players = {
        "critic": Player("critic", ("critic",), optimizer),
        "generator": Player("generator", ("generator",), optimizers["generator"]),
    }
    wanted = ADVERSARIAL_LOSSES[loss]

    def draw(keys: jax.Array) -> jax.Array:
        return jax.vmap(lambda key: jax.random.normal(key, (latent,)))(keys)

    def init(key: jax.Array, batch: Batch) -> State:
        generator_key, critic_key = jax.random.split(key)
        variables = {
            "generator": init_network(generator, generator_key, jnp.zeros((1, latent))),
            "critic": init_network(critic, critic_key, scaled(batch["image"][:1])),
        }
        return State(jnp.zeros((), jnp.int32), variables, init_players(tuple(players.values()), variables))

    def prepare(key: jax.Array, state: State, batch: Batch) -> Batch:
        del state
        return {"real": scaled(batch["image"]), "latent": draw(local_keys(key, batch["image"].shape[0]))}

    def critic_loss(key: jax.Array, state: State, batch: Batch) -> Outcome:
        del key
        fake, generated = train_mode(generator, state.variables["generator"], batch["latent"])
        # Data and samples go through the critic apart, as published: its batch statistics are of one kind at a time.
        real_logit, carried = train_mode(critic, state.variables["critic"], batch["real"])
        fake_logit, carried = train_mode(critic, {**state.variables["critic"], **carried}, fake)
        metrics = {wanted.estimate: mean_of(wanted.distance(real_logit, fake_logit))}
        return wanted.critic(real_logit, fake_logit).mean(), (metrics, {"generator": generated, "critic": carried})

    def generator_loss(key: jax.Array, state: State, batch: Batch) -> Outcome:
        del key
        fake, generated = train_mode(generator, state.variables["generator"], batch["latent"])
        fake_logit, carried = train_mode(critic, state.variables["critic"], fake)
        return wanted.generator(fake_logit).mean(), ({}, {"generator": generated, "critic": carried})

    turns = (
        Turn("critic", players["critic"], critic_loss),
        Turn("generator", players["generator"], generator_loss, when=every(critic_steps, offset=critic_steps - 1)),
    )

    def sample(key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        del condition
        return eval_mode(generator, variables["generator"], draw(example_keys(key, n)))

    return GenerativeModel(init, play(turns, prepare), period(turns), sample=sample)


def scaled(image: jax.Array) -> jax.Array:
    """Brings pixels from uint8 [..., H, W, C] in 0..255 to float32 in [-1, 1]."""
    return image.astype(jnp.float32) / 127.5 - 1
