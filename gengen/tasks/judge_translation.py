"""How good translations of held-out images are: as images of their domain, there and back, against their targets."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.data.signature import DataSet
from gengen.metrics.pairs import absolute_error, mean_error, measure, retrieve
from gengen.pictures.grid import to_pixels
from gengen.tasks.compare import with_interval
from gengen.tasks.describe import table
from gengen.tasks.domains import aligned, domains
from gengen.tasks.features import UnfitDataError
from gengen.tasks.judge import Judge, pick
from gengen.tasks.translations import Translations

SEED = 0
"""Of the model's noise."""

SCORES = ("frechet_distance", "precision", "recall")
"""What translations are judged by as images of their domain."""

SETS = {"outputs": "translations", "floor": "real", "inputs": "inputs"}
"""What is judged as images of a domain: translations, training images in their place, and what was translated."""

ANSWERS = {
    "outputs": "the model",
    "retrieval": "the pair whose input is nearest",
    "fill": "the trivial fill",
}
"""What is compared with targets."""

COLUMNS = {"absolute_error": "absolute error", "psnr": "PSNR in dB", "ssim": "SSIM", "sharpness": "sharpness"}
"""Scores of pairs."""

Fill = Callable[[np.ndarray], np.ndarray]
"""A trivial answer: inputs uint8 [N, H, W, C] -> targets uint8 [N, H, W, C']."""


def judge_translation(
    model: GenerativeModel,
    variables: Variables,
    data: DataSet,
    settings: ConfigDict,
    num: int,
    *,
    fill: Fill | None = None,
) -> dict[str, dict[str, Any]]:
    """Judges the translations of held-out images in each direction that a model can take.

    As images of their domain they are compared with its held-out images, through the extractor of that domain, beside
    training images of the domain (the floor) and the inputs as they are, where these have its shape. Where the inputs
    are paired with the reference, a perfect translation has a Fréchet distance of 0, below the floor. Where pairs are
    known, translations are compared with their targets, beside what two trivial answers reach; sharpness says whether
    a small error was bought with blur. All is measured on pixels of 8 bits.

    Args:
      model: the model.
      variables: its variables.
      data: what it was trained on.
      settings: the section `evaluation`.
      num: the most held-out images to translate; there are no more than training images of the target's domain.
      fill: a trivial answer; by default the input itself, grey repeated as colour, where it then has the right shape.

    Returns:
      By direction, "ab" or "ba", as JSON can hold it: "images", how many were translated; "domain", the name of the
      data set that they are compared with; "scores", by the names of `SCORES` the estimates of `SETS`, with the
      "extractor", the size of the "reference" and from how many images the distance is "meaningful_from", or "unfit",
      a sentence that says why there are none; "cycle", the mean absolute error of a pixel in [0, 1] after the way back,
      None where there is none; and "pairs", by the names of `ANSWERS` the scores of `metrics.pairs.measure`, empty
      where no pairs are known. Empty where the model cannot translate.
    """
    if model.translate is None:
        return {}
    translations = Translations(model, SEED)
    both, known = domains(data, model), aligned(data, model)
    report = {}
    for direction in translations.directions:
        source, target = (both[name] for name in direction)
        most = min(num, len(target.splits["train"]["image"]))
        places, inputs = pick(source.splits["test"]["image"], most)
        outputs = translations.translate(variables, direction, inputs, places)
        back = translations.back(variables, direction, outputs, places)
        pixels = to_pixels(outputs)
        cycle = None if back is None else mean_error(absolute_error(to_pixels(back), inputs))
        report[direction] = {
            "images": len(inputs),
            "domain": target.signature.name,
            **_as_images(target, settings, pixels, inputs),
            "cycle": cycle._asdict() if cycle else None,
            "pairs": _against_targets(source, target, places, pixels, fill) if known else {},
        }
    return report


def sentences_of(report: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Says what `judge_translation` found, in tables and lines; nothing where there is nothing."""
    if rows := [row for direction, found in report.items() for row in _image_rows(direction, found)]:
        yield "Translations of held-out images, as images of their domain:\n\n" + table(
            rows, ("direction", "images", "score [95 % interval]", *SETS.values(), "sees")
        )
    for direction, found in report.items():
        if "unfit" in found:
            yield f"Translations {_way(direction)} are not judged as images of their domain: {found['unfit']}"
        elif found["images"] < found["meaningful_from"]:
            yield (
                f"Fréchet distance {_way(direction)}: {found['images']:,} images are fewer than the "
                f"{found['meaningful_from']:,} from which it means something."
            )
        if found["cycle"]:
            yield (
                f"There and back {_way(direction)}: mean absolute error of a pixel in [0, 1] "
                f"{with_interval(found['cycle'])}."
            )
    if rows := [row for direction, found in report.items() for row in _pair_rows(direction, found)]:
        yield "Answers against their targets (sharpness: Laplacian energy as a part of the targets'):\n\n" + table(
            rows, ("direction", "answer", *COLUMNS.values())
        )


def _as_images(target: DataSet, settings: ConfigDict, outputs: np.ndarray, inputs: np.ndarray) -> dict[str, Any]:
    """Scores of images uint8 [N, H, W, C] as images of a domain, or why there are none."""
    try:
        judge = Judge(target, settings, num=len(outputs), scores=SCORES)
    except UnfitDataError as error:
        return {"unfit": str(error)}
    sets = {"outputs": judge.scores(judge.images(outputs)), "floor": judge.scores(judge.floor())}
    if inputs.shape == outputs.shape:
        sets["inputs"] = judge.scores(judge.images(inputs))
    extractor = judge.extractor(SCORES[0])
    return {
        "scores": {name: {shown: found[name]._asdict() for shown, found in sets.items()} for name in SCORES},
        "extractor": {field: getattr(extractor, field) for field in ("name", "digest", "title", "dimension")},
        "reference": len(judge.real.reference.pixels),
        "meaningful_from": judge.least(SCORES[0]),
    }


def _against_targets(
    source: DataSet, target: DataSet, places: np.ndarray, outputs: np.ndarray, fill: Fill | None
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of translations and of trivial answers, each uint8 [N, H, W, C], against their targets."""
    inputs, targets = (np.asarray(domain.splits["test"]["image"][places]) for domain in (source, target))
    near = retrieve(inputs, source.splits["train"]["image"])
    found = {"outputs": outputs, "retrieval": np.asarray(target.splits["train"]["image"][near])}
    trivial = fill(inputs) if fill else _as_it_is(inputs, targets.shape)
    if trivial is not None:
        found["fill"] = trivial
    scores = {name: measure(images, targets) for name, images in found.items()}
    return {name: {score: estimate._asdict() for score, estimate in each.items()} for name, each in scores.items()}


def _as_it_is(inputs: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Inputs as answers, grey repeated as colour; None where they have another shape all the same."""
    laid = inputs.repeat(shape[-1], axis=-1) if inputs.shape[-1] == 1 else inputs
    return laid if laid.shape == shape else None


def _image_rows(direction: str, found: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, score in found.get("scores", {}).items():
        shown = [with_interval(score[kind]) if kind in score else "" for kind in SETS]
        title = name.replace("_", " ").replace("frechet", "Fréchet")
        yield [_way(direction), f"{found['images']:,}", title, *shown, found["extractor"]["title"]]


def _pair_rows(direction: str, found: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, scores in found["pairs"].items():
        cells = [with_interval(scores[column]) if column in scores else "" for column in COLUMNS]
        yield [_way(direction), ANSWERS[name], *cells]


def _way(direction: str) -> str:
    return f"{direction[0]} to {direction[1]}"
