"""Codes are scaled by what was seen of them, each stage has a loss of its own, and samples are decoded codes."""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.losses.likelihood import squared_error
from gengen.models.diffusion.diffusion import Diffusion
from gengen.models.diffusion.drawing import Drawing
from gengen.models.diffusion.latent_diffusion import (
    CODES,
    MEASURED,
    LatentDiffusion,
    deviation_of,
    latent_diffusion,
    measured,
    nothing_measured,
)
from gengen.networks.coders import ConditionalEncoder
from gengen.networks.denoisers.denoiser import Denoiser
from gengen.networks.forward import eval_mode
from gengen.networks.residual import Decoder, Encoder, MapCoder
from gengen.samplers.probability_paths import PATHS
from gengen.samplers.samplers import heun
from tests.contract import sgd
from tests.units import scaled

SHAPE, CODE, SIZE = (4, 4, 1), (2, 2, 3), 8
ENCODER = Encoder(6, halvings=1, blocks=1, hidden=4)
DECODER = Decoder(SHAPE, 6, halvings=1, blocks=1, hidden=4)
POINT = np.random.default_rng(3).normal(size=CODE).astype(np.float32)


class Sure(Denoiser):
    """Knows that all data are one point, whatever it is shown: the exact mean of such data."""

    @nn.compact
    def __call__(self, x, time, told=None, span=None, keys=None, *, train):
        del time, told, span, keys, train
        assert self.shape == CODE, "it makes codes, and was built for pictures"
        return jnp.broadcast_to(POINT + self.param("error", nn.initializers.zeros, ()), x.shape)


def build(networks=None, **arguments):
    return latent_diffusion(
        networks={"encoder": ENCODER, "decoder": DECODER, "denoiser": Sure(shape=SHAPE), **(networks or {})},
        optimizers={"autoencoder": sgd(), "denoiser": sgd()},
        **{
            "likelihood": squared_error(rank=3),
            "drawing": Drawing(heun(calls=5)),
            "diffusion_start": 5,
            "dimension": CODE[-1],
            "prediction": "data",
            **arguments,
        },
    )


def game(**arguments):
    way = Drawing(heun(calls=5))
    of_codes = Diffusion(Sure(shape=CODE), PATHS["linear"], "data", "uniform", "simple", 1.0, 0.0, way, False, 0)
    own = {"divergence": 0.25, "reduction": "sum", **arguments}
    return LatentDiffusion(MapCoder(ENCODER, 2 * CODE[-1]), DECODER, of_codes, squared_error(rank=3), **own)


def batch():
    return {"data": scaled(np.random.default_rng(0).integers(0, 256, (SIZE, *SHAPE), np.uint8))}


@functools.cache
def variables():
    return jax.device_get(jax.jit(game().init)(jax.random.key(0), batch()))


def state():
    return State(jnp.zeros((), jnp.int32), variables(), {})


def over_replicas(function, *arguments):
    """What each of two replicas makes of its half of the last argument."""
    *same, whole = arguments
    halves = jax.tree.map(lambda leaf: leaf.reshape(2, -1, *leaf.shape[1:]), whole)
    return jax.vmap(function, in_axes=(*(None,) * len(same), 0), axis_name=AXIS)(*same, halves)


def test_codes_of_the_first_batches_have_a_deviation_of_1_and_later_ones_are_scaled_alike():
    rng = np.random.default_rng(1)
    seen = 5 * rng.normal(size=(MEASURED + 3, 4, *CODE)).astype(np.float32) + 2
    seen[MEASURED:] *= 10
    moments = nothing_measured()
    assert deviation_of(moments) == 1, "before there were any"
    look = jax.jit(functools.partial(over_replicas, measured))
    for codes in seen:
        moments = jax.tree.map(lambda leaf: leaf[0], look(moments, codes))
    np.testing.assert_allclose((seen[:MEASURED] / deviation_of(moments)).std(), 1, rtol=1e-5)


