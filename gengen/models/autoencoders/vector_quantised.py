"""The VQ-VAE: the code of an image is a map of symbols, and a prior over such maps is learned afterwards.

    autoencoder  w <- w - step of the gradient of  -log p(x | e) + beta |z - sg(e)|^2,  e the nearest vectors to z
    codebook     each vector follows the mean of the z that chose it
    prior        w <- w - step of the gradient of  -sum_t log p(e_t | e_0, ..., e_(t-1))   (from `prior_start` on)

van den Oord et al. 2017, https://arxiv.org/abs/1711.00937. z are the encoder's outputs and sg stops gradients.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel, Stage
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.objective import REDUCTIONS, Reduction, reduced
from gengen.models.conditioning import Conditioning, Labels, Nothing, completed
from gengen.networks.coders import ConditionalEncoder
from gengen.networks.conditional import ConditionalGenerator
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.codebook import (
    first_codebook,
    followed,
    nearest,
    perplexity,
    restarted,
    straight_through,
    vectors_of,
)
from gengen.networks.residual import MapCoder
from gengen.networks.transformer import CodePrior, draw_codes, log_probability
from gengen.values import Decay, Range, Size, Weight

CODEBOOK = "codebook"
"""Where the variables keep the codebook: a collection of its own name, beside the networks, without "params"."""


class VectorQuantised(NamedTuple):
    """The networks and the pure functions of both stages.

    Attributes:
      encoder: images [B, H, W, C] -> maps [B, h, w, D].
      decoder: maps [B, h, w, D] -> what the likelihood takes.
      over_codes: the prior.
      likelihood: p(x | z), or an error in its place.
      prior_start: step at which stage two begins.
      commitment: weight beta of the distance that the encoder feels.
      decay: share of the codebook's averages that a step keeps.
      restart: averaged count at or below which a code is restarted.
      reduction: "sum" or "mean" over the numbers of an image, its pixels as well as its map's.
    """

    encoder: MapCoder
    decoder: nn.Module
    over_codes: CodePrior
    likelihood: Likelihood
    prior_start: int
    commitment: float
    decay: float
    restart: float
    reduction: str

    @property
    def conditioning(self) -> Conditioning:
        """What the prior is told."""
        return Labels(self.over_codes.body.classes) if self.over_codes.body.classes else Nothing()

    def check(self) -> None:
        """Checks the values.

        Raises:
          ValueError: one is out of range, or the encoder or decoder is told a label.
        """
        numbers = {
            "codes": self.over_codes.codes,
            "dimension": self.encoder.dimension,
            "prior_start": self.prior_start,
        }
        for name, value in numbers.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        for name, share, end in (
            ("commitment", self.commitment, math.inf),
            ("decay", self.decay, 1),
            ("restart", self.restart, 1),
        ):
            if not 0 <= share < end:
                raise ValueError(f"{name}={share} must lie in [0, {end})")
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"reduction={self.reduction!r} must be one of {', '.join(REDUCTIONS)}")
        if isinstance(self.encoder.body, ConditionalEncoder) or isinstance(self.decoder, ConditionalGenerator):
            raise ValueError("networks.encoder.condition and networks.decoder.condition must be 'none': tell the prior")

    def sentence(self) -> str:
        """Says what is minimised, with all that lectures leave open."""
        over = "the sum" if self.reduction == "sum" else "the mean"
        return (
            f"minimises, in the mean over examples, the {self.likelihood.title} ({over} over values) + "
            f"{self.commitment:g} x the squared distance of the encoder's numbers from those of their codes ({over} "
            f"over the map); from step {self.prior_start:,} on, minus the log-likelihood of each code under the prior."
        )

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of the networks and of the codebook."""
        of_encoder, of_decoder, of_prior, of_codebook = jax.random.split(key, 4)
        image = batch["data"][:1]
        encoder = init_network(self.encoder, of_encoder, image)
        code = jax.eval_shape(lambda: eval_mode(self.encoder, encoder, image)).shape
        labels = (jnp.zeros((1,), jnp.int32),) if self.conditioning.conditions else ()
        return {
            "encoder": encoder,
            "decoder": init_network(self.decoder, of_decoder, jnp.zeros(code)),
            "prior": init_network(self.over_codes, of_prior, jnp.zeros(code[:3], jnp.int32), *labels),
            CODEBOOK: {CODEBOOK: first_codebook(of_codebook, self.over_codes.codes, code[3])},
        }

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """The images alone, for stage one."""
        del key, state
        return {"data": batch["data"]}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The error of the reconstruction and the encoder's distance from its codes; the codebook moves on."""
        point, of_encoder = train_mode(self.encoder, state.variables["encoder"], batch["data"])
        flat = point.reshape(-1, point.shape[-1])
        codebook, renewed = restarted(key, state.variables[CODEBOOK][CODEBOOK], flat, self.restart)
        chosen = nearest(codebook["vectors"], flat)
        quantised = vectors_of(codebook, chosen).reshape(point.shape)
        output, of_decoder = train_mode(self.decoder, state.variables["decoder"], straight_through(point, quantised))
        errors = -self.likelihood.log_probs(output, batch["data"])
        distances = jnp.square(point - quantised)
        codebook, usage = followed(codebook, flat, chosen, decay=self.decay)
        metrics = {
            "squared_error": mean_of(self.likelihood.squared_errors(output, batch["data"])),
            "commitment": mean_of(distances),
            "perplexity": mean_of(perplexity(usage)),
            "restarted": mean_of(renewed),
        }
        mutable = {"encoder": of_encoder, "decoder": of_decoder, CODEBOOK: {CODEBOOK: codebook}}
        apart = reduced(distances.reshape(len(distances), -1), self.reduction)
        return (reduced(errors, self.reduction) + self.commitment * apart).mean(), (metrics, mutable)

    def prepare_prior(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """The codes of the images and what the prior is told, for stage two."""
        condition = self.conditioning.of(local_keys(key, batch["data"].shape[0]), batch)
        return {"code": self._chosen(state.variables, batch["data"]), **condition}

    def prior_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The cross-entropy of the codes, nats for each."""
        del key
        inputs = self._inputs(batch["code"], batch)
        logits, of_prior = train_mode(self.over_codes, state.variables["prior"], *inputs)
        return -log_probability(logits, batch["code"]).mean(), ({}, {"prior": of_prior})

    def _inputs(self, code: jax.Array, condition: Batch) -> tuple[jax.Array, ...]:
        return (code, condition["label"]) if self.conditioning.conditions else (code,)

    def _chosen(self, variables: Variables, data: jax.Array) -> jax.Array:
        """The codes [n, h, w] of images, the networks as they are."""
        return nearest(variables[CODEBOOK][CODEBOOK]["vectors"], eval_mode(self.encoder, variables["encoder"], data))

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The maps [n, h, w, D] of images before they are quantised."""
        del key, condition
        maps: jax.Array = eval_mode(self.encoder, variables["encoder"], data)
        return maps

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The images [n, H, W, C] of maps [n, h, w, D], which are quantised first."""
        del key, condition
        codebook = variables[CODEBOOK][CODEBOOK]
        quantised = vectors_of(codebook, nearest(codebook["vectors"], latents))
        return self.likelihood.mean(eval_mode(self.decoder, variables["decoder"], quantised))

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws maps [n, h, w, D] of vectors; the i-th depends on the key, on i and on its condition alone."""
        condition = completed(self.conditioning, key, n, condition)
        keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(example_keys(key, n), 0)
        labels = (condition["label"],) if self.conditioning.conditions else ()
        code = draw_codes(self.over_codes, variables["prior"], keys, *labels)
        return vectors_of(variables[CODEBOOK][CODEBOOK], code)

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws images [n, H, W, C]; image i depends on the key, on i and on its condition alone."""
        return self.decode(key, variables, self.prior(key, variables, n, condition))

    def log_likelihood(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """A lower bound of log p(x), nats [n]: log p(x | z) + log p(z) of the codes z that the encoder chooses.

        p(x) is a sum over all maps of codes, of which this is one term; more samples would not change it.
        """
        del samples
        code = self._chosen(variables, data)
        condition = completed(self.conditioning, key, len(data), condition)
        logits = eval_mode(self.over_codes, variables["prior"], *self._inputs(code, condition))
        quantised = vectors_of(variables[CODEBOOK][CODEBOOK], code)
        output = eval_mode(self.decoder, variables["decoder"], quantised)
        return self.likelihood.log_probs(output, data).sum(-1) + log_probability(logits, code).sum((1, 2))


def vector_quantised(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    likelihood: Likelihood,
    prior_start: Annotated[int, Range(1, 2**31 - 1)],
    codes: Annotated[int, Range(2, 2**16)] = 512,
    dimension: Size = 64,
    commitment: Weight = 0.25,
    decay: Decay = 0.99,
    restart: Decay = 0.5,
    reduction: Reduction = "mean",
) -> GenerativeModel:
    """Builds a VQ-VAE.

    Args:
      networks: "encoder", images -> maps of features; "decoder", maps -> what the likelihood takes; "prior", a body
        that reads codes, and is told the class if it has classes.
      optimizers: of "autoencoder", which plays until `prior_start`, and of "prior", which plays from then on.
      likelihood: p(x | z), or an error in its place; the paper's is the squared error.
      prior_start: step at which encoder, decoder and codebook are done and the prior begins to learn.
      codes: number K of codes.
      dimension: length D of their vectors.
      commitment: beta of eq. 3.
      decay: gamma of appendix A.1.
      restart: averaged count, per batch, at or below which a code is replaced by an output of the encoder: Dhariwal et
        al. 2020, https://arxiv.org/abs/2005.00341; 0 replaces none that was ever chosen.
      reduction: "sum" or "mean" over the pixels of an image and the numbers of its map.

    Returns:
      A model that can `sample`, `encode`, `decode`, draw from its `prior` and bound its `log_likelihood`. Metrics are
      "squared_error" of a pixel in [-1, 1], "commitment", the squared distance of a number of the map from its code's,
      "perplexity" and "restarted", the numbers of codes in use and replaced; the prior's loss is in nats a code.

    Raises:
      ValueError: an argument is out of range, or the encoder or decoder is told a label.
    """
    bodies = MapCoder(networks["encoder"], dimension), networks["decoder"], CodePrior(networks["prior"], codes)
    game = VectorQuantised(*bodies, likelihood, prior_start, commitment, decay, restart, reduction)
    game.check()
    autoencoder = Player("autoencoder", ("encoder", "decoder"), optimizers["autoencoder"])
    prior = Player("prior", ("prior",), optimizers["prior"])

    return GenerativeModel(
        begin(game.init, (autoencoder, prior)),
        play((Turn("autoencoder", autoencoder, game.loss),), game.prepare),
        stages=(Stage(prior_start, play((Turn("prior", prior, game.prior_loss),), game.prepare_prior)),),
        sample=game.sample,
        conditions=game.conditioning.conditions,
        supervised="label" in game.conditioning.conditions,
        prior=game.prior,
        encode=game.encode,
        decode=game.decode,
        log_likelihood=game.log_likelihood if likelihood.proper else None,
        likelihood_of=likelihood.of,
        bound_by="codes",
        notes=game.sentence(),
    )
