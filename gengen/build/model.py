"""The composition root: config sections and explicit tables in, networks, optimizers and the model out."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.build.averages import taken_of, with_averages
from gengen.build.calls import Key, call, check_call, check_section, keys_of_call, parameters_of, refusing
from gengen.build.drawings import build_drawing, check_drawing, keys_of_drawing
from gengen.build.kinds import check_fits
from gengen.build.networks import NETWORKS, build_network, check_network, keys_of_network
from gengen.build.optimizers import build_optimizer, check_optimizer, keys_of_optimizer
from gengen.build.parts import PARTS, build_part, build_views, check_part, keys_of_part
from gengen.build.units import in_units
from gengen.core.model import Batch, Condition, Denoising, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.models.autoencoders.adversarial_autoencoder import adversarial_autoencoder
from gengen.models.autoencoders.autoencoder import autoencoder
from gengen.models.autoencoders.variational import variational
from gengen.models.autoencoders.vector_quantised import vector_quantised
from gengen.models.autoregressive import autoregressive
from gengen.models.binarisation import BINARISATIONS
from gengen.models.diffusion.diffusion import diffusion
from gengen.models.diffusion.latent_diffusion import latent_diffusion
from gengen.models.diffusion.one_step import one_step
from gengen.models.diffusion.variational_diffusion import variational_diffusion
from gengen.models.flows.normalising_flow import normalising_flow
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.bigan import bigan
from gengen.models.gans.infogan import infogan
from gengen.models.gans.progressive import progressive
from gengen.models.gans.style_based import style_based
from gengen.models.gans.unrolled import unrolled
from gengen.models.gans.views import VIEWS
from gengen.models.translation.adaptation import adaptation
from gengen.models.translation.cogan import cogan
from gengen.models.translation.cyclegan import cyclegan
from gengen.models.translation.pix2pix import pix2pix

MODELS: Mapping[str, Callable[..., GenerativeModel]] = {
    "adversarial": adversarial,
    "infogan": infogan,
    "unrolled": unrolled,
    "bigan": bigan,
    "progressive": progressive,
    "style_based": style_based,
    "adversarial_autoencoder": adversarial_autoencoder,
    "autoencoder": autoencoder,
    "variational": variational,
    "vector_quantised": vector_quantised,
    "normalising_flow": normalising_flow,
    "autoregressive": autoregressive,
    "diffusion": diffusion,
    "latent_diffusion": latent_diffusion,
    "one_step": one_step,
    "variational_diffusion": variational_diffusion,
    "pix2pix": pix2pix,
    "cyclegan": cyclegan,
    "cogan": cogan,
    "adaptation": adaptation,
}

GIVEN = ("networks", "optimizers", "classes", "levels", "bounded", "text", "drawing")
"""Arguments of models that do not come from the section `model`; of the data, "classes" is how many they have, "levels"
how many whole numbers one of theirs may be, "bounded" whether they lie in [-1, 1], and "text" the `Condition` of their
captions, None where there are none; "drawing" is the section `sampling`."""

SEE_LABELLED = ("semi_supervised", "label_aware")
"""Arguments of models which, where they are True, have a use for the images of `data.labelled`."""


def check_model(config: ConfigDict, prefix: str = "") -> None:
    """Checks every value of the sections `networks`, `model` and `optimizers`, without building anything.

    Args:
      config: what holds the three sections.
      prefix: of their paths, such as "adaptation.baseline.".

    Raises:
      Refusal: a name or an argument is unknown, an argument is missing, or a value is out of range.
    """
    for name in ("networks", "model", "optimizers"):
        check_section(config.get(name), f"{prefix}{name}")
    for role, section in config.networks.items():
        check_network(role, section, f"{prefix}networks.{role}")
    for player, section in config.optimizers.items():
        check_optimizer(section, f"{prefix}optimizers.{player}")
    path, model = f"{prefix}model", dict(config.model)
    check_call(MODELS, model, path, given=GIVEN)
    check_drawing(config.get("sampling"), f"{prefix}sampling", needed="drawing" in parameters_of(MODELS[model["name"]]))
    for name, section in model.items():
        if name in PARTS:
            check_part(name, section, f"{path}.{name}")


def keys_of_model(config: ConfigDict, prefix: str = "") -> Iterator[Key]:
    """The keys of three sections that `check_model` holds to be fine."""
    for role, section in config.networks.items():
        yield from keys_of_network(role, section, f"{prefix}networks.{role}")
    path = f"{prefix}model"
    yield from keys_of_call(MODELS, config.model, path)
    for name, section in config.model.items():
        if name in PARTS:
            yield from keys_of_part(name, section, f"{path}.{name}")
    for player, section in config.optimizers.items():
        yield from keys_of_optimizer(section, f"{prefix}optimizers.{player}")
    if "sampling" in config:
        yield from keys_of_drawing(config.sampling, f"{prefix}sampling")


def check_labelled(config: ConfigDict) -> None:
    """Checks that a model has a use for labels that are kept for it alone.

    Raises:
      Refusal: it has none.
    """
    uses = [name for name in SEE_LABELLED if name in config.model]
    if config.data.get("labelled", 0) and not any(config.model[name] for name in uses):
        others = f"set config.model.{' or config.model.'.join(uses)} to True, or it to 0" if uses else "set it to 0"
        raise Refusal(
            f"config.data.labelled={config.data.labelled} are images that this model has no use for: {others}."
        )


def build_model(config: ConfigDict, signature: Signature, worse: Denoising | None = None) -> GenerativeModel:
    """Builds the model of a config for data of a signature.

    Args:
      config: sections `networks`, `model`, `optimizers` and `training`, all resolved, `training.precision`, too.
      signature: shape and classes of the data.
      worse: a weaker model that samples are guided away from; None for none.

    Raises:
      Refusal: a name is unknown, an argument is not one of the builder's, a value is out of range, or a network is told
        labels that the data hide.
    """
    model = _assembled(config, signature, worse)
    # Linen modules check their arguments when called: trace them before anything is written.
    with refusing("networks"):
        jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    if not taken_of(config.training.average):
        return model
    model = _averaging(model, config)
    with refusing("training.average"):
        jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    return model


def rebuilt_model(config: ConfigDict, signature: Signature) -> GenerativeModel:
    """What `build_model` returns for what it has accepted before, with no more work than that takes."""
    return _averaging(_assembled(config, signature), config)


def _averaging(model: GenerativeModel, config: ConfigDict) -> GenerativeModel:
    """The model with the averages that a config asks for."""
    with refusing("training.average"):
        return with_averages(model, config.training.average)


def _assembled(config: ConfigDict, signature: Signature, worse: Denoising | None = None) -> GenerativeModel:
    section, data = dict(config.model), signature.fields["data"]
    event = {"rank": len(data.shape), "bounded": data.bounded, "levels": signature.levels}
    parts = {name: build_part(name, section.pop(name), **event) for name in PARTS if name in section}
    numbers = parts["likelihood"].numbers if "likelihood" in parts else 1
    classes = len(signature.classes)
    _check_labels(config, signature)
    _check_kinds(config, signature)
    shapes = _shapes(signature, parts)
    text = text_of(signature)
    alike = {"bounded": data.bounded, "precision": config.training.get("precision", "float32")}
    alike |= {"words": len(text.words) if text else 0}
    networks = {
        role: build_network(role, arguments, shapes.get(role[-2:], data.shape), classes, numbers, **alike)
        for role, arguments in config.networks.items()
    }
    optimizers = {
        player: build_optimizer(arguments, config.training.steps, f"optimizers.{player}")
        for player, arguments in config.optimizers.items()
    }
    given = {"networks": networks, "optimizers": optimizers, "classes": classes, "levels": signature.levels}
    given |= {"bounded": data.bounded, "text": text}
    if "sampling" in config:
        given["drawing"] = build_drawing(config.sampling, worse=worse)
    model: GenerativeModel = call(MODELS, section, "model", **given, **parts)
    return in_units(model, signature)


def text_of(signature: Signature) -> Condition | None:
    """What samples of a model of such data can be told in words; None where the data have no captions."""
    field = signature.text
    return Condition(words=field.words, length=field.shape[0], texts=field.texts) if field else None


def _shapes(signature: Signature, parts: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of the images of two domains, by the endings of their networks' names; none where there is one domain."""
    shapes: dict[str, tuple[int, ...]] = {}
    if "pairing" in parts:
        with refusing("model.pairing"):
            shapes = parts["pairing"].shapes(signature.shape, signature.paired)
    elif signature.second:
        shapes = {"a": signature.shape, "b": signature.second.shape}
    return {f"_{name}": shape for name, shape in shapes.items()}


