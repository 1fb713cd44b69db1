"""The composition root: config sections and explicit tables in, networks, optimizers and the model out."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from gengen.core.average import averaged
from gengen.core.model import Batch, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.transforms import scale_by_rate
from gengen.data.signature import Signature
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.infogan import infogan
from gengen.models.gans.terms import TERMS, Term
from gengen.models.gans.unrolled import unrolled
from gengen.models.gans.views import VIEWS, View
from gengen.networks import conditional, dcgan, mlp
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator

MODELS: Mapping[str, Callable[..., GenerativeModel]] = {
    "adversarial": adversarial,
    "infogan": infogan,
    "unrolled": unrolled,
}

NETWORKS: Mapping[str, Mapping[str, Callable[..., nn.Module]]] = {
    "generator": {"mlp": mlp.Generator, "dcgan": dcgan.Generator},
    "critic": {"mlp": mlp.Critic, "dcgan": dcgan.Critic},
}

SCHEDULES: Mapping[str, Callable[[float, int], Callable[[jax.Array], Any] | float]] = {
    "constant": lambda rate, steps: rate,
    "linear": lambda rate, steps: optax.linear_schedule(rate, 0.0, steps),
    "cosine": lambda rate, steps: optax.cosine_decay_schedule(rate, steps),
}

DTYPES = ("float32", "bfloat16")

CONDITIONS = {"generator": ("none", "embedding"), "critic": ("none", *conditional.CONDITIONS)}
"""How each network can be told a label."""


def adam(
    *, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, eps_root: float = 0.0
) -> optax.GradientTransformation:
    """Adam without its rate: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, Algorithm 1.

    `eps_root` is added below the root, whose derivative at 0 is infinite: who differentiates a move needs it above 0.
    """
    _check_shares(b1=b1, b2=b2)
    return optax.scale_by_adam(b1, b2, eps, eps_root)


def rmsprop(*, decay: float = 0.99, eps: float = 1e-8) -> optax.GradientTransformation:
    """RMSProp without its rate, its constants as in the WGAN authors' code; eps is added outside of the root."""
    _check_shares(decay=decay)
    return optax.scale_by_rms(decay, eps, eps_in_sqrt=False)


def sgd(*, momentum: float = 0.0) -> optax.GradientTransformation:
    """Stochastic gradient descent without its rate, with the momentum of Polyak 1964 if it is not 0."""
    _check_shares(momentum=momentum)
    return optax.trace(momentum) if momentum else optax.identity()


def _check_shares(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value} must lie in [0, 1)")


OPTIMIZERS: Mapping[str, Callable[..., optax.GradientTransformation]] = {"adam": adam, "rmsprop": rmsprop, "sgd": sgd}


def build_model(config: ConfigDict, signature: Signature) -> GenerativeModel:
    """Builds the model of a config for data of a signature.

    Args:
      config: sections `networks`, `model`, `optimizers` and `training`, all resolved.
      signature: shape and classes of the data.

    Raises:
      Refusal: a name is unknown, an argument is not one of the builder's, or a value is out of range.
    """
    shape = (signature.height, signature.width, signature.channels)
    classes = len(signature.classes)
    networks = {role: build_network(role, section, shape, classes) for role, section in config.networks.items()}
    optimizers = {
        player: build_optimizer(section, config.training.steps, f"optimizers.{player}")
        for player, section in config.optimizers.items()
    }
    section = dict(config.model)
    views = build_views(section.pop("views", {}))
    terms = build_terms(section.pop("terms", {}))
    model = _call(MODELS, section, "model", networks=networks, optimizers=optimizers, views=views, terms=terms)
    with _refusing(
        "networks"
    ):  # linen modules check their arguments when called: trace them before anything is written
        jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    average = config.training.average
    if not average.decay:
        return model
    with _refusing("training.average"):
        model = averaged(model, decay=average.decay, networks=average.networks)
        jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    return model


def build_network(role: str, section: ConfigDict, shape: tuple[int, int, int], classes: int = 0) -> nn.Module:
    """Builds the network of one role from its config section.

    Args:
      role: "generator" or "critic".
      section: `name` (one of `NETWORKS`) and its arguments, `dtype` (one of `DTYPES`) and `condition` (one of
        `CONDITIONS`), which is how the network is told a label.
      shape: height, width and channels of the images.
      classes: number of classes of the data; 0 where they have no labels.

    Raises:
      Refusal: something in the section is unknown or out of range, or there are no labels to tell.
    """
    path = f"networks.{role}"
    if role not in NETWORKS:
        raise Refusal(f"config.{path} is not known; networks are {', '.join(NETWORKS)}.")
    arguments = dict(section)
    dtype, condition = arguments.pop("dtype", "float32"), arguments.pop("condition", "none")
    for name, value, known in (("dtype", dtype, DTYPES), ("condition", condition, CONDITIONS[role])):
        if value not in known:
            raise Refusal(f"config.{path}.{name}={value!r} must be one of {', '.join(known)}.")
    given = {"dtype": jnp.dtype(dtype), **({"shape": shape} if role == "generator" else {})}
    network = _call(NETWORKS[role], arguments, path, **given)
    if condition == "none":
        return network
    if not classes:
        raise Refusal(f"config.{path}.condition={condition!r} needs data with labels, and these have none.")
    with _refusing(path):
        return (
            ConditionalGenerator(network, classes)
            if role == "generator"
            else ConditionalCritic(network, classes, condition)
        )