def test_the_denoiser_is_shown_codes_with_the_encoders_noise_at_a_deviation_of_1():
    look = jax.jit(functools.partial(over_replicas, game().prepare_denoising))
    shown = look(jax.random.key(1), state(), batch())
    codes, deviation = np.asarray(shown["data"]), float(deviation_of(shown["moments"])[0])
    np.testing.assert_allclose(codes.std(), 1, rtol=1e-5)
    mean, log_variance = np.split(eval_mode(game().encoder, variables()["encoder"], batch()["data"]), 2, -1)
    noise = (codes.reshape(mean.shape) * deviation - mean) * np.exp(-log_variance / 2)
    assert abs(noise.mean()) < 4 * noise.size**-0.5
    assert abs(noise.std() - 1) < 4 * (2 * noise.size) ** -0.5


def test_a_loss_of_the_denoiser_carries_the_moments_on_that_codes_were_scaled_by():
    moments = {"batches": jnp.ones(()), "mean": jnp.ones(()), "square": jnp.full((), 5.0)}
    codes, time = np.zeros((SIZE, *CODE), np.float32), np.full(SIZE, 0.5, np.float32)
    shown = {"data": codes, "noise": codes, "time": time, "told": {}, "keys": None, "moments": moments}
    value, (metrics, mutable) = game().denoising_loss(jax.random.key(2), state(), shown)
    assert float(value) == pytest.approx(np.square(POINT).mean(), rel=1e-5)  # codes are 0, and it is sure of the point
    assert mutable == {CODES: {"moments": moments}}
    assert float(metrics["deviation"].value) == pytest.approx(2)


@pytest.mark.parametrize(("reduction", "pixels"), [("sum", 1), ("mean", 1 / 16)])
def test_stage_one_weighs_the_error_of_a_picture_against_the_divergence_of_its_code(reduction, pixels):
    one = game(reduction=reduction)
    noise = np.random.default_rng(4).normal(size=(SIZE, *CODE)).astype(np.float32)
    value, (metrics, _) = one.loss(jax.random.key(2), state(), {**batch(), "noise": noise})
    mean, log_variance = np.split(eval_mode(one.encoder, variables()["encoder"], batch()["data"]), 2, -1)
    output = eval_mode(DECODER, variables()["decoder"], mean + np.exp(log_variance / 2) * noise)
    error = np.square(np.tanh(output) - batch()["data"]).sum((1, 2, 3)) * pixels
    apart = (mean**2 + np.exp(log_variance) - 1 - log_variance).sum((1, 2, 3)) / 2
    assert float(value) == pytest.approx(float((error + 0.25 * apart).mean()), rel=1e-5)
    assert float(metrics["divergence"].value) == pytest.approx(float(apart.mean()), rel=1e-5)


def test_a_sample_is_the_picture_of_what_was_diffused_times_the_deviation():
    """The diffusion's data are one point, which its sampler then reaches, whatever the noise."""
    moments = {"batches": jnp.ones(()), "mean": jnp.zeros(()), "square": jnp.full((), 9.0)}
    known = {**variables(), CODES: {"moments": moments}}
    model = build()
    drawn = jax.jit(lambda key: model.sample(key, known, 2))(jax.random.key(5))
    expected = np.tanh(eval_mode(DECODER, variables()["decoder"], 3 * POINT[None]))
    np.testing.assert_allclose(drawn, np.repeat(expected, 2, 0), atol=1e-5)
    assert not np.allclose(expected, np.tanh(eval_mode(DECODER, variables()["decoder"], POINT[None])), atol=1e-3)


def test_codes_of_data_are_the_encoders_means_and_decode_takes_them_as_they_are():
    model = build()
    codes = model.encode(jax.random.key(0), variables(), batch()["data"])
    mean, _ = np.split(eval_mode(game().encoder, variables()["encoder"], batch()["data"]), 2, -1)
    np.testing.assert_allclose(codes, mean, rtol=1e-6)
    expected = np.tanh(eval_mode(DECODER, variables()["decoder"], mean))
    np.testing.assert_allclose(model.decode(jax.random.key(0), variables(), codes), expected, rtol=1e-5)


def test_it_says_what_is_minimised_and_from_when_on():
    notes = build(divergence=0.5).notes
    assert (
        f"0.5 x the divergence of codes from the standard normal distribution (the sum over {math.prod(CODE)}" in notes
    )
    assert "from step 5 on" in notes


def test_only_the_denoiser_is_told_what_a_picture_shows():
    with pytest.raises(ValueError, match="tell the denoiser"):
        build({"encoder": ConditionalEncoder(ENCODER, 3)})