def _check_kinds(config: ConfigDict, signature: Signature) -> None:
    """Refuses what cannot be used on such data."""
    model = config.model
    check_fits(MODELS, model.name, f"model.name={model.name!r}", signature)
    for role, section in config.networks.items():
        check_fits(NETWORKS.get(role, {}), section.name, f"networks.{role}.name={section.name!r}", signature)
    for part in ("likelihood", "corruption"):
        if part in model:
            check_fits(PARTS[part], model[part].name, f"model.{part}.name={model[part].name!r}", signature)
    for view in build_views(model.get("views", {})):
        check_fits(VIEWS, view.name, f"model.views.{view.name}", signature)
    if "binarisation" in model:
        check_fits(BINARISATIONS, model.binarisation, f"model.binarisation={model.binarisation!r}", signature)


def _check_labels(config: ConfigDict, signature: Signature) -> None:
    conditional = [role for role, arguments in config.networks.items() if arguments.get("condition", "none") != "none"]
    if conditional and "labelled" in signature.counts:
        role = conditional[0]
        raise Refusal(
            f"config.data.labelled={signature.counts['labelled']} hides the labels of all other images, which "
            f"config.networks.{role}.condition={config.networks[role].condition!r} needs; set one to 0 or 'none'."
        )


def judged_as_one(config: ConfigDict) -> int:
    """How many images the critic of a config judges as one; the batch of a device must be a multiple of it."""
    return math.prod(view.group for view in build_views(config.model.get("views", {})))


def example_batch(signature: Signature, size: int = 1) -> Batch:
    """A batch of zeros with the keys, shapes [size, *shape] and dtypes of the data's, to trace with."""

    def zeros(signature: Signature, *names: str) -> Batch:
        fields = {name: signature.fields[name] for name in names if name in signature.fields}
        return {name: np.zeros((size, *field.shape), field.dtype) for name, field in fields.items()}

    if "labelled" in signature.counts:  # two streams, of which one has no labels
        batch = {**zeros(signature, "data", "text"), "labelled": zeros(signature, "data", "label")}
    else:
        batch = zeros(signature, "data", "label", "text")
    if signature.second:  # a stream without labels, and no pairs beside it
        return {**batch, "second": zeros(signature.second, "data")}
    return batch | zeros(signature, "paired")
