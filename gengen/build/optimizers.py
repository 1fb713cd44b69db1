"""Optimizers of the config section `optimizers`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from gengen.build.calls import Key, call, check_call, keys_of_call
from gengen.core.transforms import scale_by_rate
from gengen.values import Decay, OneOf, Positive, Range, Weight

RATE_SCHEDULES: Mapping[str, Callable[[float, int], Callable[[jax.Array], Any] | float]] = {
    "constant": lambda rate, steps: rate,
    "linear": lambda rate, steps: optax.linear_schedule(rate, 0.0, steps),
    "cosine": lambda rate, steps: optax.cosine_decay_schedule(rate, steps),
    "quarter": lambda rate, steps: optax.cosine_decay_schedule(rate, steps, 0.25),
    "late": lambda rate, steps: optax.linear_schedule(rate, 0.0, steps - steps // 2, steps // 2),
    "rounds": lambda rate, steps: optax.piecewise_constant_schedule(rate, _rounds(steps)),
}
"""How a learning rate changes: `(first rate, steps) -> rate`, of a step where it is not constant."""

RATE = 5e-5
"""The learning rate of a section that names none."""

ROUNDS = 8


def _rounds(steps: int) -> dict[int, float]:
    """Steps at which the rate falls by 10^(1/7): `ROUNDS` rounds, each three times as long as the one before.

    Burda et al. 2016, https://arxiv.org/abs/1509.00519, section 5: 3^i passes at a rate of 0.001 x 10^(-i/7) for i from
    0 to 7, which are 3,280 passes.
    """
    whole, falls = (3**ROUNDS - 1) // 2, dict[int, float]()
    for index in range(1, ROUNDS):
        # In short runs, several rounds begin at the same step.
        step = round(steps * ((3**index - 1) // 2) / whole)
        falls[step] = falls.get(step, 1.0) * 10 ** (-1 / (ROUNDS - 1))
    return falls


def adam(
    *, b1: Decay = 0.9, b2: Decay = 0.999, eps: Positive = 1e-8, eps_root: Weight = 0.0
) -> optax.GradientTransformation:
    """Adam without its rate: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, Algorithm 1.

    Args:
      b1: what a step keeps of the mean of gradients.
      b2: what a step keeps of the mean of squared gradients.
      eps: added to the root of the latter.
      eps_root: added below that root, whose derivative at 0 is infinite: who differentiates a move needs it above 0.
    """
    return optax.scale_by_adam(b1, b2, eps, eps_root)


def adamw(
    *, b1: Decay = 0.9, b2: Decay = 0.999, eps: Positive = 1e-8, decay: Weight = 0.01
) -> optax.GradientTransformation:
    """Adam, and a decay of the weights of layers, which keeps networks that see few examples simple.

    Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101, Algorithm 2; what is no kernel of a layer, such as
    its bias, does not decay.

    Args:
      b1: what a step keeps of the mean of gradients.
      b2: what a step keeps of the mean of squared gradients.
      eps: added to the root of the latter.
      decay: what a step takes off a weight, as a share of it and of the learning rate.
    """
    return optax.chain(optax.scale_by_adam(b1, b2, eps), optax.add_decayed_weights(decay, _kernels))


def _kernels(params: Any) -> Any:
    """Which of the parameters are kernels of layers, bool of each."""
    return jax.tree_util.tree_map_with_path(lambda path, _: jax.tree_util.keystr(path).endswith("['kernel']"), params)


def rmsprop(*, decay: Decay = 0.99, eps: Positive = 1e-8) -> optax.GradientTransformation:
    """RMSProp without its rate, its constants as in the WGAN authors' code.

    Args:
      decay: what a step keeps of the mean of squared gradients.
      eps: added to its root.
    """
    return optax.scale_by_rms(decay, eps, eps_in_sqrt=False)


def sgd(*, momentum: Decay = 0.0) -> optax.GradientTransformation:
    """Stochastic gradient descent without its rate.

    Args:
      momentum: what a step keeps of the sum of gradients, Polyak 1964; 0 for none.
    """
    return optax.trace(momentum) if momentum else optax.identity()


OPTIMIZERS: Mapping[str, Callable[..., optax.GradientTransformation]] = {
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "sgd": sgd,
}

MOVES: Mapping[str, Any] = {
    "rate": Annotated[float, Range(0, 1e6), "learning rate"],
    "schedule": Annotated[
        str,
        OneOf(tuple(RATE_SCHEDULES)),
        "how the rate changes: linear and cosine bring it to 0, quarter as cosine to a quarter of it, late to 0 in the "
        "second half, rounds to a tenth",
    ],
    "clip_norm": Annotated[Weight, "largest norm of all gradients together; 0 is no limit"],
    "accumulate": Annotated[int, Range(1, 10**6), "batches whose gradients are averaged for one move"],
}
"""Keys of every optimizer's section."""


def check_optimizer(section: Any, path: str) -> None:
    """Checks every value of the section of an optimizer, which stands at a path of the config.

    Raises:
      Refusal: something in the section is unknown or out of range.
    """
    check_call(OPTIMIZERS, section, path, beside=MOVES)


def keys_of_optimizer(section: Mapping[str, Any], path: str) -> Iterator[Key]:
    """The keys of a section that `check_optimizer` holds to be fine."""
    return keys_of_call(OPTIMIZERS, section, path, beside=MOVES)


def learning_rates(sections: ConfigDict, steps: int) -> Callable[[int], dict[str, float]]:
    """The learning rates of a run: a function of the step, counted from 0, that returns the rate of each player.

    Args:
      sections: `optimizers` of a config.
      steps: length of the run.
    """
    schedules = {
        player: RATE_SCHEDULES[section.get("schedule", "constant")](section.get("rate", RATE), steps)
        for player, section in sections.items()
    }

    def rates(step: int) -> dict[str, float]:
        return {
            player: float(rate(jnp.float32(step)) if callable(rate) else rate) for player, rate in schedules.items()
        }

    return rates


def build_optimizer(section: ConfigDict, steps: int, path: str = "optimizers") -> optax.GradientTransformation:
    """Turns a config section into an optax chain.

    Args:
      section: `name` (one of `OPTIMIZERS`) and its arguments, `rate`, `schedule` (one of `RATE_SCHEDULES`), `clip_norm`
        (largest global norm of the gradients, 0 for none) and `accumulate` (batches averaged for one move).
      steps: length of the run, after which a schedule has come down to 0.
      path: where the section stands in the config, for messages.

    Raises:
      Refusal: something in the section is unknown or out of range.
    """
    check_optimizer(section, path)
    arguments = dict(section)
    rate, schedule = arguments.pop("rate", RATE), arguments.pop("schedule", "constant")
    clip_norm, accumulate = arguments.pop("clip_norm", 0.0), arguments.pop("accumulate", 1)
    links = [optax.clip_by_global_norm(clip_norm)] if clip_norm else []
    links += [call(OPTIMIZERS, arguments, path), scale_by_rate(RATE_SCHEDULES[schedule](rate, steps))]
    chain = optax.chain(*links)
    if accumulate == 1:
        return chain
    several = optax.MultiSteps(chain, accumulate)
    return optax.GradientTransformationExtraArgs(several.init, several.update)
