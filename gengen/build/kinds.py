"""Which data each builder can be used on; what is in none of these tables takes any shape and any values."""

from collections.abc import Callable, Mapping
from typing import Any

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature, plural
from gengen.losses import likelihood
from gengen.models import binarisation
from gengen.models.autoencoders import corruption
from gengen.models.autoencoders.vector_quantised import vector_quantised
from gengen.models.autoregressive import autoregressive
from gengen.models.diffusion.latent_diffusion import latent_diffusion
from gengen.models.diffusion.variational_diffusion import variational_diffusion
from gengen.models.gans import views
from gengen.models.gans.progressive import progressive
from gengen.models.gans.style_based import style_based
from gengen.models.translation.adaptation import adaptation
from gengen.models.translation.cogan import cogan
from gengen.models.translation.cyclegan import cyclegan
from gengen.models.translation.pix2pix import pix2pix
from gengen.networks import (
    biggan,
    classifier,
    coupled,
    dcgan,
    patchgan,
    pixelcnn,
    progan,
    r3gan,
    residual,
    resnet,
    stylegan,
    transformer,
    unet,
)
from gengen.networks.denoisers.denoising_unet import DenoisingUNet
from gengen.networks.denoisers.dit import DiT
from gengen.networks.flows import jet, pixel_spline, tarflow

FOR_PICTURES: frozenset[Callable[..., Any]] = frozenset(
    {
        *(dcgan.Generator, dcgan.Critic, dcgan.Encoder, dcgan.Decoder, residual.Encoder, residual.Decoder),
        *(coupled.Trunk, coupled.Head, coupled.Stem, unet.Translator, resnet.Translator, patchgan.Critic),
        *(transformer.Transformer, classifier.Classifier, r3gan.Generator, r3gan.Critic),
        *(progan.Generator, progan.Critic, progressive, biggan.Generator, biggan.Critic),
        *(stylegan.Mapping, stylegan.Generator, stylegan.Critic, style_based),
        *(tarflow.TarFlow, jet.Jet, pixel_spline.PixelSpline, pixelcnn.PixelCNN),
        *(DenoisingUNet, DiT),
        *(vector_quantised, latent_diffusion, pix2pix, cyclegan, cogan, adaptation, autoregressive),
        views.augmentation,
    }
)
"""Networks, models and views of pictures alone."""

FOR_BOUNDED: frozenset[Callable[..., Any]] = frozenset(
    {
        likelihood.bernoulli,
        corruption.masking,
        corruption.salt_and_pepper,
        binarisation.drawn_bits,
        binarisation.fixed_bits,
    }
)
"""What knows two ends of a range: black and white."""

FOR_WHOLE: frozenset[Callable[..., Any]] = frozenset({likelihood.discretised_logistic, variational_diffusion})
"""What gives each of a range of whole numbers a probability of its own."""


def check_fits(table: Mapping[str, Callable[..., Any]], name: str, said: str, signature: Signature) -> None:
    """Checks that a builder can be used on data.

    Args:
      table: builders by name.
      name: of the one that is asked for.
      said: where and how the config asks for it, such as "networks.generator.name='dcgan'".
      signature: of the data, and of a second data set beside them.

    Raises:
      Refusal: it cannot; the sentence says what it is for and what could be used instead.
    """
    for one in (signature, *([signature.second] if signature.second else [])):
        if name in table and (why := _complaint(table[name], one)):
            others = [other for other, builder in table.items() if not _complaint(builder, one)]
            raise Refusal(f"config.{said} is for {why}{f'; choose {_either(others)}' if others else ''}.")


def _complaint(builder: Callable[..., Any], signature: Signature) -> str:
    """What a builder is for and data are not; "" where they go together."""
    if builder in FOR_PICTURES and signature.kind != "picture":
        kind = plural(signature.kind)
        return f"pictures [height, width, channels], and {signature.name} holds {kind} {list(signature.shape)}"
    if builder in FOR_BOUNDED and not signature.fields["data"].bounded:
        return f"values between two bounds, and those of {signature.name} have none"
    if builder in FOR_WHOLE and not signature.levels:
        return f"whole numbers between two bounds, and those of {signature.name} are none"
    return ""


def _either(names: list[str]) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} or {last}" if most else last
