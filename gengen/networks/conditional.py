"""Networks that are told, or that tell, what an image is: wrappers around a body of any architecture."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.spectral import COLLECTION, Spectral

CONDITIONS = ("concatenated", "projection", "auxiliary")
"""How a critic can be concerned with labels."""


def check_classes(classes: int) -> None:
    """Refuses labels that say nothing.

    Raises:
      ValueError: `classes` is below 2.
    """
    if classes < 2:
        raise ValueError(f"classes={classes} must be at least 2")


def with_label_channel(image: jax.Array, label: jax.Array, classes: int) -> jax.Array:
    """Appends an embedding of the label to data as one more channel; part of a linen module.

    Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784, section 3.2.

    Args:
      image: [B, *S, C].
      label: [B], int32.
      classes: number of classes.

    Returns:
      Data [B, *S, C + 1].
    """
    channel = nn.Embed(classes, math.prod(image.shape[1:-1]), embedding_init=nn.initializers.normal(1.0))(label)
    return jnp.concatenate([image, channel.reshape(*image.shape[:-1], 1).astype(image.dtype)], -1)


class ConditionalGenerator(nn.Module):
    """Hands a generator latents that end in an embedding of the class.

    Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784, section 3.2. An embedding starts from N(0, 1), as latents
    do, so that neither drowns the other.

    Attributes:
      body: a generator `(latent [B, L + features], train) -> data [B, *shape]`.
      classes: number of classes.
      features: length of an embedding.
    """

    body: nn.Module
    classes: int
    features: int = 32

    @nn.compact
    def __call__(self, latent: jax.Array, label: jax.Array, train: bool) -> jax.Array:
        """Makes images of the classes asked for.

        Args:
          latent: [B, L].
          label: classes [B], int32.
          train: handed on to the body.

        Returns:
          Data [B, *shape], as the body makes them.

        Raises:
          ValueError: `classes` is below 2 or `features` below 1.
        """
        check_classes(self.classes)
        if self.features < 1:
            raise ValueError(f"features={self.features} must be at least 1")
        embedding = nn.Embed(self.classes, self.features, embedding_init=nn.initializers.normal(1.0))(label)
        made: jax.Array = self.body(jnp.concatenate([latent, embedding.astype(latent.dtype)], -1), train)
        return made


class ConditionalCritic(CriticNetwork):
    """Judges images together with their labels.

    Attributes:
      body: a critic `(data [B, ...], train) -> CriticOutput`.
      classes: number of classes.
      condition: how labels come in, one of `CONDITIONS`. "concatenated": an embedding of the label is one more channel
        of the image (Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784, section 3.2). "projection": the inner
        product of an embedding and the features is added to the logit (Miyato and Koyama 2018,
        https://arxiv.org/abs/1802.05637, eq. 3); the embeddings are spectrally normalised if weights of the body are.
        "auxiliary": nobody is told the label, and the code is the logits of the classes (Odena et al. 2017,
        https://arxiv.org/abs/1610.09585, section 3).
    """

    body: CriticNetwork
    classes: int
    condition: str

    @property
    def judges_alone(self) -> bool:
        """As the body does."""
        return self.body.judges_alone

    @property
    def allows_gradient_penalties(self) -> bool:
        """As the body does."""
        return self.body.allows_gradient_penalties

    @nn.compact
    def __call__(self, image: jax.Array, label: jax.Array, train: bool) -> CriticOutput:
        """Judges images and labels.

        Args:
          image: data [B, *S, C].
          label: classes [B], int32; "auxiliary" does not look at them.
          train: handed on to the body.

        Returns:
          The judgement; its code is logits of the classes [B, classes] if the condition is "auxiliary", else the
          body's. Where the condition is "projection", the logit is linear in the features for each class by itself.

        Raises:
          ValueError: `classes` is below 2 or the condition is unknown.
        """
        check_classes(self.classes)
        if self.condition not in CONDITIONS:
            raise ValueError(f'condition is one of {", ".join(CONDITIONS)}, not "{self.condition}"')
        seen = with_label_channel(image, label, self.classes) if self.condition == "concatenated" else image
        judged: CriticOutput = self.body(seen, train)
        if self.condition == "auxiliary":
            return judged._replace(code=Dense(self.classes)(judged.features))
        if self.condition == "projection":
            return judged._replace(logit=judged.logit + self._projection(judged.features, label, train))
        return judged

    def _projection(self, features: jax.Array, label: jax.Array, train: bool) -> jax.Array:
        # The sum over F products stays of the size of one feature.
        size = features.shape[-1]
        embed = nn.Embed(self.classes, size, embedding_init=nn.initializers.normal(1 / math.sqrt(size)))
        spectral = self.body.variables.get(COLLECTION)
        embedding = Spectral(embed, parameter="embedding")(label, train) if spectral else embed(label)
        return (embedding * features).sum(-1)


class RecognisingCritic(CriticNetwork):
    """Judges images and recognises the code that they were made from, by the same features.

    InfoGAN's Q, which shares all layers with D but the last: Chen et al. 2016, https://arxiv.org/abs/1606.03657,
    section 6. Its hidden layer and the slope of its leaky ReLU, 0.1, are those of appendix C, without the batch
    normalisation, which would let images of a batch influence each other.

    Attributes:
      body: a critic `(data [B, ...], train) -> CriticOutput`.
      outputs: numbers that describe the code.
      width: units of the hidden layer.
    """

    body: CriticNetwork
    outputs: int
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
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges data [B, ...]; the code of the judgement is [B, outputs].

        Raises:
          ValueError: `outputs` or `width` is below 1.
        """
        for name, value in (("outputs", self.outputs), ("width", self.width)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        judged: CriticOutput = self.body(image, train)
        hidden = nn.leaky_relu(Dense(self.width)(judged.features), 0.1)
        return judged._replace(code=Dense(self.outputs)(hidden))
