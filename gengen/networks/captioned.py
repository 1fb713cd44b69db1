"""Networks of a GAN that are told a text: wrappers around a body of any architecture.

Reed et al. 2016, https://arxiv.org/abs/1605.05396, figure 2. Each network reads texts by a transformer of its own,
which is trained with it, where the paper's encoder was trained before and for both.
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.spectral import COLLECTION, Spectral
from gengen.networks.text_encoder import TextEncoder


def check_vocabulary(vocabulary: int) -> None:
    """Refuses texts that say nothing.

    Raises:
      ValueError: `vocabulary` is below 2: token 0 only fills up.
    """
    if vocabulary < 2:
        raise ValueError(f"vocabulary={vocabulary} must be at least 2")


class CaptionedGenerator(nn.Module):
    """Hands a generator latents that end in what a text says.

    Reed et al. 2016, section 4.1: z and 128 numbers of the text in one row.

    Attributes:
      body: a generator `(latent [B, L + features], train) -> data [B, *shape]`.
      vocabulary: number of tokens, of which 0 fills up.
      features: numbers of a text; the heads of the encoder must divide them.
    """

    body: nn.Module
    vocabulary: int
    features: int = 128

    @nn.compact
    def __call__(self, latent: jax.Array, text: jax.Array, train: bool) -> jax.Array:
        """Makes images of what texts say.

        Args:
          latent: [B, L].
          text: int32 [B, T], which end in zeros.
          train: handed on to the body.

        Returns:
          Data [B, *shape], as the body makes them.

        Raises:
          ValueError: `vocabulary` is below 2.
        """
        check_vocabulary(self.vocabulary)
        said = TextEncoder(self.features, self.vocabulary, name="reader")(text).whole
        made: jax.Array = self.body(jnp.concatenate([latent, said.astype(latent.dtype)], -1), train)
        return made


class CaptionedCritic(CriticNetwork):
    """Judges images together with their texts: the inner product of a text and the features is added to the logit.

    Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637, eq. 3, with a text in the place of a class. Reed et al.
    2016, section 4.1, lay the text beside the features of each place instead, and convolve both. What a text is, is
    mapped to the features linearly; the map is spectrally normalised if weights of the body are.

    Attributes:
      body: a critic `(data [B, ...], train) -> CriticOutput`.
      vocabulary: number of tokens, of which 0 fills up.
      width: numbers of a text before they are mapped; the heads of the encoder must divide them.
    """

    body: CriticNetwork
    vocabulary: int
    width: int = 128

    @property
    def judges_alone(self) -> bool:
        """As the body does."""
        return self.body.judges_alone

    @property
    def allows_gradient_penalties(self) -> bool:
        """As the body does."""
        return self.body.allows_gradient_penalties

    @nn.compact
    def __call__(self, image: jax.Array, text: jax.Array, train: bool) -> CriticOutput:
        """Judges images and texts.

        Args:
          image: data [B, *S, C].
          text: int32 [B, T], which end in zeros.
          train: handed on to the body.

        Returns:
          The body's judgement, whose logit is linear in the features for each text by itself.

        Raises:
          ValueError: `vocabulary` is below 2.
        """
        check_vocabulary(self.vocabulary)
        judged: CriticOutput = self.body(image, train)
        said = TextEncoder(self.width, self.vocabulary, name="reader")(text).whole
        size = judged.features.shape[-1]
        # The sum over F products starts of the size of one feature.
        start = nn.initializers.normal(1 / math.sqrt(size * self.width))
        weigh = partial(Dense, size, use_bias=False, kernel_init=start)
        if self.body.variables.get(COLLECTION):
            asked = Spectral(weigh(name="asked"))(said, train)
        else:
            asked = weigh(name="asked")(said)
        return judged._replace(logit=judged.logit + (asked * judged.features).sum(-1))
