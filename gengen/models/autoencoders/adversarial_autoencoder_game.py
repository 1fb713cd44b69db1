"""What an adversarial autoencoder is made of: a code of an image, critics that compare codes with a prior, their game.

Makhzani et al. 2016, https://arxiv.org/abs/1511.05644. The encoder is deterministic, so that the distribution of codes
that is held to the prior is that of the data's codes: q(z) = E_p(x) [encoder(x)], section 2.
"""

from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.core.game import Outcome
from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch, Condition
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.corruption import Corrupt
from gengen.models.autoencoders.objective import reduced
from gengen.models.autoencoders.priors import Prior
from gengen.models.critic_game import CriticGame
from gengen.networks.coders import PointCoder
from gengen.networks.forward import eval_mode, init_network, train_mode

STYLE, CATEGORY = "critic", "category_critic"
"""Names of the two critics: of the style, and of the category."""


class Code(NamedTuple):
    """What the encoder says of images.

    Attributes:
      style: numbers [B, L], held to the prior.
      logits: of the categories [B, m], held to one-hot draws; m is 0 where there are none.
    """

    style: jax.Array
    logits: jax.Array

    @property
    def category(self) -> jax.Array:
        """Probabilities of the categories [B, m]."""
        return jax.nn.softmax(self.logits) if self.logits.shape[-1] else self.logits

    @property
    def row(self) -> jax.Array:
        """All that the decoder sees, [B, m + L]: probabilities of the categories first."""
        return jnp.concatenate([self.category, self.style], -1)


