"""`--mode=evaluate` of models of two domains: their translations or pairs, and what they recognise."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.data.signature import DataSet
from gengen.evaluation.judge_recognition import judge_recognition, sentence_of
from gengen.evaluation.judge_translation import judge_translation, sentences_of
from gengen.files.whole import write_whole
from gengen.inference.conditions import DOMAIN
from gengen.inference.sampling import sampler
from gengen.inference.translation import Gallery
from gengen.pictures.grid import save_png
from gengen.pictures.sheet import alike, in_rows
from gengen.runs.outputs import output_files

SHOWN = 16
"""Images that are shown above their translations in each direction, or pairs."""

COLUMNS = 8
"""Images beside each other."""


def has_two_domains(model: GenerativeModel) -> bool:
    """Whether samples say too little of a model: it translates, makes pairs of samples, or recognises images alone."""
    draws = model.sample or (model.encode and model.decode)
    return bool(model.translate or DOMAIN in model.conditions or (model.recognise and not draws))


def evaluate(
    model: GenerativeModel,
    variables: Variables,
    data: DataSet,
    settings: ConfigDict,
    origin: Mapping[str, Any],
    *,
    num: int,
    output: Path | None,
) -> Path:
    """Judges a model that `has_two_domains`; prints tables, and writes the same as JSON with a picture beside it.

    Args:
      model: the model.
      variables: its variables.
      data: what it was trained on.
      settings: the section `evaluation`.
      origin: what is judged: "run", "step", "checkpoint", "weights" and "seed".
      num: the most held-out images to translate, or pairs to sample.
      output: the .json to write, with its ending or without; `evaluation.json` in the run folder by default.

    Returns:
      The path of the JSON: `origin`, "data", "data_digest", and what there is of "translation", by
      `judge_translation`, and "recognition", by `judge_recognition`.

    Raises:
      Refusal: the model recognises alone, and the domain that it should recognise has not the same labels.
    """
    draws = bool(model.translate or DOMAIN in model.conditions)
    endings = (".json", ".png") if draws else (".json",)
    path, *pictures = output_files(output, Path(origin["run"]) / "evaluation.json", *endings)
    recognition = judge_recognition(model, variables, data)
    if recognition is None and not draws:
        name = (data.second or data).signature.name
        raise Refusal(f"{name} lacks the labels that this model recognises, so there is nothing to judge it by.")
    translation = judge_translation(model, variables, data, settings, num, seed=origin["seed"])
    report = {
        **origin,
        "data": data.signature.name,
        "data_digest": data.signature.digest,
        **({"translation": translation} if translation else {}),
        **({"recognition": recognition} if recognition else {}),
    }
    said = [*sentences_of(translation), *([sentence_of(recognition)] if recognition else [])]
    print(
        f"step {origin['step']} ({origin['checkpoint']} checkpoint, weights {origin['weights']}, seed "
        f"{origin['seed']})\n\n" + "\n\n".join(said) + "\n"
    )
    for file in pictures:
        save_png(file, picture(model, variables, data, origin["seed"]))
        print(file)
    write_whole(path, json.dumps(report, indent=2))
    return path


def picture(model: GenerativeModel, variables: Variables, data: DataSet, seed: int) -> np.ndarray:
    """Held-out images above their translations in each direction; or samples of domain a above their halves of b.

    Args:
      model: a model that translates, or whose samples can be told their domain.
      variables: its variables.
      data: what it was trained on.
      seed: of the choice of the images and of the noise.

    Returns:
      One picture, uint8 [H, W, C].
    """
    if model.translate:
        return Gallery(model, data, number=SHOWN, seed=seed, columns=COLUMNS).picture(variables)
    draw = sampler(model, data.signature.units)
    halves = [draw(variables, seed, SHOWN, {DOMAIN: np.full(SHOWN, index, np.int32)}) for index in (0, 1)]
    return in_rows(alike(halves), COLUMNS)
