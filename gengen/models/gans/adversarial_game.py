"""A generator and a critic, what both want small, and the pure functions of the game between them.

A generator maps latents z ~ N(0, 1) to images; a critic tells data from samples. `adversarial`, `infogan` and
`unrolled` play this game.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.game import Outcome, Player, Turn, every
from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch, Critique
from gengen.core.parallel import example_keys, local_keys, replica_gather, replica_part
from gengen.core.state import State, Tree, Variables, params_of
from gengen.losses.adversarial import AdversarialLoss
from gengen.models.conditioning import Conditioning, Labels, Nothing, Texts, completed
from gengen.models.critic_game import CriticGame
from gengen.models.gans.terms import Term, TermInputs
from gengen.models.gans.views import View
from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.standing_statistics import with_standing_statistics

SETTLING = 64
"""Examples of a batch by which statistics are taken anew."""


@dataclass(frozen=True)
class Adversaries:
    """The two networks and all that the losses of their game depend on.

    Attributes:
      generator: latents [B, L] and what samples are told -> images [B, H, W, C] in [-1, 1].
      critic: images [B, H, W, C] and what it is told of them -> CriticOutput.
      loss: the pair of losses.
      latent: dimension L of the latents.
      real_label: targets of data are drawn uniformly between these two; (1, 1) smooths no labels.
      conditioning: what samples are told to be.
      views: what happens to data and samples alike before the critic sees them, in this order.
      terms: what is added to the losses.
      mismatched: share of data that are told a wrong condition among what the critic should tell from data.
      truncation: the largest absolute value of a number of the latents that samples are drawn from; None for any.
    """

    generator: nn.Module
    critic: CriticNetwork
    loss: AdversarialLoss
    latent: int
    real_label: tuple[float, float] = (1.0, 1.0)
    conditioning: Conditioning = field(default_factory=Nothing)
    views: Sequence[View] = ()
    terms: Sequence[Term] = ()
    mismatched: float = 0.0
    truncation: float | None = None

    @property
    def game(self) -> CriticGame:
        """The critic and the losses, whatever is judged."""
        return CriticGame(self.critic, self.loss)

    @property
    def sees_single_images(self) -> bool:
        """Whether the critic needs to be shown no more than one image: not its label or text, nor others in a pack."""
        return not isinstance(self.conditioning, Labels | Texts) and all(view.group == 1 for view in self.views)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of both networks, and what the views carry if they carry something."""
        generator_key, critic_key = jax.random.split(key)
        mutable = {view.name: view.mutable for view in self.views if view.mutable}
        keys = example_keys(key, math.prod(view.group for view in self.views))
        condition = self.conditioning.drawn(keys)
        images = jnp.broadcast_to(batch["data"][:1], (keys.size, *batch["data"].shape[1:]))
        seen = self.conditioning.data_inputs(self.seen(mutable, keys, images), condition)
        return {
            **self.init_generator(generator_key, keys, condition),
            "critic": init_network(self.critic, critic_key, *seen),
            **({"views": mutable} if mutable else {}),
        }

    def init_generator(self, key: jax.Array, keys: jax.Array, condition: Batch) -> Variables:
        """Makes the first variables of what makes samples, of those of some keys under a condition."""
        inputs = self.conditioning.latent_inputs(self.latents(keys), condition)
        return {"generator": init_network(self.generator, key, *inputs)}

    def latents(self, keys: jax.Array, bound: float | None = None) -> jax.Array:
        """Draws z ~ N(0, 1), [B, L], one from each key [B]; numbers beyond a bound are drawn again."""
        if bound is None:
            return jax.vmap(lambda key: jax.random.normal(key, (self.latent,)))(keys)
        return jax.vmap(lambda key: jax.random.truncated_normal(key, -bound, bound, (self.latent,)))(keys)

    def seen(self, mutable: dict[str, Tree], keys: jax.Array, images: jax.Array) -> jax.Array:
        """What the critic sees of images [B, H, W, C], by keys [B] and what each view carries."""
        for index, view in enumerate(self.views):
            own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index)
            images = view.apply(own, images, mutable.get(view.name, {}))
        return images

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Draws all noise that the turns of a step share, and what the critic sees of the data."""
        size, mutable = batch["data"].shape[0], state.variables.get("views", {})
        to_tell, to_see_real, to_see_fake = (local_keys(jax.random.fold_in(key, index), size) for index in range(3))
        seen = self.seen(mutable, to_see_real, batch["data"])
        to_aim = local_keys(jax.random.fold_in(key, 3), seen.shape[0])  # a pack of images has one target
        low, high = self.real_label
        condition = self.conditioning.of(to_tell, batch)
        return {
            "real": seen,
            "latent": self.latents(local_keys(key, size)),
            "condition": condition,
            **({"wrong": _of_the_next(condition)} if self.mismatched else {}),
            "view": to_see_fake,
            "mutable": mutable,  # as the step begins: both turns see the same views, and the critic's moves it
            "target": jax.vmap(lambda key: jax.random.uniform(key, (), minval=low, maxval=high))(to_aim),
        }

    def generate(self, state: State, batch: Batch) -> tuple[jax.Array, Variables]:
        """Returns samples as the critic sees them, and what the networks that made them carry."""
        inputs = self.conditioning.latent_inputs(batch["latent"], batch["condition"])
        fake, mutable = train_mode(self.generator, state.variables["generator"], *inputs)
        return self.seen(batch["mutable"], batch["view"], fake), {"generator": mutable}

    def critic_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the critic wants small, and its estimate of the distance between data and samples."""
        fake, generated = self.generate(state, batch)
        judged_real, judged_fake, mutable = self.judge(state.variables["critic"], batch, fake)
        logits = self.game.logits(judged_real, judged_fake)
        metrics = {self.loss.estimate: mean_of(self.loss.distance(self.loss.critic(*logits)))}
        metrics |= self.game.accuracies(judged_real, judged_fake)
        targets = () if self.real_label == (1.0, 1.0) else (batch["target"],)
        losses = self.loss.critic(*logits, *targets)
        if self.mismatched:
            judged_wrong, mutable = self.judge_wrong({**state.variables["critic"], **mutable}, batch)
            against = self.loss.critic(*self.game.logits(judged_real, judged_wrong), *targets)
            differs = _differs(batch["wrong"], batch["condition"])
            losses = losses + self.mismatched * differs * (against - losses)
            right = jnp.where(judged_real.logit > judged_wrong.logit, differs, 0.0)
            metrics["accuracy_mismatched"] = Mean(right.sum(), differs.sum())
        value, measured = self.with_terms(
            "critic", losses, key, self.inputs(state, batch, fake, judged_real, judged_fake)
        )
        moved = {
            view.name: view.after(batch["mutable"][view.name], state.step, lax.stop_gradient(judged_real.logit))
            for view in self.views
            if view.mutable
        }
        trace = {**generated, "critic": mutable, **({"views": moved} if moved else {})}
        return value, (metrics | measured, trace)

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the generator wants small."""
        fake, generated = self.generate(state, batch)
        inputs = self.conditioning.data_inputs(fake, batch["condition"])
        judged_fake, mutable = train_mode(self.critic, state.variables["critic"], *inputs)
        judged_real = self.without_trace(state, batch)(batch["real"])  # costs nothing where no loss looks at it
        losses = self.loss.generator(*self.game.logits(judged_real, judged_fake))
        value, metrics = self.with_terms(
            "generator", losses, key, self.inputs(state, batch, fake, judged_real, judged_fake)
        )
        return value, (metrics, {**generated, "critic": mutable})

    def judge(self, critic: dict[str, Tree], batch: Batch, fake: jax.Array) -> tuple[CriticOutput, CriticOutput, Tree]:
        """Judges data and samples, both told the batch's conditions; also returns what the critic's passes carry."""
        real, fakes = (self.conditioning.data_inputs(images, batch["condition"]) for images in (batch["real"], fake))
        return self.game.judge(critic, real, fakes)

    def judge_wrong(self, critic: dict[str, Tree], batch: Batch) -> tuple[CriticOutput, Tree]:
        """Judges data that are told what is said of others; also returns what the critic's pass carries."""
        judged: CriticOutput
        judged, mutable = train_mode(self.critic, critic, *self.conditioning.data_inputs(batch["real"], batch["wrong"]))
        return judged, mutable

    def inputs(
        self, state: State, batch: Batch, fake: jax.Array, judged_real: CriticOutput, judged_fake: CriticOutput
    ) -> TermInputs:
        """What terms see of a turn."""
        critic, params = self.without_trace(state, batch), params_of(state.variables, ("critic", "generator"))
        return TermInputs(critic, batch["real"], fake, judged_real, judged_fake, batch["condition"], params)

    def without_trace(self, state: State, batch: Batch) -> Callable[[jax.Array], CriticOutput]:
        """The critic as it is in training, but that it forgets what its passes carry."""

        def judge(images: jax.Array) -> CriticOutput:
            seen = self.conditioning.data_inputs(images, batch["condition"])
            judged: CriticOutput = train_mode(self.critic, state.variables["critic"], *seen)[0]
            return judged

        return judge

    def with_terms(
        self, player: str, losses: jax.Array, key: jax.Array, inputs: TermInputs
    ) -> tuple[jax.Array, dict[str, Mean]]:
        """Adds a player's terms of each step to its losses; returns the sum [] and each term's mean."""
        terms = [term for term in self.terms if term.player == player and term.every == 1]
        total = jnp.zeros(()) if any(term.alone for term in terms) else losses.mean()
        metrics = {}
        for index, term in enumerate(terms):
            value = term.value(jax.random.fold_in(key, index), inputs)
            metrics[term.name] = mean_of(value)
            total = total + term.weight * value.mean()
        return total, metrics

    def lazy_loss(self, term: Term, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """A term that is played once in some steps, that many times as strong; it leaves no trace."""
        fake, _ = self.generate(state, batch)
        judged_real, judged_fake, _ = self.judge(state.variables["critic"], batch, fake)
        value = term.value(key, self.inputs(state, batch, fake, judged_real, judged_fake))
        return term.every * term.weight * value.mean(), ({term.name: mean_of(value)}, {})

    def lazy_turns(self, players: Sequence[Player]) -> list[Turn]:
        """The turns of terms that are played once in some steps, by their players."""
        owners = {player.name: player for player in players}
        return [
            Turn(f"{term.player}_{term.name}", owners[term.player], partial(self.lazy_loss, term), every(term.every))
            for term in self.terms
            if term.every > 1
        ]

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws latents [n, L], at whose end an InfoGAN has its codes; the i-th depends on the key, i and these."""
        del variables
        told = completed(self.conditioning, key, n, condition)
        latents, *_ = self.conditioning.latent_inputs(self.latents(example_keys(key, n), self.truncation), told)
        return latents

    def settle(self, variables: Variables) -> Variables:
        """Takes the generator's statistics of batch normalisation anew, of the latents that samples are drawn from."""

        def drawn(key: jax.Array) -> tuple[jax.Array, ...]:
            latents = self.latents(example_keys(key, SETTLING), self.truncation)
            return self.conditioning.latent_inputs(latents, completed(self.conditioning, key, SETTLING, None))

        generator = with_standing_statistics(self.generator, variables["generator"], jax.random.key(0), drawn)
        return {**variables, "generator": generator}

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The images [n, H, W, C] in [-1, 1] that the generator makes of what `prior` draws, and of labels."""
        told = completed(self.conditioning, key, len(latents), condition)
        _, *labels = self.conditioning.latent_inputs(latents, told)
        made: jax.Array = eval_mode(self.generator, variables["generator"], latents, *labels)
        return made

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws images [n, H, W, C] in [-1, 1]; image i depends on the key, on i and on its condition alone."""
        return self.decode(key, variables, self.prior(key, variables, n, condition), condition)

    def features(self, key: jax.Array, variables: Variables, data: jax.Array) -> jax.Array:
        """What the critic's logit weighs of images [n, H, W, C], as they are, without views: [n, F]."""
        del key
        judged: CriticOutput = eval_mode(self.critic, variables["critic"], data)
        return judged.features

    def critique(self, key: jax.Array, variables: Variables, samples: jax.Array, data: jax.Array) -> Critique:
        """The critic's logit of samples [n, ...], and where the adversarial loss, without views and terms, sends them.

        Args:
          key: of nothing.
          variables: of both networks.
          samples: in the model's units, [n, ...].
          data: as many, which losses of a whole batch look at.
        """
        del key

        def judged(images: jax.Array) -> jax.Array:
            output: CriticOutput = eval_mode(self.critic, variables["critic"], images)
            return output.logit

        def loss(samples: jax.Array) -> tuple[jax.Array, jax.Array]:
            real, fake = judged(data), judged(samples)
            counted = self.loss.of_batch(real, fake) if self.loss.of_batch else (real, fake)
            return self.loss.generator(*counted).sum(), fake

        gradient, value = jax.grad(loss, has_aux=True)(samples)
        return Critique(value, -gradient)


def _of_the_next(condition: Batch) -> Batch:
    """For each example what is said of the next one of all replicas, of the last one what is said of the first."""
    return {name: replica_part(jnp.roll(replica_gather(said), -1, 0)) for name, said in condition.items()}


def _differs(one: Batch, other: Batch) -> jax.Array:
    """Where two conditions of examples are not the same, 1, else 0: float32 [B]."""
    apart = [(one[name] != other[name]).reshape(len(said), -1).any(1) for name, said in one.items()]
    return jnp.stack(apart).any(0).astype(jnp.float32)
