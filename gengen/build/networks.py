"""Networks of the config section `networks`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import flax.linen as nn
import jax.numpy as jnp
from ml_collections import ConfigDict

from gengen.build.calls import Key, call, check_call, check_section, keys_of_call, refusing
from gengen.core.refusal import Refusal
from gengen.networks import (
    biggan,
    classifier,
    conditional,
    coupled,
    dcgan,
    mlp,
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
from gengen.networks.captioned import CaptionedCritic, CaptionedGenerator
from gengen.networks.coders import ConditionalEncoder
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.networks.critic import CriticNetwork
from gengen.networks.denoisers.denoising_mlp import DenoisingMLP
from gengen.networks.denoisers.denoising_unet import DenoisingUNet
from gengen.networks.denoisers.dit import DiT
from gengen.networks.denoisers.noise_schedule import NoiseSchedule
from gengen.networks.flows import glow, jet, maf, pixel_spline, realnvp, spline_flow, tarflow
from gengen.values import OneOf

NETWORKS: Mapping[str, Mapping[str, Callable[..., nn.Module]]] = {
    "generator": {
        "mlp": mlp.Generator,
        "dcgan": dcgan.Generator,
        "progan": progan.Generator,
        "stylegan": stylegan.Generator,
        "biggan": biggan.Generator,
        "r3gan": r3gan.Generator,
    },
    "mapping": {"stylegan": stylegan.Mapping},
    "critic": {
        "mlp": mlp.Critic,
        "dcgan": dcgan.Critic,
        "progan": progan.Critic,
        "stylegan": stylegan.Critic,
        "biggan": biggan.Critic,
        "r3gan": r3gan.Critic,
    },
    "category_critic": {"mlp": mlp.Critic},
    "latent_critic": {"mlp": mlp.Critic},
    "joint_critic": {"mlp": mlp.Critic},
    "encoder": {"mlp": mlp.Encoder, "dcgan": dcgan.Encoder, "residual": residual.Encoder},
    "decoder": {"mlp": mlp.Decoder, "dcgan": dcgan.Decoder, "residual": residual.Decoder},
    "upper_encoder": {"mlp": mlp.Encoder},
    "upper_decoder": {"mlp": mlp.Encoder},
    "prior": {"transformer": transformer.Transformer},
    "to_a": {"unet": unet.Translator, "resnet": resnet.Translator},
    "to_b": {"unet": unet.Translator, "resnet": resnet.Translator},
    "critic_a": {"patchgan": patchgan.Critic, "dcgan": dcgan.Critic},
    "critic_b": {"patchgan": patchgan.Critic, "dcgan": dcgan.Critic},
    "feature_critic": {"mlp": mlp.Critic},
    "classifier": {"convolutions": classifier.Classifier, "linear": classifier.Linear},
    "trunk": {"dcgan": coupled.Trunk},
    "head_a": {"dcgan": coupled.Head},
    "head_b": {"dcgan": coupled.Head},
    "stem_a": {"dcgan": coupled.Stem},
    "stem_b": {"dcgan": coupled.Stem},
    "flow": {
        "realnvp": realnvp.RealNVP,
        "glow": glow.Glow,
        "spline_flow": spline_flow.SplineFlow,
        "pixel_spline": pixel_spline.PixelSpline,
        "maf": maf.MAF,
        "tarflow": tarflow.TarFlow,
        "jet": jet.Jet,
    },
    "dequantiser": {"realnvp": realnvp.RealNVP, "glow": glow.Glow},
    "predictor": {"pixelcnn": pixelcnn.PixelCNN},
    "denoiser": {"unet": DenoisingUNet, "dit": DiT, "mlp": DenoisingMLP},
    "schedule": {"monotone": NoiseSchedule},
}
"""What each role can be played by; the bodies of the upper two map vectors to features.

What ends in _a and _b is of one of two domains, and belongs to it: "to_b" makes images of domain b.
"""

DTYPES = ("float32", "bfloat16")
"""What the operands of the networks' products may be."""

CONDITIONS = {
    "generator": ("none", "embedding", "text"),
    "mapping": ("none", "embedding"),
    "critic": ("none", *conditional.CONDITIONS, "text"),
    "encoder": ("none", "concatenated"),
    "decoder": ("none", "embedding"),
    "prior": ("none", "embedding"),
    "flow": ("none", "concatenated"),
    "predictor": ("none", "concatenated"),
    "denoiser": ("none", "embedding", "text"),
}
"""How each network can be told a label, or the text that is a caption; those that are not here cannot."""

TOLD = {"embedding": ConditionalGenerator.features, "text": CaptionedGenerator.features}
"""How many numbers are appended to the latents of a generator that is told something so."""

MAKES_IMAGES = ("generator", "decoder", "trunk", "head_a", "head_b", "flow", "dequantiser", "predictor", "denoiser")
"""Roles that are told the shape of an example."""