class Matching(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      encoder: data [B, *shape] -> logits and style in one row [B, m + L].
      decoder: rows [B, m + L] -> what the likelihood takes.
      critics: the critics by name, `STYLE` and, where there are categories, `CATEGORY`.
      likelihood: of images, or an error in its place.
      prior: of the style.
      corrupt: what happens to images before the encoder sees them in training.
      reduction: "sum" or "mean" over the pixels of the error.
      latent: dimension L of the style.
      categories: number m of categories.
      classes: of the data, which the critic of the style is told; 0 where it is not.
      supervised: whether the categories are the classes of the data, which "labelled" images teach.
    """

    encoder: PointCoder
    decoder: nn.Module
    critics: Mapping[str, CriticGame]
    likelihood: Likelihood
    prior: Prior
    corrupt: Corrupt
    reduction: str
    latent: int
    categories: int
    classes: int
    supervised: bool

    @property
    def conditions(self) -> dict[str, Condition]:
        """What samples can be told to be."""
        if self.categories:
            return {"label" if self.supervised else "category": Condition(classes=self.categories)}
        return {"label": Condition(classes=self.classes)} if self.classes else {}

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of all networks.

        Raises:
          ValueError: the game needs labels, and the batch has none where they should be.
        """
        if self.supervised and "labelled" not in batch:
            raise ValueError("semi_supervised=True needs labelled images: data.labelled must be above 0")
        keys = jax.random.split(key, 4)
        style, category = jnp.zeros((1, self.latent)), jnp.zeros((1, self.categories))
        label_code = jnp.zeros((1, self.classes + 1 if self.classes else 0))
        shown = {STYLE: jnp.concatenate([style, label_code], -1), CATEGORY: category}
        return {
            "encoder": init_network(self.encoder, keys[0], batch["data"][:1]),
            "decoder": init_network(self.decoder, keys[1], jnp.concatenate([category, style], -1)),
            **{
                name: init_network(critic.network, own, shown[name])
                for own, (name, critic) in zip(keys[2:], self.critics.items(), strict=False)
            },
        }

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Corrupts a copy of the data, and draws what their codes are compared with.

        The critics compare the codes of "matched"; "labelled" images, whose labels it is told, are among them if the
        critic is told labels.
        """
        del state
        main = self.part(jax.random.fold_in(key, 0), batch)
        prepared: Batch = {"data": main["data"], "seen": main["seen"], "matched": main}
        if "labelled" in batch and (self.classes or self.supervised):
            labelled = self.part(jax.random.fold_in(key, 1), batch["labelled"])
            if self.classes:
                prepared["matched"] = jax.tree.map(lambda *parts: jnp.concatenate(parts), main, labelled)
            if self.supervised:
                prepared["labelled"] = {"seen": labelled["seen"], "label": batch["labelled"]["label"]}
        return prepared

    def part(self, key: jax.Array, batch: Batch) -> Batch:
        """Prepares one stream: "data", "seen" by the encoder, "label_code" for the critic, "drawn" for each critic."""
        image = batch["data"]
        size = image.shape[0]
        to_see, to_draw, to_choose = (local_keys(jax.random.fold_in(key, index), size) for index in range(3))
        label_code, style = jnp.zeros((size, 0)), self.prior.draw(to_draw, self.latent)
        if self.classes:
            label = batch.get("label", jnp.full(size, -1))  # labels that are not known are -1 also in the data
            known, index = label >= 0, jnp.maximum(label, 0)
            label_code = jax.nn.one_hot(jnp.where(known, label, self.classes), self.classes + 1)
            style = jnp.where(known[:, None], self.prior.of_class(to_draw, index, self.classes), style)
        drawn = {STYLE: style}
        if self.categories:
            drawn[CATEGORY] = self.one_hot(self.category(to_choose))
        return {"data": image, "seen": self.corrupt(to_see, image), "label_code": label_code, "drawn": drawn}

    def category(self, keys: jax.Array) -> jax.Array:
        """A category for each of the keys [B], all alike."""
        return jax.vmap(lambda key: jax.random.randint(key, (), 0, self.categories))(keys)

    def one_hot(self, category: jax.Array) -> jax.Array:
        """Categories [B] as rows [B, m]."""
        return jax.nn.one_hot(category, self.categories)

    def read(self, row: jax.Array) -> Code:
        """Splits what the encoder gives, [B, m + L]."""
        return Code(row[:, self.categories :], row[:, : self.categories])

    def compared(self, state: State, batch: Batch) -> tuple[dict[str, tuple[jax.Array, jax.Array]], Variables]:
        """For each critic what is drawn and what is found, both as it sees them; also what the encoder carries."""
        matched = batch["matched"]
        row, mutable = train_mode(self.encoder, state.variables["encoder"], matched["seen"])
        code = self.read(row)
        drawn, label_code = matched["drawn"], matched["label_code"]
        pairs = {
            STYLE: (jnp.concatenate([drawn[STYLE], label_code], -1), jnp.concatenate([code.style, label_code], -1))
        }
        if self.categories:
            pairs[CATEGORY] = (drawn[CATEGORY], code.category)
        return pairs, {"encoder": mutable}

    def autoencoder_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The error of the reconstruction: section 2, the reconstruction phase."""
        del key
        row, of_encoder = train_mode(self.encoder, state.variables["encoder"], batch["seen"])
        output, of_decoder = train_mode(self.decoder, state.variables["decoder"], self.read(row).row)
        errors = -self.likelihood.log_probs(output, batch["data"])
        total = reduced(errors, self.reduction).mean()
        squares = self.likelihood.squared_errors(output, batch["data"])
        return total, ({"squared_error": mean_of(squares)}, {"encoder": of_encoder, "decoder": of_decoder})

    def critic_loss(self, name: str, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What a critic wants small, and its estimate of the distance: section 2, the regularization phase."""
        del key
        pairs, mutable = self.compared(state, batch)
        critic = self.critics[name]
        losses, of_critic = critic.critic_losses(state.variables[name], *pairs[name])
        metrics = {critic.loss.estimate: mean_of(critic.loss.distance(losses))}
        return losses.mean(), (metrics, {**mutable, name: of_critic})

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the encoder wants small to pass its codes off as draws, before all critics at once."""
        del key
        pairs, mutable = self.compared(state, batch)
        total, metrics = jnp.zeros(()), dict[str, Mean]()
        for name, critic in self.critics.items():
            losses, mutable[name] = critic.generator_losses(state.variables[name], *pairs[name])
            metrics[f"against_{name}"] = mean_of(losses)
            total += losses.mean()
        return total, (metrics if len(self.critics) > 1 else {}, mutable)

    def classifier_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The cross-entropy of labelled images in nats: section 4, the semi-supervised classification phase."""
        del key
        labelled = batch["labelled"]
        row, mutable = train_mode(self.encoder, state.variables["encoder"], labelled["seen"])
        said, label = jax.nn.log_softmax(self.read(row).logits), labelled["label"]
        losses = -jnp.take_along_axis(said, label[:, None], axis=1)[:, 0]
        return losses.mean(), ({"accuracy": mean_of(said.argmax(-1) == label)}, {"encoder": mutable})

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The codes [n, m + L] of images as they are: probabilities of the categories, and the style."""
        del key, condition
        return self.read(eval_mode(self.encoder, variables["encoder"], data)).row

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The data [n, *shape] of codes [n, m + L]."""
        del key, condition
        return self.likelihood.mean(eval_mode(self.decoder, variables["decoder"], latents))

    def prior_codes(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws codes [n, m + L]; the i-th depends on the key, on i and on its condition alone."""
        del variables
        condition = condition or {}
        to_draw, to_choose = jax.vmap(jax.random.split, out_axes=1)(example_keys(key, n))
        if self.classes and "label" in condition:
            return self.prior.of_class(to_draw, condition["label"], self.classes)
        style = self.prior.draw(to_draw, self.latent)
        if not self.categories:
            return style
        drawn = self.category(to_choose)
        (name,) = self.conditions
        return jnp.concatenate([self.one_hot(condition.get(name, drawn)), style], -1)

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws data [n, *shape]; image i depends on the key, on i and on its condition alone."""
        return self.decode(key, variables, self.prior_codes(key, variables, n, condition))

    def recognise(self, key: jax.Array, variables: Variables, data: jax.Array) -> dict[str, jax.Array]:
        """Log-probabilities [n, m] of the categories of images."""
        del key
        code = self.read(eval_mode(self.encoder, variables["encoder"], data))
        return dict.fromkeys(self.conditions, jax.nn.log_softmax(code.logits))
