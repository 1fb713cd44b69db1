"""The contract: what every generative model of gengen is, and how a task asks what it can do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import jax

from gengen.core.mean import Mean
from gengen.core.refusal import Refusal
from gengen.core.state import State, Tree

Batch = dict[str, Any]
"""One batch of data: arrays [B, ...] by name, such as "data" uint8 [B, H, W, C] and "label" int32 [B]."""

InitFn = Callable[[jax.Array, Batch], State]
"""`(key, batch) -> State`. Pure; call it under `jax.jit`, so that no two leaves share memory."""


class StepFn(Protocol):
    """`(key, state, batch) -> (state, metrics)`: one batch. `key` is the run's root key, the same at every step."""

    def __call__(
        self, key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
    ) -> tuple[State, dict[str, Mean]]:
        """Trains one step; `phase` is `state.step` modulo the model's period, where that is known when traced."""


class Condition(NamedTuple):
    """Something that samples can be told to be: a class, or numbers.

    Attributes:
      classes: number of classes, of which each sample is one, int32 [n]; 0 for numbers.
      size: how many numbers, float32 [n, size], in [-1, 1] where the model was trained; 0 for a class.
    """

    classes: int = 0
    size: int = 0


EnterFn = Callable[[State], State]
"""`State -> State`: once, at the beginning of a later stage, such as forgetting what optimizers have gathered."""


class Stage(NamedTuple):
    """A later part of training, in which other turns are played on the same state.

    Attributes:
      start: step at which it begins.
      train_step: the step from there on.
      period: number of steps after which its pattern of turns repeats.
      enter: what happens to the state when it begins.
    """

    start: int
    train_step: StepFn
    period: int = 1
    enter: EnterFn = lambda state: state


class GenerativeModel(NamedTuple):
    """A model is a handful of pure functions. What a model cannot do is None.

    Data are images [n, H, W, C], float32 in [-1, 1]. A condition is a dict of arrays [n, ...] by the names of
    `conditions`; what is not given, the model draws or recognises.

    Attributes:
      init: makes the state of a new run.
      train_step: sees one batch and returns the next state and its metrics. `AXIS` must be bound.
      period: number of steps after which the pattern of turns repeats.
      stages: stages that take the place of `train_step` later on, in the order of their starts.
      sample: `(key, variables, n, condition=None) -> data`.
      conditions: what samples can be told to be, by name; "label" is the class of the data.
      prior: `(key, variables, n, condition=None) -> latents [n, ...]`, of which `decode` makes samples.
      encode: `(key, variables, data, condition=None) -> latents [n, ...]`.
      decode: `(key, variables, latents [n, ...], condition=None) -> data`.
      recognise: `(key, variables, data) -> {condition: what it finds}`, log-probabilities [n, classes] for a class.
      translate: by direction, "ab" and perhaps "ba", `(key, variables, data) -> data` of the other domain.
      pair: `(key, batch) -> (a, b)`, images of both domains for each example of a batch as the data hold it, where a
        model learns from pairs.
      log_likelihood: `(key, variables, data, condition=None, samples=1) -> nats [n]`; a lower bound, tighter the more
        `samples`, where it is not exact.
      features: `(key, variables, data) -> [n, F]`, what a network of the model sees in images, such as its critic.
      supervised: whether training needs to know the class of every image.
      notes: what training minimises, in a sentence; "" where the metrics say it.
    """

    init: InitFn
    train_step: StepFn
    period: int = 1
    stages: tuple[Stage, ...] = ()
    sample: Callable[..., Tree] | None = None
    conditions: Mapping[str, Condition] = MappingProxyType({})
    prior: Callable[..., Tree] | None = None
    encode: Callable[..., Tree] | None = None
    decode: Callable[..., Tree] | None = None
    recognise: Callable[..., Tree] | None = None
    translate: Mapping[str, Callable[..., Tree]] | None = None
    pair: Callable[..., tuple[jax.Array, jax.Array]] | None = None
    log_likelihood: Callable[..., Tree] | None = None
    features: Callable[..., Tree] | None = None
    supervised: bool = False
    notes: str = ""


CAPABILITIES = ("sample", "prior", "encode", "decode", "recognise", "translate", "log_likelihood", "features")


def offers(model: GenerativeModel) -> list[str]:
    """Names of the capabilities that a model has."""
    return [name for name in CAPABILITIES if getattr(model, name) is not None]


def require(model: GenerativeModel, capability: str) -> Any:
    """Returns a capability of a model: a function, or functions by direction.

    Args:
      model: the model asked.
      capability: one of `CAPABILITIES`.

    Raises:
      Refusal: the model does not have it; the sentence lists what it has.
    """
    function = getattr(model, capability)
    if function is None:
        raise Refusal(f"this model cannot {capability}; what it can do: {', '.join(offers(model)) or 'none of these'}.")
    return function