TRANSLATES = ("to_a", "to_b")
"""Roles that are told how many channels an image has, and make it as high and wide as what they are shown."""

SEES_DATA = ("generator", "encoder")
"""Roles that are told whether data lie in [-1, 1], where what works on data of any shape needs to know."""

TELLS_CLASSES = ("prior", "classifier", "flow", "dequantiser", "predictor", "denoiser")
"""Roles that are told how many classes there are."""


def check_network(role: str, section: Any, path: str) -> None:
    """Checks every value of the section of a network.

    Args:
      role: what should be one of `NETWORKS`.
      section: as in `build_network`.
      path: where it stands in the config, for messages.

    Raises:
      Refusal: something in the section is unknown or out of range.
    """
    if role not in NETWORKS:
        raise Refusal(f"config.{path} is not known; networks are {', '.join(NETWORKS)}.")
    check_section(section, path)
    if "dtype" in section:
        raise Refusal(f"config.{path}.dtype is not a key any more: config.training.precision is that of all networks.")
    check_call(NETWORKS[role], section, path, given=_given(role), beside=beside(role))


def keys_of_network(role: str, section: Mapping[str, Any], path: str) -> Iterator[Key]:
    """The keys of a section that `check_network` holds to be fine."""
    return keys_of_call(NETWORKS[role], section, path, beside=beside(role))


def beside(role: str) -> dict[str, Any]:
    """Annotations of keys of a role's section that are not its network's."""
    conditions = OneOf(CONDITIONS.get(role, ("none",)))
    return {"condition": Annotated[str, conditions, "how it is told a label or a text, or asked for one (auxiliary)"]}


def _given(role: str) -> set[str]:
    """Arguments of a role's network that do not come from its section."""
    roles = {"dtype": NETWORKS.keys() - {"classifier"}, "shape": MAKES_IMAGES, "channels": TRANSLATES}
    roles |= {
        "level": ("generator",),
        "classes": TELLS_CLASSES,
        "bounded": NETWORKS.keys(),
        "vocabulary": ("denoiser",),
        "told": ("generator",),
    }
    return {name for name, takers in roles.items() if role in takers}


def build_network(
    role: str,
    section: ConfigDict,
    shape: tuple[int, ...],
    classes: int = 0,
    numbers: int = 1,
    *,
    bounded: bool = True,
    words: int = 0,
    precision: str = "float32",
) -> nn.Module:
    """Builds the network of one role from its config section.

    Args:
      role: one of `NETWORKS`.
      section: `name` (one of its table) and its arguments, and `condition` (one of `CONDITIONS`), which is how the
        network is told a label.
      shape: of an example, such as the height, width and channels of a picture.
      classes: number of classes of the data; 0 where they have no labels.
      numbers: how many numbers a decoder gives for each channel.
      bounded: whether data lie in [-1, 1].
      words: how many words captions of the data are made of; 0 where they have none.
      precision: of its products, one of `DTYPES`; a classifier's is float32.

    Raises:
      Refusal: something in the section is unknown or out of range, or there are no labels to tell.
    """
    if precision not in DTYPES:
        raise Refusal(f"config.training.precision={precision!r} must be settled by now, as {' or '.join(DTYPES)}.")
    path = f"networks.{role}"
    check_network(role, section, path)
    arguments = dict(section)
    condition = arguments.pop("condition", "none")
    values = {
        "dtype": jnp.dtype(precision),
        "shape": (*shape[:-1], shape[-1] * (numbers if role == "decoder" else 1)),
        "channels": shape[-1],
        "level": None,
        "bounded": bounded and role in SEES_DATA,
        "classes": classes if role == "classifier" or condition not in ("none", "text") else 0,
        "vocabulary": words + 1 if condition == "text" else 0,
        "told": TOLD.get(condition, 0),
    }
    network: nn.Module = call(NETWORKS[role], arguments, path, **{name: values[name] for name in _given(role)})
    if condition == "text" and not words:
        raise Refusal(f"config.{path}.condition='text' needs data with captions, such as scenes, and these have none.")
    if condition == "none":
        return network
    if condition == "text":
        return _captioned(role, network, words + 1)
    if not classes:
        raise Refusal(f"config.{path}.condition={condition!r} needs data with labels, and these have none.")
    with refusing(path):
        return _conditional(role, network, classes, condition)


def _captioned(role: str, network: nn.Module, vocabulary: int) -> nn.Module:
    if isinstance(network, CriticNetwork):
        return CaptionedCritic(network, vocabulary)
    return CaptionedGenerator(network, vocabulary) if role == "generator" else network  # which knows its vocabulary


def _conditional(role: str, network: nn.Module, classes: int, condition: str) -> nn.Module:
    if role in TELLS_CLASSES:
        return network  # has been told how many classes there are
    if isinstance(network, CriticNetwork):
        return ConditionalCritic(network, classes, condition)
    if role == "encoder":
        return ConditionalEncoder(network, classes)
    return ConditionalGenerator(network, classes)
