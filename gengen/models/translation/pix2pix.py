"""pix2pix: images to images, learnt from pairs, with a critic that sees whether a patch fits what it was made from.

    critic      w <- w - step of the gradient of  critic loss(D(a, b), D(a, G(a))) / 2
    generator   t <- t - step of the gradient of  generator loss(D(a, G(a))) + weight |b - G(a)|

Isola et al. 2017, https://arxiv.org/abs/1611.07004.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Tree, Variables
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, LossName
from gengen.models.critic_game import CriticGame
from gengen.models.translation.error import absolute_error
from gengen.models.translation.jitter import Shift, jittered
from gengen.models.translation.pairings import Pairing
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.values import Weight

SLOWER = 0.5
"""What the critic's loss is multiplied with, "which slows down the rate at which D learns": section 3.3."""


class Paired(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      translator: images a [B, H, W, C] and a key for each -> images b [B, H, W, C'].
      critic: the critic, of a and b behind each other in the channels, and its losses; None where there is no game.
      pairing: where the pairs come from.
      weight: of the mean absolute error, where the adversarial loss has 1.
      residual: whether the translator says what is to be added to the picture in a, grey repeated as colour.
      jitter: the largest random shift of a pair, in pixels.
      mirror: whether half of the pairs are mirrored.
    """

    translator: nn.Module
    critic: CriticGame | None
    pairing: Pairing
    weight: float
    residual: bool
    jitter: int
    mirror: bool

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of both networks."""
        to_b, critic = jax.random.split(key)
        a, b = self.pair(key, jax.tree.map(lambda leaf: leaf[:1], batch))
        variables = {"to_b": init_network(self.translator, to_b, a, None)}
        channels = self.pairing.picture(a).shape[-1]
        if self.residual and b.shape[-1] % channels:
            raise ValueError(f"residual=True cannot add to {channels} channels to make {b.shape[-1]}")
        if self.critic:
            variables["critic_b"] = init_network(self.critic.network, critic, jnp.concatenate([a, b], -1))
        return variables

    def pair(self, key: jax.Array, batch: Batch) -> tuple[jax.Array, jax.Array]:
        """The pairs of a batch, each made by the key of its place."""
        return self.pairing.of(example_keys(key, batch["data"].shape[0]), batch)

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Makes the pairs of a step, and the keys of the translator's noise."""
        del state
        size = batch["data"].shape[0]
        moved, made, noise = (local_keys(jax.random.fold_in(key, index), size) for index in range(3))
        images: dict[str, jax.Array] = {name: batch[name] for name in ("data", "paired") if name in batch}
        a, b = self.pairing.of(made, jittered(moved, images, margin=self.jitter, mirror=self.mirror))
        return {"a": a, "b": b, "noise": noise}

    def through(self, a: jax.Array, output: jax.Array) -> jax.Array:
        """What the translator's output means for images a: what is seen of b already stays as it is."""
        if self.residual:
            picture = self.pairing.picture(a)
            output = jnp.tile(picture, (1, 1, 1, output.shape[-1] // picture.shape[-1])) + output
        return self.pairing.kept(a, output)

    def made(self, state: State, batch: Batch) -> tuple[jax.Array, Tree]:
        """Translations of a batch, and what the translator carries."""
        output, mutable = train_mode(self.translator, state.variables["to_b"], batch["a"], batch["noise"])
        return self.through(batch["a"], output), mutable

    def critic_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the critic wants small: eq. 1 with its sign turned."""
        del key
        assert self.critic
        fake, mutable = self.made(state, batch)
        real, fake = (jnp.concatenate([batch["a"], b], -1) for b in (batch["b"], fake))
        losses, judged = self.critic.critic_losses(state.variables["critic_b"], real, fake)
        metrics = {self.critic.loss.estimate: mean_of(self.critic.loss.distance(losses))}
        return SLOWER * losses.mean(), (metrics, {"to_b": mutable, "critic_b": judged})

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the generator wants small: eq. 4."""
        del key
        fake, mutable = self.made(state, batch)
        error = absolute_error(fake, batch["b"])
        value, trace = self.weight * error.mean(), {"to_b": mutable}
        metrics = {"absolute_error": mean_of(error)}
        if self.critic:
            real, fake = (jnp.concatenate([batch["a"], b], -1) for b in (batch["b"], fake))
            losses, judged = self.critic.generator_losses(state.variables["critic_b"], real, fake)
            metrics["adversarial"] = mean_of(losses)
            value, trace = value + losses.mean(), {**trace, "critic_b": judged}
        return value, (metrics, trace)

    def translate(self, key: jax.Array, variables: Variables, data: jax.Array) -> jax.Array:
        """Translates images a [n, H, W, C]; dropout, the noise of section 3.2, makes one of several translations."""
        keys = example_keys(key, data.shape[0])
        return jnp.clip(self.through(data, eval_mode(self.translator, variables["to_b"], data, keys)), -1, 1)


def pix2pix(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    pairing: Pairing,
    loss: LossName = "non_saturating",
    weight: Weight = 100.0,
    adversary: bool = True,
    residual: bool = False,
    jitter: Shift = 15,
    mirror: bool = True,
) -> GenerativeModel:
    """Builds a translation from pairs. The defaults are those of Isola et al. 2017 for 256 x 256 pixels.

    Args:
      networks: "to_b": images and keys -> images; "critic_b": pairs in the channels -> CriticOutput, a logit for each
        patch [B, h, w].
      optimizers: of "generator" and "critic".
      pairing: where the pairs come from, from `PAIRINGS`.
      loss: one of `ADVERSARIAL_LOSSES`; the paper's is the non-saturating one, and its relatives took least squares.
      weight: lambda, of the mean absolute error of a pixel in [-1, 1].
      adversary: whether there is a critic; without one, the absolute error alone is what the generator wants small.
      residual: whether the translator says what is to be added to its input, where that is nearly right already.
      jitter: the largest random shift of a pair along each axis, in pixels.
      mirror: whether half of the pairs are mirrored, left to right.

    Returns:
      A model that can `translate` and `pair`. Metrics are "generator/absolute_error", of a pixel in [-1, 1], and the
      critic's estimate of the distance, such as "critic/jensen_shannon".

    Raises:
      ValueError: an argument is out of range, or a network is missing.
    """
    if loss not in ADVERSARIAL_LOSSES:
        raise ValueError(f"loss={loss!r} must be one of {', '.join(ADVERSARIAL_LOSSES)}")
    for name, value in (("weight", weight), ("jitter", jitter)):
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name}={value} must be a number of at least 0")
    if not (adversary or weight):
        raise ValueError("adversary=False and weight=0 leave nothing to learn from")
    if missing := {"to_b", *(["critic_b"] if adversary else [])} - set(networks):
        raise ValueError(f"this game needs the networks {', '.join(sorted(missing))}")
    critic = CriticGame(networks["critic_b"], ADVERSARIAL_LOSSES[loss]) if adversary else None
    game = Paired(networks["to_b"], critic, pairing, weight, residual, jitter, mirror)
    generator = Turn("generator", Player("generator", ("to_b",), optimizers["generator"]), game.generator_loss)
    turns = [generator]
    if adversary:
        turns.insert(0, Turn("critic", Player("critic", ("critic_b",), optimizers["critic"]), game.critic_loss))
    return GenerativeModel(
        begin(game.init, [turn.player for turn in turns]),
        play(turns, game.prepare),
        translate={"ab": game.translate},
        pair=game.pair,
    )
