"""What all denoisers share: what they are called with, and how they are told times, classes and texts."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.layers.dense import Dense
from gengen.networks.text_encoder import TextEncoder
from gengen.values import Depth, Positive, Size

FASTEST = 128.0
"""Radians per unit of time of the fastest wave: times 1/1,000 apart are told apart, and derivatives stay small."""


def waves_of(time: jax.Array, features: int, fastest: float = FASTEST) -> jax.Array:
    """Sines and cosines of times: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.5.

    Angular frequencies are spaced evenly by their logarithm from 1 to `fastest`. Times in [0, 1] under the frequencies
    of that paper, from 1 down to 1/10,000, would all have nearly the same features.

    Args:
      time: of each example in [0, 1], [n].
      features: number F of them, even.
      fastest: radians per unit of time of the fastest wave.

    Returns:
      [n, F], float32.
    """
    speeds = np.geomspace(1.0, fastest, features // 2, dtype=np.float32)
    angles = time.astype(jnp.float32)[:, None] * speeds[None]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


class Embedded(NamedTuple):
    """What a denoiser is told beside what it denoises.

    Attributes:
      vector: of all of it, [n, F].
      context: of each token of a text, [n, L, F]; None where there is none.
      present: which tokens there are, bool [n, L]; None where there is no text.
    """

    vector: jax.Array
    context: jax.Array | None = None
    present: jax.Array | None = None


class Embedding(nn.Module):
    """Makes vectors of times, and of a class or a text.

    Attributes:
      features: length F of the vectors.
      classes: number of classes K, of which label K says nothing; 0 where there are none.
      vocabulary: number of tokens, of which 0 fills up; 0 where there are no texts.
      layers: of the transformer that reads texts.
      fastest: radians per unit of time of the fastest wave.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    features: int
    classes: int = 0
    vocabulary: int = 0
    layers: int = 2
    fastest: float = FASTEST
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, time: jax.Array, told: Mapping[str, jax.Array] | None = None, span: jax.Array | None = None
    ) -> Embedded:
        """Embeds what is told of each example.

        Args:
          time: [n], in [0, 1].
          told: "label", int32 [n], where there are classes; "text", int32 [n, L], where there is a vocabulary. What is
            left out is not said.
          span: a second time [n]; None where there is none.
        """
        n = time.shape[0]
        vector = self._of_time(time, "time")
        if span is not None:
            vector = vector + self._of_time(span, "span")
        said = told or {}
        if self.classes:
            label = said.get("label", jnp.full((n,), self.classes, jnp.int32))
            table = nn.Embed(self.classes + 1, self.features, embedding_init=nn.initializers.normal(1.0), name="label")
            vector = vector + table(label)
        if not self.vocabulary:
            return Embedded(nn.silu(vector))
        text = said.get("text", jnp.zeros((n, 1), jnp.int32))
        read = TextEncoder(self.features, self.vocabulary, layers=self.layers, dtype=self.dtype, name="text")(text)
        return Embedded(nn.silu(vector + read.whole), read.tokens, read.present)

    def _of_time(self, time: jax.Array, name: str) -> jax.Array:
        hidden = Dense(self.features, dtype=self.dtype, name=f"{name}_in")(
            waves_of(time, self.features + self.features % 2, self.fastest)
        )
        return Dense(self.features, dtype=self.dtype, name=f"{name}_out")(nn.silu(hidden))


class Denoiser(nn.Module):
    """A network that is shown noisy data and the time, and says what a prediction makes of it.

    Subclasses define `__call__(x, time, told=None, span=None, keys=None, *, train)`. At first all that they say is 0.

    Attributes:
      shape: of an example.
      classes: number of classes K, of which label K says nothing; 0 where there are none.
      vocabulary: number of tokens, of which 0 fills up; 0 where there are no texts.
      embedding: length of the vectors that times, classes and texts become.
      reading: layers of the transformer that reads texts.
      fastest: radians per unit of time of the fastest wave that times become.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    shape: tuple[int, ...]
    classes: int = 0
    vocabulary: int = 0
    embedding: Size = 128
    reading: Depth = 2
    fastest: Positive = FASTEST
    dtype: Any = jnp.float32

    @property
    def size(self) -> int:
        """Numbers of an example."""
        return math.prod(self.shape)

    def embedded(self, time: jax.Array, told: Mapping[str, jax.Array] | None, span: jax.Array | None) -> Embedded:
        """What is told of each example; part of a compact method."""
        return Embedding(
            self.embedding, self.classes, self.vocabulary, self.reading, self.fastest, self.dtype, name="told"
        )(time, told, span)


def keys_at(keys: jax.Array | None, place: int, train: bool) -> jax.Array | None:
    """Keys [n] of the dropout of one place of a network; None where nothing is dropped."""
    return None if keys is None or not train else jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, place)
