"""The contract: what every generative model of gengen is, and how a task asks what it can do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import jax

from gengen.core.mean import Mean
from gengen.core.refusal import Refusal
from gengen.core.state import State, Variables

Batch = dict[str, Any]
"""One batch: arrays [B, ...] by name, such as "data" [B, *shape] and "label" int32 [B]; a part may be a batch itself.

Models see "data" and what else is no label or text in their own units, float32; see `core.units`.
"""


class InitFn(Protocol):
    """Makes the state of a new run. Pure; call it under `jax.jit`, so that no two leaves share memory."""

    def __call__(self, key: jax.Array, batch: Batch, /) -> State:
        """`batch` has the keys, shapes and dtypes of all that follow; a new run's are its first training examples."""


class StepFn(Protocol):
    """Trains on one batch. `AXIS` must be bound."""

    def __call__(
        self, key: jax.Array, state: State, batch: Batch, /, *, phase: int | None = None
    ) -> tuple[State, dict[str, Mean]]:
        """Returns the next state and the metrics.

        Args:
          key: the run's root key, the same at every step.
          state: the state before.
          batch: this replica's part of the batch.
          phase: `state.step` modulo the model's period, where that is known when traced.
        """


class Condition(NamedTuple):
    """Something that samples can be told to be: a class, numbers, or a text.

    Attributes:
      classes: number of classes, of which each sample is one, int32 [n]; 0 for others.
      size: how many numbers, float32 [n, size], in [-1, 1] where the model was trained; 0 for others.
      words: that texts are made of: int32 [n, length], each from 1 on, then zeros; () for others.
      length: the most words of a text.
      texts: some of those that the model was trained on.
    """

    classes: int = 0
    size: int = 0
    words: tuple[str, ...] = ()
    length: int = 0
    texts: tuple[str, ...] = ()


class SampleFn(Protocol):
    """Draws examples; the i-th depends on the key, on i and on its condition alone."""

    def __call__(self, key: jax.Array, variables: Variables, n: int, /, condition: Batch | None = None) -> jax.Array:
        """Returns data [n, *shape] under a condition of arrays [n, ...]."""


class PriorFn(Protocol):
    """Draws latents, of which `DecodeFn` makes samples."""

    def __call__(self, key: jax.Array, variables: Variables, n: int, /, condition: Batch | None = None) -> jax.Array:
        """Returns latents [n, ...] under a condition of arrays [n, ...]."""


class EncodeFn(Protocol):
    """Finds the latents of data."""

    def __call__(
        self, key: jax.Array, variables: Variables, data: jax.Array, /, condition: Batch | None = None
    ) -> jax.Array:
        """Returns latents [n, ...] of data [n, *shape]."""


class DecodeFn(Protocol):
    """Makes data of latents."""

    def __call__(
        self, key: jax.Array, variables: Variables, latents: jax.Array, /, condition: Batch | None = None
    ) -> jax.Array:
        """Returns data [n, *shape] of latents [n, ...]."""


class RecogniseFn(Protocol):
    """Says what conditions data were made under, or what classes they are of."""

    def __call__(self, key: jax.Array, variables: Variables, data: jax.Array, /) -> dict[str, jax.Array]:
        """Returns, by condition, log-probabilities [n, classes] or means [n, size], of data [n, *shape]."""


class TranslateFn(Protocol):
    """Brings data of one domain to another one."""

    def __call__(self, key: jax.Array, variables: Variables, data: jax.Array, /) -> jax.Array:
        """Returns data [n, *shape of the other domain] of data [n, *shape]."""


class PairFn(Protocol):
    """Says which pairs a model learns from."""

    def __call__(self, key: jax.Array, batch: Batch, /) -> tuple[jax.Array, jax.Array]:
        """Returns data of both domains, [B, *shape] each, for the examples of a batch."""


class LogLikelihoodFn(Protocol):
    """Says how likely data are; a lower bound, tighter the more `samples`, where it is not exact."""

    def __call__(
        self, key: jax.Array, variables: Variables, data: jax.Array, /, condition: Batch | None = None, samples: int = 1
    ) -> jax.Array:
        """Returns nats [n] of data [n, *shape]: of densities in the model's units, where they are densities."""


