"""StyleGAN: a mapping makes a style of each latent, and a generator draws by styles, a few for each size of its maps.

    critic     w <- w - step of the gradient of  critic loss(D(x), D(G(styles, noise)))
    the others t <- t - step of the gradient of  generator loss(D(G(styles, noise))), of generator and mapping
    path       t <- t - step of the gradient of  (|J^T y| - a)^2, once in some steps

Karras et al. 2019, https://arxiv.org/abs/1812.04948, and 2020, https://arxiv.org/abs/1912.04958. The game is that of
`adversarial`. What other models call latents are here the styles of an image, [K, W], those of coarse things first:
images are interpolated, inverted and edited where the paper does it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gengen.core.game import Outcome, Player, Turn, every
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import example_keys, local_keys, replica_mean
from gengen.core.state import State, Variables
from gengen.losses.adversarial import LossName
from gengen.models.conditioning import Labels, Nothing, completed
from gengen.models.gans.adversarial import adversaries, assemble, players
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.terms import Term
from gengen.models.gans.views import View
from gengen.networks.conditional import ConditionalGenerator
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.stylegan import CENTRE, MEAN, Generator
from gengen.values import Decay, Repeats, Share, Size, Weight

PATH, LENGTH = "path", "length"
"""What carries the mean length of paths, and its one variable."""


@dataclass(frozen=True, kw_only=True)
class StyleBased(Adversaries):
    """The game between a mapping with a generator and a critic.

    Attributes:
      mapping: latents [B, L] and what samples are told -> styles [B, W].
      mixing: share of samples in training that are made of two latents' styles.
      closeness: of styles of samples to the mean style, a share of how far they were.
      kept: of the mean length of paths with each of its moves.
    """

    mapping: nn.Module
    mixing: float
    closeness: float
    kept: float

    def init_generator(self, key: jax.Array, keys: jax.Array, condition: Batch) -> Variables:
        """Makes the first variables of mapping and generator, and the length of paths so far, which is 0."""
        to_map, to_make = jax.random.split(key)
        inputs = self.conditioning.latent_inputs(self.latents(keys), condition)
        mapping = init_network(self.mapping, to_map, *inputs)
        styles = self.repeated(eval_mode(self.mapping, mapping, *inputs))
        return {
            "mapping": mapping,
            "generator": init_network(self.generator, to_make, styles, keys),
            PATH: {LENGTH: {MEAN: jnp.zeros(())}},
        }

    def repeated(self, style: jax.Array) -> jax.Array:
        """The same style for all layers of a generator: [B, W] -> [B, K, W]."""
        return jnp.repeat(style[:, None], self.generator.styles, axis=1)

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Draws all noise that the turns of a step share, that of layers and paths, too, and what is mixed where."""
        size = len(batch["data"])
        to_mix, to_cut, to_blur, to_walk = (local_keys(jax.random.fold_in(key, 4 + i), size) for i in range(4))

        def cut(key: jax.Array) -> jax.Array:
            whether, where = jax.random.split(key)
            place = jax.random.randint(where, (), 1, self.generator.styles)
            return jnp.where(jax.random.uniform(whether) < self.mixing, place, self.generator.styles)

        return {
            **super().prepare(key, state, batch),
            "other": self.latents(to_mix),
            "cut": jax.vmap(cut)(to_cut),
            "noise": to_blur,
            "walk": to_walk,
        }

    def mapped(self, state: State, batch: Batch) -> tuple[jax.Array, Variables]:
        """The styles [B, K, W] of a step, those from some place on of another latent, and what the mapping carries."""
        first, other = (
            train_mode(
                self.mapping,
                state.variables["mapping"],
                *self.conditioning.latent_inputs(batch[name], batch["condition"]),
            )
            for name in ("latent", "other")
        )
        places = jnp.arange(self.generator.styles)[None, :, None]
        mixed = jnp.where(places < batch["cut"][:, None, None], self.repeated(first[0]), self.repeated(other[0]))
        return mixed, {"mapping": first[1]}

    def generate(self, state: State, batch: Batch) -> tuple[jax.Array, Variables]:
        """Returns samples as the critic sees them, and what mapping and generator carry."""
        styles, mapped = self.mapped(state, batch)
        fake, made = train_mode(self.generator, state.variables["generator"], styles, batch["noise"])
        return self.seen(batch["mutable"], batch["view"], fake), {**mapped, "generator": made}

    def path_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """(|J^T y| - a)^2 for every second example of the batch: Karras et al. 2020, eq. 4.

        J is the derivative of an image by its styles and y ~ N(0, 1), of which each number counts by 1 / sqrt(pixels);
        a is the mean of lengths so far. Lengths are root mean squares over styles, as in the authors' code.
        """
        del key
        styles, keys, walks = self.mapped(state, batch)[0][::2], batch["noise"][::2], batch["walk"][::2]

        def along(styles: jax.Array) -> jax.Array:
            image, _ = train_mode(self.generator, state.variables["generator"], styles, keys)
            y = jax.vmap(lambda key: jax.random.normal(key, image.shape[1:]))(walks)
            along: jax.Array = (image * y).sum() / math.sqrt(image.shape[1] * image.shape[2])
            return along

        gradient = jax.grad(along)(styles)
        lengths = jnp.sqrt(jnp.square(gradient).sum(2).mean(1) + 1e-12)
        before = state.variables[PATH][LENGTH][MEAN]
        now = replica_mean(jax.lax.stop_gradient(lengths).mean())
        mean = self.kept * before + (1 - self.kept) * now
        return jnp.square(lengths - mean).mean(), ({LENGTH: mean_of(lengths)}, {PATH: {LENGTH: {MEAN: mean}}})

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws styles [n, K, W]; the i-th depends on the key, i and what it is told alone."""
        told = completed(self.conditioning, key, n, condition)
        inputs = self.conditioning.latent_inputs(self.latents(example_keys(key, n)), told)
        style: jax.Array = eval_mode(self.mapping, variables["mapping"], *inputs)
        centre = centre_of(variables)[None]
        return self.repeated(centre + self.closeness * (style - centre))

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The images [n, H, W, C] in [-1, 1] of styles [n, K, W], with noise of the key and of an image's place."""
        del condition
        keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(example_keys(key, len(latents)), 2)
        made: jax.Array = eval_mode(self.generator, variables["generator"], latents, keys)
        return made


