"""`--mode=truncate`: fewer kinds of samples, each the better, the narrower their latents are drawn."""

import json
from pathlib import Path

import jax
import numpy as np

from gengen.build.calls import parameters_of
from gengen.build.model import MODELS, build_model
from gengen.core.refusal import Refusal
from gengen.evaluation.evaluate_run import evaluate
from gengen.files.whole import write_whole
from gengen.inference.conditions import in_turn
from gengen.inference.sampling import sampler
from gengen.inference.shown import thumbnails
from gengen.pictures.captions import Block, save_sheet
from gengen.reports.tables import table, with_interval
from gengen.runs.outputs import output_files
from gengen.runs.run import Run
from gengen.values import complaint, kind_of

VALUES = (0.25, 0.5, 0.75, 1.0, 2.0)
"""Truncations that are tried, of those that a model can be told."""

SHOWN = 10
"""Samples of each that are shown."""

SCORES = ("frechet_distance", "precision", "recall")
"""What is told of each in a table."""


def main(run: Run, *, num: int, seed: int, output: Path | None, dark: bool) -> Path:
    """Judges samples of a run at several truncations, and writes the reports as JSON with a picture beside it.

    Samples of latents that are drawn in are better, and of fewer kinds: Brock et al. 2019,
    https://arxiv.org/abs/1809.11096, section 3.1; Karras et al. 2019, https://arxiv.org/abs/1812.04948, for styles.

    Args:
      run: the run.
      num: samples of each truncation that are judged; there are no more of them than training examples.
      seed: of the noise, of which all truncations have the same.
      output: the .json to write, with its ending or without; `truncation.json` in the run folder by default.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: samples of the model cannot be truncated, or they cannot be judged.
    """
    if "truncation" not in parameters_of(MODELS[run.config.model.name]):
        raise Refusal(
            f"samples of config.model.name={run.config.model.name!r} cannot be truncated; those of 'adversarial' and "
            f"'style_based' can."
        )
    path, picture = output_files(output, run.folder / "truncation.json", ".json", ".png")
    found, rows, cells = [], [], []
    for value in truncations(run):
        own = truncated(run, value)
        report = evaluate(own, num=num, seed=seed)
        scores = report["scores"]
        found.append({"truncation": value, **report})
        told = [with_interval(scores[name]["samples"]) if name in scores else "" for name in SCORES]
        rows.append([f"{value:g}", *told])
        drawn = sampler(own.model, own.signature.units)(own.variables, seed, SHOWN, in_turn(own.model, SHOWN))
        cells.append(thumbnails(own.signature, drawn))
    titles = [f"truncation {row[0]}" for row in rows]
    save_sheet(picture, [Block(np.concatenate(cells), SHOWN, rows=titles)], f"{run.title} · truncated", dark=dark)
    write_whole(path, json.dumps({**run.origin, "seed": seed, "truncations": found}, indent=2))
    print(table(rows, ("truncation", *(name.replace("_", " ") for name in SCORES))))
    print(picture)
    return path


def truncations(run: Run) -> list[float]:
    """Those of `VALUES` that the run's model can be told."""
    kind = kind_of(parameters_of(MODELS[run.config.model.name])["truncation"].annotation)
    assert kind is not None, "its annotation says what it may be"
    return [value for value in VALUES if not complaint(value, kind)]


def truncated(run: Run, value: float) -> Run:
    """The run, whose samples are drawn with another truncation."""
    config = run.config.copy_and_resolve_references()
    config.model.truncation = value
    model = build_model(config, run.signature)
    variables = jax.jit(model.settle)(run.variables) if model.settle else run.variables
    return run._replace(config=config, model=model, variables=variables)
