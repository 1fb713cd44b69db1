"""The contract: what every generative model of gengen is, and how a task asks what it can do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import jax

from gengen.core.mean import Mean
from gengen.core.refusal import Refusal
from gengen.core.state import State, Tree

Batch = dict[str, Any]
"""One batch of data: arrays [B, ...] by name, such as "image" uint8 [B, H, W, C] and "label" int32 [B]."""

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


class GenerativeModel(NamedTuple):
    """A model is a handful of pure functions. What a model cannot do is None.

    Attributes:
      init: makes the state of a new run.
      train_step: sees one batch and returns the next state and its metrics. `AXIS` must be bound.
      period: number of steps after which the pattern of turns repeats.
      sample: `(key, variables, n, condition=None) -> data [n, ...]`; `condition` is a dict of arrays [n, ...] by the
        names of `conditions`; the model draws what is not given.
      conditions: what samples can be told to be, by name; "label" is the class of the data.
      encode: `(key, variables, data [n, ...]) -> latents [n, ...]`; a dict by the names of `conditions` where they are
        what it finds, log-probabilities [n, classes] for a class.
      decode: `(key, variables, latents [n, ...]) -> data [n, ...]`.
      translate: `(key, variables, data [n, ...]) -> data [n, ...]` of another domain.
      log_likelihood: `(key, variables, data [n, ...]) -> nats [n]`.
    """

    init: InitFn
    train_step: StepFn
    period: int = 1
    sample: Callable[..., Tree] | None = None
    conditions: Mapping[str, Condition] = MappingProxyType({})
    encode: Callable[..., Tree] | None = None
    decode: Callable[..., Tree] | None = None
    translate: Callable[..., Tree] | None = None
    log_likelihood: Callable[..., Tree] | None = None


CAPABILITIES = ("sample", "encode", "decode", "translate", "log_likelihood")


def require(model: GenerativeModel, capability: str) -> Callable[..., Tree]:
    """Returns a capability of a model.

    Args:
      model: the model asked.
      capability: one of `CAPABILITIES`.

    Raises:
      Refusal: the model does not have it; the sentence lists what it has.
    """
    function = getattr(model, capability)
    if function is None:
        offered = ", ".join(name for name in CAPABILITIES if getattr(model, name) is not None) or "none of these"
        raise Refusal(f"this model cannot {capability}; what it can do: {offered}.")
    return function
