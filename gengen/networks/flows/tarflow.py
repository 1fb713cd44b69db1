"""TarFlow: causal transformers over patches, which are read forwards and backwards in turn.

Zhai et al. 2024, https://arxiv.org/abs/2412.06329.
"""

from typing import Annotated

import jax

from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Mapped
from gengen.networks.bijectors.causal import Causal, standardising
from gengen.networks.bijectors.patches import Patches, PatchReader, patches_of
from gengen.networks.transformer import Transformer
from gengen.values import OneOf, Range, Repeats, Size, Weight

SAMPLINGS = ("parallel", "sequential")
"""How patches are found from latents: all at once, again and again until nothing moves, or one after the other."""


class TarFlow(FlowNetwork):
    """A TarFlow.

    Attributes:
      patch: height and width of a patch, which must divide those of a picture.
      width: numbers at a patch in a transformer.
      heads: of attention; they must divide the width.
      layers: of each transformer.
      blocks: transformers; every second one reads the patches backwards.
      sampling: "sequential", patch by patch, with the keys and values of those before remembered; or "parallel", all
        patches at once, again and again until nothing moves by more than the tolerance, at the most as often as there
        are patches, after which nothing can: Jacobi's iteration. Both give the same samples.
      tolerance: of "parallel", as a share of 1 and of each number.
    """

    patch: Size = 4
    width: Size = 64
    heads: Size = 4
    layers: Annotated[int, Range(1, 100)] = 2
    blocks: Repeats = 4
    sampling: Annotated[str, OneOf(SAMPLINGS)] = "parallel"
    tolerance: Weight = 1e-5

    def setup(self) -> None:
        """Lays the layers out."""
        length, _ = patches_of(self.shape, self.patch)
        body = Transformer(self.width, self.heads, self.layers, dtype=self.dtype)
        body.check()
        transform, window = standardising(), length if self.sampling == "parallel" else 1
        layers: list[Bijector] = [Patches(self.shape, self.patch)]
        for place in range(self.blocks):
            reader = PatchReader(body.clone(), length, transform.numbers, dtype=self.dtype)
            layers.append(Causal(reader, transform, place % 2 == 1, window, self.tolerance))
        self.chain = Chain(layers)
        self.counts = (length, self.size // length)

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        z, log_det = self.chain.encode(x, context)
        return z.reshape(len(x), -1), log_det

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.decode(z.reshape(len(z), *self.counts), context)