def build_views(sections: Mapping[str, ConfigDict]) -> list[View]:
    """Builds the views that are switched on, in the order of `VIEWS`.

    Args:
      sections: the arguments of each view, by its name.

    Raises:
      Refusal: a view or an argument is unknown or out of range.
    """
    path = "model.views"
    made = {name: _call(VIEWS, {"name": name, **section}, f"{path}.{name}") for name, section in sections.items()}
    return [made[name] for name in VIEWS if made.get(name)]


def judged_as_one(config: ConfigDict) -> int:
    """How many images the critic of a config judges as one; the batch of a device must be a multiple of it."""
    return math.prod(view.group for view in build_views(config.model.get("views", {})))


def build_terms(sections: Mapping[str, ConfigDict]) -> list[Term]:
    """Builds the terms whose weight is not 0.

    Raises:
      Refusal: a term or an argument is unknown or out of range.
    """
    terms: list[Term] = []
    for name, section in sections.items():
        if not 0 <= section["weight"] < math.inf:
            raise Refusal(f"config.model.terms.{name}.weight={section['weight']} must be a number of at least 0.")
        made = _call(TERMS, {"name": name, **section}, f"model.terms.{name}")
        terms += made if section["weight"] else ()
    return terms


def build_optimizer(section: ConfigDict, steps: int, path: str = "optimizers") -> optax.GradientTransformation:
    """Turns a config section into an optax chain.

    Args:
      section: `name` (one of `OPTIMIZERS`) and its arguments, `rate`, `schedule` (one of `SCHEDULES`), `clip_norm`
        (largest global norm of the gradients, 0 for none) and `accumulate` (batches averaged for one move).
      steps: length of the run, after which a schedule has come down to 0.
      path: where the section stands in the config, for messages.

    Raises:
      Refusal: something in the section is unknown or out of range.
    """
    arguments = dict(section)
    rate, schedule = arguments.pop("rate", 5e-5), arguments.pop("schedule", "constant")
    clip_norm, accumulate = arguments.pop("clip_norm", 0.0), arguments.pop("accumulate", 1)
    if schedule not in SCHEDULES:
        raise Refusal(f"config.{path}.schedule={schedule!r} must be one of {', '.join(SCHEDULES)}.")
    for name, value, least in (("rate", rate, 0), ("clip_norm", clip_norm, 0), ("accumulate", accumulate, 1)):
        if not least <= value < math.inf:
            raise Refusal(f"config.{path}.{name}={value} must be a number of at least {least}.")
    links = [optax.clip_by_global_norm(clip_norm)] if clip_norm else []
    links += [_call(OPTIMIZERS, arguments, path), scale_by_rate(SCHEDULES[schedule](rate, steps))]
    chain = optax.chain(*links)
    if accumulate == 1:
        return chain
    several = optax.MultiSteps(chain, accumulate)
    return optax.GradientTransformationExtraArgs(several.init, several.update)


def example_batch(signature: Signature, size: int = 1) -> Batch:
    """A batch of black images [size, H, W, C] with the keys, shapes and dtypes of the data's, to trace with."""
    batch: Batch = {"image": np.zeros((size, signature.height, signature.width, signature.channels), np.uint8)}
    if signature.classes:
        batch["label"] = np.zeros((size,), np.int32)
    return batch


def _call(table: Mapping[str, Callable[..., Any]], section: Mapping[str, Any], path: str, **given: Any) -> Any:
    """Calls the builder that `section["name"]` names with the section's other entries and what is given."""
    arguments = {key: value for key, value in section.items() if key != "name"}
    if section["name"] not in table:
        raise Refusal(f"config.{path}.name={section['name']!r} is unknown; choose one of {', '.join(table)}.")
    builder = table[section["name"]]
    taken = [name for name in inspect.signature(builder).parameters if name not in (*given, "parent", "name")]
    for name in arguments:
        if name not in taken:
            raise Refusal(
                f"config.{path}.{name} is not an argument of {section['name']!r}, which takes {', '.join(taken)}."
            )
    with _refusing(path):
        return builder(**arguments, **given)


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    """Turns a builder's complaint about a value into a sentence for the user."""
    try:
        yield
    except ValueError as error:
        raise Refusal(f"config.{path}: {error}.") from error
