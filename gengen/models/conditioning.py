"""What samples are told to be: labels or texts of the data, or codes that an InfoGAN makes up.

Each is an answer to four questions that the game asks: what the condition of an example is, what it is when nobody
says, and what generator and critic see of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.core.model import Batch, Condition
from gengen.core.parallel import example_keys
from gengen.networks.coders import ConditionalEncoder
from gengen.networks.conditional import ConditionalGenerator


class Conditioning(Protocol):
    """What samples are told. Conditions are dicts of arrays [B, ...] by the names of `conditions`."""

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """What samples can be told to be, by name."""

    def of(self, keys: jax.Array, batch: Batch) -> Batch:
        """The condition of each example of a batch; keys [B] are drawn from if the data do not say."""

    def drawn(self, keys: jax.Array) -> Batch:
        """A condition for each of the keys [B], uniformly."""

    def latent_inputs(self, latent: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """The generator's inputs."""

    def data_inputs(self, image: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """The critic's inputs."""


class Nothing(NamedTuple):
    """Samples are told nothing."""

    conditions: Mapping[str, Condition] = MappingProxyType({})

    def of(self, keys: jax.Array, batch: Batch) -> Batch:
        """No condition."""
        del keys, batch
        return {}

    def drawn(self, keys: jax.Array) -> Batch:
        """No condition."""
        del keys
        return {}

    def latent_inputs(self, latent: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """The latents alone."""
        del condition
        return (latent,)

    def data_inputs(self, image: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """The images alone."""
        del condition
        return (image,)


class Labels(NamedTuple):
    """Samples are told a class of the data: Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784.

    In training a sample has the label of the example at its place, so that classes are as frequent as in the data.

    Attributes:
      classes: number of classes.
    """

    classes: int

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """The label."""
        return {"label": Condition(classes=self.classes)}

    def of(self, keys: jax.Array, batch: Batch) -> Batch:
        """The labels of the batch [B]."""
        del keys
        return {"label": batch["label"]}

    def drawn(self, keys: jax.Array) -> Batch:
        """A label for each key, all classes alike."""
        return {"label": jax.vmap(lambda key: jax.random.randint(key, (), 0, self.classes))(keys)}

    def latent_inputs(self, latent: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """Latents and labels."""
        return latent, condition["label"]

    def data_inputs(self, image: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """Images and labels."""
        return image, condition["label"]


class Texts(NamedTuple):
    """Samples are told a text: Reed et al. 2016, https://arxiv.org/abs/1605.05396.

    In training a sample has the text of the example at its place. A row of zeros is a text that says nothing.

    Attributes:
      text: what texts there can be.
    """

    text: Condition

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """The text."""
        return {"text": self.text}

    def of(self, keys: jax.Array, batch: Batch) -> Batch:
        """The texts of the batch, int32 [B, L]."""
        del keys
        return {"text": batch["text"]}

    def drawn(self, keys: jax.Array) -> Batch:
        """For each key one of the known texts of the training data, all alike; zeros where none is known."""
        known = self.known
        return {"text": known[jax.vmap(lambda key: jax.random.randint(key, (), 0, len(known)))(keys)]}

    def nothing(self, n: int) -> Batch:
        """What says nothing to n samples."""
        return {"text": jnp.zeros((n, self.text.length), jnp.int32)}

    def latent_inputs(self, latent: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """Latents and texts."""
        return latent, condition["text"]

    def data_inputs(self, image: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """Images and texts."""
        return image, condition["text"]

    @property
    def known(self) -> jax.Array:
        """The known texts, int32 [T, L]; one that says nothing where none is known."""
        words, length = self.text.words, self.text.length
        rows = [[words.index(word) + 1 for word in text.split()] for text in self.text.texts] or [[]]
        return jnp.array([row + [0] * (length - len(row)) for row in rows], jnp.int32)


class Codes(NamedTuple):
    """Samples are told codes of no meaning yet: Chen et al. 2016, https://arxiv.org/abs/1606.03657, section 5.

    Attributes:
      categories: number K of values of the category, all alike; at least 2.
      continuous: how many numbers, uniform in [-1, 1].
    """

    categories: int
    continuous: int

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """The category and the continuous codes."""
        numbers = {"continuous": Condition(size=self.continuous)} if self.continuous else {}
        return {"category": Condition(classes=self.categories), **numbers}

    def of(self, keys: jax.Array, batch: Batch) -> Batch:
        """Drawn: the data have no codes."""
        del batch
        return self.drawn(keys)

    def drawn(self, keys: jax.Array) -> Batch:
        """Codes for each key."""

        def one(key: jax.Array) -> Batch:
            category, numbers = jax.random.split(key)
            codes = {"category": jax.random.randint(category, (), 0, self.categories)}
            if self.continuous:
                codes["continuous"] = jax.random.uniform(numbers, (self.continuous,), minval=-1.0)
            return codes

        return jax.vmap(one)(keys)

    def latent_inputs(self, latent: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """Latents [B, L], the category as one of K and the numbers, in one row [B, L + K + C]."""
        category = jax.nn.one_hot(condition["category"], self.categories)
        numbers = [condition["continuous"]] if self.continuous else []
        return (jnp.concatenate([latent, category, *numbers], axis=1),)

    def data_inputs(self, image: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        """The images alone: the critic has to find the codes."""
        del condition
        return (image,)

    def read(self, code: jax.Array) -> dict[str, jax.Array]:
        """What a recognising critic's code [B, K + C] says: the category's log-probabilities and the numbers' means."""
        category = jax.nn.log_softmax(code[:, : self.categories])
        return {"category": category} | ({"continuous": code[:, self.categories :]} if self.continuous else {})


def conditioning_of(decoder: nn.Module, encoder: nn.Module) -> Conditioning:
    """What an autoencoder is told, as its networks say.

    Raises:
      ValueError: only one of them is told the label.
    """
    asks = isinstance(decoder, ConditionalGenerator), isinstance(encoder, ConditionalEncoder)
    if asks[0] != asks[1]:
        raise ValueError("networks.encoder.condition and networks.decoder.condition must both be 'none', or neither")
    return Labels(decoder.classes) if isinstance(decoder, ConditionalGenerator) else Nothing()


def completed(conditioning: Conditioning, key: jax.Array, n: int, condition: Batch | None) -> Batch:
    """The condition of n examples: what is given, and the rest drawn by the key."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(example_keys(key, n), 1)
    return {**conditioning.drawn(keys), **(condition or {})}
