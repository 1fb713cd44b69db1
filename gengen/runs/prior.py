"""The prior of a run whose model has none: fitted to the codes of its data, and kept in its folder."""

from pathlib import Path
from typing import Any

import numpy as np

from gengen.core.refusal import Refusal
from gengen.inference.conditions import shown_to
from gengen.inference.fitted_prior import FITTED_PRIORS, IMAGES, PRIOR, with_fitted_prior
from gengen.inference.latents import Latents, label_condition
from gengen.runs.outputs import save_npz
from gengen.runs.run import Run


def with_prior(run: Run) -> Run:
    """Lets the model of a run sample: where it can only encode and decode, a prior is fitted to its codes.

    What was fitted is kept in the run folder, so that the data are needed once. The run's `settings` say what is
    fitted, by `sampler` and `components`.

    Raises:
      Refusal: what is to be fitted is unknown, or there are no components or more than images.
    """
    model, name = run.model, run.settings.get("sampler", "mixture")
    if model.sample or model.encode is None or model.decode is None:
        return run
    if name not in FITTED_PRIORS:
        raise Refusal(f"config.evaluation.sampler={name!r} must be one of {', '.join(FITTED_PRIORS)}.")
    components = run.settings.get("components", 10)
    if components < 1:
        raise Refusal(f"config.evaluation.components={components} must be at least 1.")
    file = run.folder / f"{PRIOR}.npz"
    weights = "raw" if run.origin["weights"] == "as trained" else "averaged"
    member = f", {run.member}" if run.member else ""
    wanted = f"{name} of {components}; step {run.step}, {run.origin['checkpoint']}, {weights}{member}"
    kept = _kept(file, wanted)
    if kept is None:
        kept = _fitted(run, name, components)
        save_npz(file, {"origin": wanted, **kept})
    shape = tuple(int(size) for size in kept.pop("shape"))
    variables = {**run.variables, PRIOR: {"fitted": kept}}
    return run._replace(model=with_fitted_prior(model, shape), variables=variables)


def _fitted(run: Run, name: str, components: int) -> dict[str, Any]:
    split = shown_to(run.model, run.data()).splits["train"]
    indices = np.random.default_rng(0).permutation(len(split["data"]))[:IMAGES]
    labels = split["label"][indices] if "label" in split else None
    latents = Latents(run.model, run.signature.units, run.variables, seed=0)
    codes = latents.encode(split["data"][indices], indices, label_condition(run.model, labels))
    fitted = FITTED_PRIORS[name](codes.reshape(len(codes), -1).astype(np.float64), components)
    arrays = {field: value.astype(np.float32) for field, value in fitted._asdict().items()}
    return {"shape": np.array(codes.shape[1:], np.int32), **arrays}


def _kept(file: Path, wanted: str) -> dict[str, np.ndarray] | None:
    """What was fitted to the same codes before, if it was."""
    if not file.exists():
        return None
    with np.load(file) as saved:
        arrays = dict(saved)
    return arrays if str(arrays.pop("origin")) == wanted else None
