"""What is looked at now and then while a run trains, because it costs more than a step has to spare."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gengen.core.model import Batch, GenerativeModel
from gengen.core.state import State, networks_of
from gengen.data.points import CLOUDS, centres_of
from gengen.data.signature import DataSet
from gengen.inference.conditions import DOMAIN, LABEL, classes_of
from gengen.inference.sampling import drawing
from gengen.metrics import health

SAMPLES = 512
"""Samples of a look; always of the same latents."""

COMPARED = 128
"""Samples among which copies are looked for."""

EXAMPLES = 2_000
"""The most examples of the data that samples are compared with; only of sets no larger, copies are looked for."""

COORDINATES = 1_024
"""The most numbers of an example that are compared, every so many of all."""

MODES = 10
"""Clusters of the data that stand for its modes where these are not known."""

PARAMETERS = 4_096
"""The most numbers of each array of parameters that are kept from one look to the next."""

SEED = 2
"""Of the latents, and of the choice of examples: other latents than those of pictures and scores."""


class Looks:
    """Measures signs of health of a state, some of them beside the state of the look before.

    What is measured where the model has it: of samples, as trained and not averaged, "samples/spread" and
    "samples/distance" relative to the data's, "samples/modes" covered, "samples/exchanged" between modes,
    "samples/movement" since the look before and "samples/copied"; of each network, "NETWORK/update", the size of the
    change of its parameters relative to them; "critic/at_bound" and "critic/flipped", of a critic whose parameters
    are clipped, the shares that lie at the bound and that changed their signs; "codes/active", the
    share of latents that tell examples apart.

    Args:
      model: the model.
      data: what it can be shown of its data.
      clip: the bound of the critic's parameters; None where they are free.
    """

    def __init__(self, model: GenerativeModel, data: DataSet, clip: float | None) -> None:
        self._model, self._data, self._clip = model, data, clip
        self._before: dict[str, Any] = {}
        self._draws = bool(model.sample) and not model.stages and DOMAIN not in model.conditions
        if self._draws:
            self._draw = drawing(model.sample)  # type: ignore[arg-type]
            self._prepare()
        self._encode: Callable[..., jax.Array] | None = None
        if model.encode and model.prior and not model.stages:
            self._encode = jax.jit(model.encode)
            self._held_out = self._some("test", SAMPLES)

    def begin(self, state: State) -> None:
        """Remembers a state, so that the next look can say what has changed since."""
        variables = jax.device_get(state.variables)
        self._before = {"parameters": _sketches(variables)}
        if self._draws:
            self._before["samples"] = self._samples(variables)

    def __call__(self, state: State) -> dict[str, float]:
        """The measures of a state by their names."""
        variables = jax.device_get(state.variables)
        found: dict[str, float] = {}
        if self._draws:
            samples = self._samples(variables)
            if not np.isfinite(samples).all():
                return {"samples/finite": 0.0}
            found |= self._of_samples(samples)
            self._before["samples"] = samples
        if self._encode:
            means = self._encode(jax.random.key(SEED), variables, *self._held_out)
            found["codes/active"] = health.active_units(np.asarray(means).reshape(len(means), -1))
        sketches, before = _sketches(variables), self._before.get("parameters", {})
        if self._clip is not None:
            found["critic/at_bound"] = health.at_bound(jax.tree.leaves(variables["critic"]["params"]), self._clip)
            if before:
                found["critic/flipped"] = health.flipped(before["critic"], sketches["critic"])
        found |= {f"{name}/update": health.relative_update(before[name], sketches[name]) for name in before}
        self._before["parameters"] = sketches
        return found

    def _prepare(self) -> None:
        """Finds the modes of the data, and what else of them samples are compared with."""
        signature = self._data.signature
        self._train = self._some("train", EXAMPLES)[0]
        self._train = _flat(self._train)
        known = centres_of(signature)
        if known is not None:
            self._centres = _flat(signature.units.to_model(known))
        else:
            self._centres = health.clusters(self._train, min(MODES, len(self._train)), SEED)
        self._shares, apart = health.shares(self._train, self._centres)
        self._apart = float(np.median(apart))
        small = len(self._data.splits["train"]["data"]) <= EXAMPLES and signature.name not in CLOUDS
        self._others = _flat(self._some("test", EXAMPLES)[0]) if small else None

    def _of_samples(self, samples: np.ndarray) -> dict[str, float]:
        shares, apart = health.shares(samples, self._centres)
        found = {
            "samples/spread": health.spread(samples, self._train),
            "samples/distance": float(np.median(apart)) / self._apart,
            "samples/modes": health.covered(shares, self._shares),
        }
        if (before := self._before.get("samples")) is not None:
            found["samples/movement"] = health.movement(before, samples, self._train)
            found["samples/exchanged"] = health.exchanged(health.shares(before, self._centres)[0], shares)
        if self._others is not None:
            found["samples/copied"] = health.copies(samples[:COMPARED], self._train, self._others)
        return found

    def _samples(self, variables: Mapping[str, Any]) -> np.ndarray:
        return _flat(self._draw(variables, SEED, SAMPLES))

    def _some(self, split: str, most: int) -> tuple[np.ndarray, Batch | None]:
        """Examples of a split in the model's units, and what a model is told of them."""
        values = self._data.splits[split]
        indices = np.sort(np.random.default_rng(SEED).permutation(len(values["data"]))[:most])
        labels = {LABEL: np.asarray(values["label"][indices], np.int32)} if classes_of(self._model) else None
        return self._data.signature.units.to_model(np.asarray(values["data"][indices])), labels


def _flat(examples: np.ndarray) -> np.ndarray:
    """Examples [N, ...] as points float32 [N, D], with at most `COORDINATES` of their numbers."""
    points = np.asarray(examples, np.float32).reshape(len(examples), -1)
    return points[:, :: -(-points.shape[1] // COORDINATES)]


def _sketches(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Of each network, some of its parameters as one vector: their changes are as large as those of all."""
    trees = {name: jax.tree.leaves(collections["params"]) for name, collections in networks_of(dict(variables)).items()}
    return {
        name: np.concatenate([np.ravel(leaf)[:: -(-np.size(leaf) // PARAMETERS)] for leaf in leaves])
        for name, leaves in trees.items()
        if leaves
    }
