"""A critic and the pair of losses of its game, for models with several critics or with other losses beside."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.parallel import replica_mean
from gengen.losses.adversarial import AdversarialLoss
from gengen.networks.critic import CriticNetwork
from gengen.networks.forward import train_mode


class Rival(NamedTuple):
    """A critic that tells real from fake: data from samples, draws of a prior from codes.

    Attributes:
      network: what is judged, [B, ...] -> CriticOutput.
      loss: what it wants small, and what its opponent does.
    """

    network: CriticNetwork
    loss: AdversarialLoss

    def critic_losses(
        self, variables: dict[str, Any], real: jax.Array, fake: jax.Array
    ) -> tuple[jax.Array, dict[str, Any]]:
        """What the critic wants small for real and fake [B, ...]; also what its passes carry.

        A critic that judges everything alone sees both in one batch, which is faster.

        Returns:
          Losses in the shape of a logit: [B], or [B, h, w] where a critic judges patches; and what is carried.
        """
        size = real.shape[0]
        if self.network.judges_alone:
            judged, mutable = train_mode(self.network, variables, jnp.concatenate([real, fake]))
            logits = judged.logit[:size], judged.logit[size:]
        else:
            of_real, mutable = train_mode(self.network, variables, real)
            of_fake, mutable = train_mode(self.network, {**variables, **mutable}, fake)
            logits = of_real.logit, of_fake.logit
        return self.loss.critic(*self._counted(*logits)), mutable

    def generator_losses(
        self, variables: dict[str, Any], real: jax.Array, fake: jax.Array
    ) -> tuple[jax.Array, dict[str, Any]]:
        """What the opponent wants small for fake [B, ...]; the real ones cost nothing where no loss looks at them."""
        of_fake, mutable = train_mode(self.network, variables, fake)
        of_real, _ = train_mode(self.network, variables, real)
        return self.loss.generator(*self._counted(of_real.logit, of_fake.logit)), mutable

    def _counted(self, real: jax.Array, fake: jax.Array) -> tuple[jax.Array, jax.Array]:
        if not self.loss.relativistic:
            return real, fake
        return real - replica_mean(fake.mean()), fake - replica_mean(real.mean())
