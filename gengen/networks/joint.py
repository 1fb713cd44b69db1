"""Critics of pairs of data and latents, which may also judge each of the two alone."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput


class JointCritic(CriticNetwork):
    """Judges pairs of data and latents.

    Donahue et al. 2017, https://arxiv.org/abs/1605.09782, section 3: one network sees both in a row. With a network for
    each of them, Donahue and Simonyan 2019, https://arxiv.org/abs/1907.02544, section 2: F judges data, H judges
    latents, and J sees what both have made of them.

    Attributes:
      joint: J, of rows [B, ...].
      of_data: F, data [B, *shape] -> CriticOutput; None for none.
      of_latent: H, latents [B, L] -> CriticOutput; None for none.
    """

    joint: CriticNetwork
    of_data: CriticNetwork | None = None
    of_latent: CriticNetwork | None = None

    @property
    def judges_alone(self) -> bool:
        """As all its parts do."""
        parts = self.joint, self.of_data, self.of_latent
        return all(part.judges_alone for part in parts if part is not None)

    @nn.compact
    def __call__(self, data: jax.Array, latent: jax.Array, train: bool) -> tuple[CriticOutput, ...]:
        """Judges pairs first, then data and latents alone, if there are networks for these.

        Raises:
          ValueError: there is a network for one of the two alone.
        """
        if (self.of_data is None) != (self.of_latent is None):
            raise ValueError("a joint critic has networks for data and for latents, or for neither")
        alone: list[CriticOutput] = []
        if self.of_data is not None and self.of_latent is not None:
            alone = [self.of_data(data, train), self.of_latent(latent, train)]
            seen = [judged.features for judged in alone]
        else:
            seen = [data.reshape(len(data), -1), latent]
        pair: CriticOutput = self.joint(jnp.concatenate(seen, -1), train)
        return pair, *alone
