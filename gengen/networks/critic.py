"""What every critic is: a network that judges images."""

from typing import NamedTuple

import flax.linen as nn
import jax


class CriticOutput(NamedTuple):
    """What a critic says of images.

    Attributes:
      logit: how real they are [B], float32; D(x) is its sigmoid where a paper speaks of probabilities.
      features: activations of the last hidden layer [B, F], float32, which the logit weighs.
      code: what a critic that also recognises what an image was made from says of that [B, O], float32, such as logits
        of classes; None for all others.
    """

    logit: jax.Array
    features: jax.Array
    code: jax.Array | None = None


class CriticNetwork(nn.Module):
    """A network `(data [B, ...], ..., train) -> CriticOutput`."""

    @property
    def judges_alone(self) -> bool:
        """Whether what it says of an image in training mode depends on no other image of the batch."""
        raise NotImplementedError

    @property
    def allows_gradient_penalties(self) -> bool:
        """Whether penalties of gradients at single images go with it."""
        return self.judges_alone
