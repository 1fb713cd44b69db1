"""The model of a run that can sample: with its own prior, or with one that is fitted to the codes of its data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State, Variables
from gengen.data.signature import DataSet
from gengen.inference.conditions import shown_to
from gengen.inference.fitted_prior import IMAGES, SAMPLER, SAMPLERS, with_sampler
from gengen.inference.latents import Latents, label_condition
from gengen.runs.outputs import save_npz


def complete(
    model: GenerativeModel,
    workdir: Path,
    step: int,
    state: State,
    settings: ConfigDict,
    *,
    load: Callable[[], DataSet],
    best: bool = False,
    raw: bool = False,
) -> tuple[GenerativeModel, Variables]:
    """Chooses the variables that a run is judged and sampled by, and fits a prior to the codes of a model without one.

    What was fitted is kept in the run folder, so that the data are needed once.

    Args:
      model: the model.
      workdir: the run folder.
      step: of the state.
      state: of the run.
      settings: the section `evaluation`; its `sampler` and `components` say what is fitted.
      load: loads the data of the run.
      best: whether the state is that of the best checkpoint.
      raw: take the variables as trained instead of their average.

    Returns:
      The model, which can sample if it can decode at all, and its variables.

    Raises:
      Refusal: the sampler is unknown, or there are no components or more than images.
    """
    variables, name = evaluation_variables(state, raw=raw), settings.get("sampler", "mixture")
    if model.sample or model.encode is None or model.decode is None:
        return model, variables
    if name not in SAMPLERS:
        raise Refusal(f"config.evaluation.sampler={name!r} must be one of {', '.join(SAMPLERS)}.")
    components = settings.get("components", 10)
    if components < 1:
        raise Refusal(f"config.evaluation.components={components} must be at least 1.")
    file = workdir / f"{SAMPLER}.npz"
    wanted = f"{name} of {components}; step {step}, {'best' if best else 'latest'}, {'raw' if raw else 'averaged'}"
    kept = _kept(file, wanted)
    if kept is None:
        kept = _fitted(model, variables, load(), name, components)
        save_npz(file, {"origin": wanted, **kept})
    shape = tuple(int(size) for size in kept.pop("shape"))
    return with_sampler(model, shape), {**variables, SAMPLER: {"fitted": kept}}


def _fitted(model: GenerativeModel, variables: Variables, data: DataSet, name: str, components: int) -> dict[str, Any]:
    split = shown_to(model, data).splits["train"]
    indices = np.random.default_rng(0).permutation(len(split["data"]))[:IMAGES]
    labels = split["label"][indices] if "label" in split else None
    codes = Latents(model, variables, seed=0).encode(split["data"][indices], indices, label_condition(model, labels))
    fitted = SAMPLERS[name](codes.reshape(len(codes), -1).astype(np.float64), components)
    arrays = {field: value.astype(np.float32) for field, value in fitted._asdict().items()}
    return {"shape": np.array(codes.shape[1:], np.int32), **arrays}


def _kept(file: Path, wanted: str) -> dict[str, np.ndarray] | None:
    """What was fitted to the same codes before, if it was."""
    if not file.exists():
        return None
    with np.load(file) as saved:
        arrays = dict(saved)
    return arrays if str(arrays.pop("origin")) == wanted else None