def centre_of(variables: Variables) -> jax.Array:
    """The mean style [W] that a mapping carries, whose body may be told classes."""
    (centre,) = jax.tree.leaves(variables["mapping"][CENTRE])
    return jnp.asarray(centre)


def style_based(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: LossName = "non_saturating",
    latent: Size = 512,
    mixing: Share = 0.9,
    truncation: Share = 1.0,
    path_weight: Weight = 2.0,
    path_every: Repeats = 4,
    path_kept: Decay = 0.99,
    views: Sequence[View] = (),
    terms: Sequence[Term] = (),
) -> GenerativeModel:
    """Builds a StyleGAN. The defaults are those of the second paper.

    Args:
      networks: "mapping" and "generator" of `gengen.networks.stylegan`, and any "critic"; mapping and critic may be
        told classes.
      optimizers: "generator", which is also the mapping's, and "critic".
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      latent: dimension of the latents.
      mixing: share of samples in training whose styles are of one latent up to a place, and of another from there on.
      truncation: styles of samples are drawn in to the mean style, to this share of their distance: 1 leaves them, 0
        draws one image. Training does not heed it.
      path_weight: of the penalty of uneven paths; 0 for none, as in the first version.
      path_every: in how many steps it is played once, that many times as strong.
      path_kept: of the mean length of paths each time.
      views: what data and samples alike pass on their way to the critic, from `VIEWS`.
      terms: what is added to the players' losses, from `TERMS`.

    Returns:
      A model that can `sample`, draw styles from its `prior` and `decode` them. Its metrics are those of `adversarial`,
      and "path/length".

    Raises:
      ValueError: an argument is out of range, or the networks do not go together.
    """
    mapping, generator, critic = (networks[name] for name in ("mapping", "generator", "critic"))
    if not isinstance(generator, Generator):
        raise ValueError("networks.generator.name must be 'stylegan', told nothing: its mapping is told the class")
    for name, value in (("mixing", mixing), ("truncation", truncation)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value} must lie in [0, 1]")
    told = {"generator": mapping, "critic": critic}
    conditioning = Labels(mapping.classes) if isinstance(mapping, ConditionalGenerator) else Nothing()
    checked = adversaries(
        told, loss=loss, real_label=(1.0, 1.0), latent=latent, conditioning=conditioning, views=views, terms=terms
    )
    given = {**vars(checked), "generator": generator}
    both = StyleBased(**given, mapping=mapping, mixing=mixing, closeness=truncation, kept=path_kept)
    critic_player, generator_player = players(optimizers, clip=None)
    owner = generator_player._replace(networks=("mapping", "generator"))

    turns = [Turn("critic", critic_player, both.critic_loss), Turn("generator", owner, both.generator_loss)]
    if path_weight:
        turns.append(_path_turn(both, owner, path_every, path_weight))
    return assemble(both, *turns)._replace(layered=True)


def _path_turn(both: StyleBased, owner: Player, period: int, weight: float) -> Turn:
    """The penalty of paths, once in some steps and that many times as strong."""

    def loss(key: jax.Array, state: State, batch: Batch) -> Outcome:
        value, rest = both.path_loss(key, state, batch)
        return period * weight * value, rest

    return Turn("path", owner, loss, every(period))
