"""Latent diffusion: an autoencoder makes small maps of pictures, and a diffusion model learns which maps there are.

    autoencoder  w <- w - step of the gradient of  -log p(x | z) + weight KL(q(z | x) || N(0, 1)),  z ~ q(z | x)
    denoiser     that of `diffusion` on z / deviation of the codes                (from `diffusion_start` on)

Rombach et al. 2022, https://arxiv.org/abs/2112.10752, sections 3.1 and 3.2 and appendix G, without the critic and the
features of their autoencoder. The diffusion is `gengen.models.diffusion.diffusion` as it is: any path, prediction,
network, sampler and guidance.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, Condition, GenerativeModel, Stage
from gengen.core.parallel import local_keys, replica_mean
from gengen.core.state import State, Variables
from gengen.losses.divergences import divergence_from_standard
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.objective import Reduction, reduced
from gengen.models.diffusion.diffusion import Diffusion
from gengen.models.diffusion.drawing import Drawing, sampler_of
from gengen.models.diffusion.weighting import LOG_RATIO, TIMES, WEIGHTINGS, LogRatio
from gengen.networks.coders import ConditionalEncoder, Gaussian
from gengen.networks.conditional import ConditionalGenerator
from gengen.networks.forward import eval_mode, init_network, run
from gengen.networks.residual import MapCoder
from gengen.samplers.predictions import PREDICTIONS
from gengen.samplers.probability_paths import PATHS, in_steps
from gengen.values import Count, OneOf, Range, Share, Size, Weight

MEASURED = 16
"""Batches, the first ones of the second stage, whose codes say what the deviation is; Rombach et al. take one."""

CODES = "codes"
"""Where the variables keep the moments of codes: a collection of its own name, beside the networks."""


def nothing_measured() -> dict[str, jax.Array]:
    """The moments of no codes: how many batches there were, and the means over them of a number and of its square."""
    return {name: jnp.zeros(()) for name in ("batches", "mean", "square")}


def measured(moments: dict[str, jax.Array], codes: jax.Array) -> dict[str, jax.Array]:
    """The moments with those of one more batch, unless there have been `MEASURED`; `AXIS` must be bound.

    Args:
      moments: before.
      codes: of this replica's part of the batch, [B, h, w, D].
    """
    found = replica_mean({"mean": codes.mean(), "square": jnp.square(codes).mean()})
    batches = moments["batches"] + 1
    after = {name: moments[name] + (found[name] - moments[name]) / batches for name in found} | {"batches": batches}
    return {name: jnp.where(moments["batches"] < MEASURED, after[name], moments[name]) for name in moments}


def deviation_of(moments: dict[str, jax.Array]) -> jax.Array:
    """The standard deviation [] of all numbers of the codes together, appendix G; 1 before any were seen."""
    variance = moments["square"] - jnp.square(moments["mean"])
    return jnp.where(moments["batches"] > 0, jnp.sqrt(jnp.maximum(variance, 1e-12)), 1.0)


class LatentDiffusion(NamedTuple):
    """The networks and the pure functions of both stages.

    Attributes:
      encoder: pictures [B, H, W, C] -> means and logarithms of variances [B, h, w, 2 D].
      decoder: codes [B, h, w, D] -> what the likelihood takes.
      diffusion: of codes that have a deviation of 1.
      likelihood: p(x | z), or an error in its place.
      divergence: weight of the divergence of q(z | x) from N(0, 1).
      reduction: "sum" or "mean" over the numbers of a picture.
    """

    encoder: MapCoder
    decoder: nn.Module
    diffusion: Diffusion
    likelihood: Likelihood
    divergence: float
    reduction: str

    def sentence(self, start: int) -> str:
        """Says what is minimised, with all that lectures leave open."""
        over = "the sum" if self.reduction == "sum" else "the mean"
        return (
            f"minimises, in the mean over examples, the {self.likelihood.title} ({over} over values) + "
            f"{self.divergence:g} x the divergence of codes from the standard normal distribution (the sum over "
            f"{self.diffusion.network.size} numbers); from step {start:,} on, the squared error of a prediction of "
            f"{self.diffusion.prediction} of codes, {self.diffusion.weighting} weighting."
        )

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of the networks, and moments of no codes."""
        of_encoder, of_decoder, of_denoiser = jax.random.split(key, 3)
        codes = jnp.zeros((len(batch["data"]), *self.diffusion.network.shape))
        return {
            "encoder": init_network(self.encoder, of_encoder, batch["data"][:1]),
            "decoder": init_network(self.decoder, of_decoder, codes[:1]),
            **self.diffusion.init(of_denoiser, {**batch, "data": codes}),
            CODES: {"moments": nothing_measured()},
        }

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """The pictures and the noise of their codes, for stage one."""
        del state
        return {"data": batch["data"], "noise": self._noise(local_keys(key, len(batch["data"])))}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The error of the reconstruction and the divergence, in nats of a picture."""
        del key
        law, of_encoder = self._law(state.variables, batch["data"], train=True)
        output, of_decoder = run(self.decoder, state.variables["decoder"], law.at(batch["noise"]), train=True)
        errors = -self.likelihood.log_probs(output, batch["data"])
        apart = divergence_from_standard(*law).reshape(len(errors), -1).sum(-1)
        metrics = {
            "squared_error": mean_of(self.likelihood.squared_errors(output, batch["data"])),
            "divergence": mean_of(apart),
        }
        value = (reduced(errors, self.reduction) + self.divergence * apart).mean()
        return value, (metrics, {"encoder": of_encoder, "decoder": of_decoder})

    def prepare_denoising(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """What the diffusion prepares of codes with a deviation of 1, and the moments they were scaled by."""
        of_codes, of_diffusion = jax.random.split(key)
        law, _ = self._law(state.variables, batch["data"])
        codes = law.at(self._noise(local_keys(of_codes, len(batch["data"]))))
        moments = measured(state.variables[CODES]["moments"], codes)
        scaled = {**batch, "data": codes / deviation_of(moments)}
        return {**self.diffusion.prepare(of_diffusion, state, scaled), "moments": moments}

    def denoising_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """That of the diffusion; the moments are carried on."""
        value, (metrics, mutable) = self.diffusion.loss(key, state, batch)
        metrics = {**metrics, "deviation": mean_of(deviation_of(batch["moments"]))}
        return value, (metrics, {**mutable, CODES: {"moments": batch["moments"]}})

    def _noise(self, keys: jax.Array) -> jax.Array:
        """Standard normal numbers [B, h, w, D] of keys [B]."""
        return jax.vmap(lambda key: jax.random.normal(key, self.diffusion.network.shape))(keys)

    def _law(self, variables: Variables, data: jax.Array, *, train: bool = False) -> tuple[Gaussian, Any]:
        """q(z | x), of [B, h, w, D], and what the encoder carries."""
        said, mutable = run(self.encoder, variables["encoder"], data, train=train)
        mean, log_variance = jnp.split(said, 2, -1)
        return Gaussian(mean, log_variance / 2), mutable

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The means of q(z | x), [n, h, w, D], as the encoder gives them, not scaled."""
        del key, condition
        return self._law(variables, data)[0].mean

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The pictures [n, H, W, C] of codes [n, h, w, D] that are not scaled."""
        del key, condition
        return self.likelihood.mean(eval_mode(self.decoder, variables["decoder"], latents))

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws codes [n, h, w, D]; the i-th depends on the key, on i and on its condition alone."""
        return self.diffusion.solved(key, variables, n, condition).end * deviation_of(variables[CODES]["moments"])

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws pictures [n, H, W, C]; picture i depends on the key, on i and on its condition alone."""
        return self.decode(key, variables, self.prior(key, variables, n, condition))

    def trajectory(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """What the codes on the way to those samples look like, [n, steps + 1, H, W, C]."""
        scaled = self.diffusion.solved(key, variables, n, condition).states * deviation_of(variables[CODES]["moments"])
        pictures = lax.map(lambda codes: self.decode(key, variables, codes), scaled)
        return jnp.moveaxis(pictures, 0, 1)


def latent_diffusion(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    likelihood: Likelihood,
    drawing: Drawing,
    diffusion_start: Annotated[int, Range(1, 2**31 - 1)],
    text: Condition | None = None,
    dimension: Size = 4,
    divergence: Weight = 1e-6,
    reduction: Reduction = "sum",
    path: Annotated[str, OneOf(PATHS)] = "linear",
    steps: Count = 0,
    prediction: Annotated[str, OneOf(PREDICTIONS)] = "velocity",
    times: Annotated[str, OneOf(TIMES)] = "uniform",
    log_ratio: LogRatio = LOG_RATIO,
    weighting: Annotated[str, OneOf(WEIGHTINGS)] = "simple",
    dropped: Share = 0.1,
) -> GenerativeModel:
    """Builds a diffusion model of the codes of an autoencoder.

    Args:
      networks: "encoder", pictures -> maps of features; "decoder", maps -> what the likelihood takes; "denoiser", of
        codes, which may be told the class or a text.
      optimizers: of "autoencoder", which plays until `diffusion_start`, and of "denoiser", which plays from then on.
      likelihood: p(x | z), or an error in its place.
      drawing: how samples are drawn.
      diffusion_start: step at which encoder and decoder are done and the denoiser begins to learn.
      text: what texts captions of the data can be; None where they have none.
      dimension: numbers D of a code at each place of its map.
      divergence: weight of the divergence of codes from N(0, 1), a sum over their numbers.
      reduction: "sum" or "mean" over the numbers of a picture.
      path: how codes become noise; "linear" is that of flow matching, "variance_preserving" that of DDPM.
      steps: how many times there are; 0 for all between 0 and 1.
      prediction, times, log_ratio, weighting, dropped: as in `Diffusion`.

    Returns:
      A model that can `sample`, show the `trajectory`, `encode`, `decode` and draw from its `prior`. Metrics are
      "squared_error" of a pixel in [-1, 1], "divergence" in nats, and "deviation", by which codes are divided before
      they are diffused.

    Raises:
      ValueError: the encoder or decoder is told a label, gives no maps, or samples would be drawn by leaps.
    """
    sampler_of(drawing)
    if isinstance(networks["encoder"], ConditionalEncoder) or isinstance(networks["decoder"], ConditionalGenerator):
        raise ValueError("networks.encoder.condition and networks.decoder.condition must be 'none': tell the denoiser")
    encoder = MapCoder(networks["encoder"], 2 * dimension)
    picture = jnp.zeros((1, *networks["denoiser"].shape))
    high, wide = jax.eval_shape(lambda: encoder.init_with_output(jax.random.key(0), picture, False))[0].shape[1:3]
    denoiser = networks["denoiser"].clone(shape=(high, wide, dimension))
    way = in_steps(PATHS[path], steps) if steps else PATHS[path]
    of_codes = Diffusion(denoiser, way, prediction, times, weighting, 1.0, dropped, drawing, False, 0, text, log_ratio)
    game = LatentDiffusion(encoder, networks["decoder"], of_codes, likelihood, divergence, reduction)
    return _played(game, optimizers, diffusion_start)


def _played(
    game: LatentDiffusion, optimizers: Mapping[str, optax.GradientTransformation], start: int
) -> GenerativeModel:
    """The model of two stages, the second of which begins at the step `start`."""
    autoencoder = Player("autoencoder", ("encoder", "decoder"), optimizers["autoencoder"])
    player = Player("denoiser", ("denoiser",), optimizers["denoiser"])
    denoising = play((Turn("denoiser", player, game.denoising_loss),), game.prepare_denoising)
    conditions = game.diffusion.conditioning.conditions
    return GenerativeModel(
        begin(game.init, (autoencoder, player)),
        play((Turn("autoencoder", autoencoder, game.loss),), game.prepare),
        stages=(Stage(start, denoising),),
        sample=game.sample,
        trajectory=game.trajectory,
        conditions=conditions,
        supervised="label" in conditions,
        prior=game.prior,
        encode=game.encode,
        decode=game.decode,
        notes=game.sentence(start),
    )
