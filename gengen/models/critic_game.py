"""The critic's side of every game: it tells real from fake, and the pair of losses says what that is worth."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.mean import Mean, mean_of
from gengen.core.parallel import replica_gather, replica_part
from gengen.core.state import Tree
from gengen.losses.adversarial import AdversarialLoss
from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.forward import train_mode

Inputs = tuple[jax.Array, ...]
"""What a critic is shown: arrays [B, ...]."""


class CriticGame(NamedTuple):
    """A critic that tells real from fake: data from samples, draws of a prior from codes.

    Attributes:
      network: what is judged, [B, ...] -> CriticOutput.
      loss: what it wants small, and what its opponent does.
    """

    network: CriticNetwork
    loss: AdversarialLoss

    def judge(
        self, variables: dict[str, Any], real: Inputs, fake: Inputs
    ) -> tuple[CriticOutput, CriticOutput, dict[str, Tree]]:
        """Judges real and fake in training mode; also returns what the critic's passes carry.

        A critic that judges every example alone sees both in one batch, which is faster. Others see them apart, as
        critics with batch normalisation are published, so that their statistics are of one kind at a time.
        """
        if not self.network.judges_alone:
            of_real, mutable = train_mode(self.network, variables, *real)
            of_fake, mutable = train_mode(self.network, {**variables, **mutable}, *fake)
            return of_real, of_fake, mutable
        both = [_behind(*parts) for parts in zip(real, fake, strict=True)]
        judged, mutable = train_mode(self.network, variables, *both)
        size = real[0].shape[0]
        return jax.tree.map(lambda x: x[:size], judged), jax.tree.map(lambda x: x[size:], judged), mutable

    def logits(self, real: CriticOutput, fake: CriticOutput) -> tuple[jax.Array, jax.Array]:
        """The logits of real and fake as the losses take them, both in the shape of a logit.

        Here alone a loss looks at the whole batch, which is that of all replicas: what has one question, such as one
        domain, is a batch, and its logits come here together. A patch counts as an example. Gradients pass through all
        logits, those of other replicas among them, so that their mean over replicas is that of the whole batch's loss.
        """
        if self.loss.of_batch is None:
            return real.logit, fake.logit
        counted = self.loss.of_batch(replica_gather(real.logit), replica_gather(fake.logit))
        return replica_part(counted[0]), replica_part(counted[1])

    def accuracies(self, real: CriticOutput, fake: CriticOutput) -> dict[str, Mean]:
        """How often the critic is right: about real and fake apart, or, where no sign says so, about which is which.

        Returns:
          "accuracy_real" and "accuracy_fake", the shares of positive and of negative logits; of losses without a sign
          "accuracy", the share of pairs in which the real one has the larger logit, 1/2 where it tells nothing.
        """
        if self.loss.signed:
            return {"accuracy_real": mean_of(real.logit > 0), "accuracy_fake": mean_of(fake.logit < 0)}
        apart = real.logit - fake.logit
        return {"accuracy": mean_of((jnp.sign(apart) + 1) / 2)}

    def critic_losses(
        self, variables: dict[str, Any], real: jax.Array, fake: jax.Array
    ) -> tuple[jax.Array, dict[str, Tree]]:
        """What the critic wants small for real and fake [B, ...]; also what its passes carry.

        Returns:
          Losses in the shape of a logit: [B], or [B, h, w] where a critic judges patches; and what is carried.
        """
        of_real, of_fake, mutable = self.judge(variables, (real,), (fake,))
        return self.loss.critic(*self.logits(of_real, of_fake)), mutable

    def generator_losses(
        self, variables: dict[str, Any], real: jax.Array, fake: jax.Array
    ) -> tuple[jax.Array, dict[str, Tree]]:
        """What the opponent wants small for fake [B, ...]; the real ones cost nothing where no loss looks at them."""
        of_fake, mutable = train_mode(self.network, variables, fake)
        of_real, _ = train_mode(self.network, variables, real)
        return self.loss.generator(*self.logits(of_real, of_fake)), mutable


def _behind(first: jax.Array, second: jax.Array) -> jax.Array:
    """Lays examples [B, ...] and [C, ...] behind each other, [B + C, ...].

    As one row, because XLA:CPU then copies them. Batches that are rounded next it compiles together with all that made
    them, a second time, into one loop that asks at every number which of the two it is of.
    """
    row = jnp.concatenate([first.reshape(1, -1), second.reshape(1, -1)], 1)
    return row.reshape(-1, *first.shape[1:])