class FeaturesFn(Protocol):
    """Says what a network of the model, such as its critic, sees in data."""

    def __call__(self, key: jax.Array, variables: Variables, data: jax.Array, /) -> jax.Array:
        """Returns features [n, F] of data [n, *shape]."""


class Critique(NamedTuple):
    """What a critic says of samples.

    Attributes:
      value: its logit [n].
      pull: minus the gradient of the generator's loss, added over samples, at each of them [n, *shape].
    """

    value: jax.Array
    pull: jax.Array


class CritiqueFn(Protocol):
    """Says what a critic thinks of samples, and which way it sends them."""

    def __call__(self, key: jax.Array, variables: Variables, samples: jax.Array, data: jax.Array, /) -> Critique:
        """Returns that of samples [n, *shape], beside as many data, which some losses compare them with."""


class Denoising(NamedTuple):
    """What a model expects of data behind noise, alpha(t) data + sigma(t) noise; t = 0 is data and t = 1 is noise.

    Attributes:
      mean: `(variables, noisy [n, *shape], t [n], condition) -> data [n, *shape]`; None is no condition.
      path: has functions `alpha` and `sigma` of t, each of an array of any shape, and perhaps a number of `steps`.
    """

    mean: Callable[[Variables, jax.Array, jax.Array, Batch | None], jax.Array]
    path: Any


class Stage(NamedTuple):
    """A later part of training, in which other turns are played on the same state.

    Attributes:
      start: step at which it begins.
      train_step: the step from there on.
      period: number of steps after which its pattern of turns repeats.
    """

    start: int
    train_step: StepFn
    period: int = 1


class GenerativeModel(NamedTuple):
    """A model is a handful of pure functions. What a model cannot do is None.

    Data are float32 [n, *shape] in the model's units: in [-1, 1], or standardised. A condition is a dict of arrays
    [n, ...] by the names of `conditions`; what is not given, the model draws or recognises.

    Attributes:
      init: makes the state of a new run.
      train_step: sees one batch and returns the next state and its metrics.
      period: number of steps after which the pattern of turns repeats.
      stages: stages that take the place of `train_step` later on, in the order of their starts.
      sample: draws data.
      trajectory: from noise to the same samples, step by step, [n, steps + 1, *shape].
      conditions: what samples can be told to be, by name; "label" is the class of the data.
      prior: draws latents.
      encode: data to latents.
      decode: latents to data.
      layered: whether latents are [n, K, W], of K layers that draw coarse things first.
      denoise: the mean of data behind noise.
      recognise: data to what they were told to be.
      translate: data of one domain to the other one, by direction, "ab" and perhaps "ba".
      pair: data of both domains for each example of a batch, where a model learns from pairs.
      log_likelihood: of data, in nats.
      likelihood_of: "density" of real numbers, probability of the data's own whole "values", or of "bits" made of them.
      bound_by: what makes the likelihood a lower bound, such as "uniform noise" or "latents"; "" where it is exact.
      layers: names of the layers that the metric "finite_layers" is a share of, in their order.
      features: of data.
      critique: of samples beside data, where a critic judges single examples.
      settle: `(variables) -> variables`, what is done to those of a run once before samples are drawn.
      supervised: whether training needs to know the class of every example.
      notes: what training minimises, in a sentence; "" where the metrics say it.
    """

    init: InitFn
    train_step: StepFn
    period: int = 1
    stages: tuple[Stage, ...] = ()
    sample: SampleFn | None = None
    trajectory: SampleFn | None = None
    conditions: Mapping[str, Condition] = MappingProxyType({})
    prior: PriorFn | None = None
    encode: EncodeFn | None = None
    decode: DecodeFn | None = None
    layered: bool = False
    denoise: Denoising | None = None
    recognise: RecogniseFn | None = None
    translate: Mapping[str, TranslateFn] | None = None
    pair: PairFn | None = None
    log_likelihood: LogLikelihoodFn | None = None
    likelihood_of: str = "density"
    bound_by: str = ""
    layers: Callable[[], tuple[str, ...]] | None = None
    features: FeaturesFn | None = None
    critique: CritiqueFn | None = None
    settle: Callable[[Variables], Variables] | None = None
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
    if (function := getattr(model, capability)) is None:
        raise Refusal(f"this model cannot {capability}; what it can do: {', '.join(offers(model)) or 'none of these'}.")
    return function
