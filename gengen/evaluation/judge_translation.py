"""How good translations of held-out images are: as images of their domain, there and back, against their targets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.data.signature import DataSet
from gengen.evaluation.judge import pick
from gengen.evaluation.judge_domains import SETS, as_images, judge_domains, see, survival
from gengen.inference.conditions import DOMAIN
from gengen.inference.domains import aligned, domains
from gengen.inference.translation import Translations
from gengen.metrics.pairs import absolute_error, mean_error, measure, retrieve
from gengen.pictures.grid import without_alpha
from gengen.reports.tables import table, with_interval

SEED = 0
"""Of the model's noise, where none is named."""

ANSWERS = {
    "outputs": "the model",
    "retrieval": "the pair whose input is nearest",
    "fill": "the trivial fill",
}
"""What is compared with targets."""

COLUMNS = {"absolute_error": "absolute error", "psnr": "PSNR in dB", "ssim": "SSIM", "sharpness": "sharpness"}
"""Scores of pairs."""

NAMED = {"outputs": "translations", "real": "held-out images of the target", "inputs": "inputs as they are"}
"""What a classifier of the target names."""

Fill = Callable[[np.ndarray], np.ndarray]
"""A trivial answer: inputs uint8 [N, H, W, C] -> targets uint8 [N, H, W, C']."""


def judge_translation(
    model: GenerativeModel,
    variables: Variables,
    data: DataSet,
    settings: ConfigDict,
    num: int,
    *,
    seed: int = SEED,
    fill: Fill | None = None,
) -> dict[str, dict[str, Any]]:
    """Judges the translations of held-out images in each direction that a model can take, or samples in pairs.

    As images of their domain they are compared with its held-out images, through the extractor of that domain, beside
    training images of the domain (the floor) and the inputs as they are, where these have its shape. Where the inputs
    are paired with the reference, a perfect translation has a Fréchet distance of 0, below the floor. Where pairs are
    known, translations are compared with their targets, beside what two trivial answers reach; sharpness says whether
    a small error was bought with blur. Where both domains have the same classes, a classifier of the target's says how
    many labels survive. All is measured on pixels of 8 bits. A model that does not translate, but whose samples are
    told their domain, is judged by `judge_domains`.

    Args:
      model: the model.
      variables: its variables.
      data: what it was trained on.
      settings: the section `evaluation`.
      num: the most held-out images to translate; there are no more than training images of the target's domain.
      seed: of the model's noise.
      fill: a trivial answer; by default the input itself, without an alpha and with grey repeated as colour, where it
        then has the right shape.

    Returns:
      By direction, "ab" or "ba", as JSON can hold it: "images", how many were translated; "domain", the name of the
      data set that they are compared with; "scores", by the names of `SCORES` the estimates of `SETS`, with the
      "extractor", the size of the "reference" and from how many images the distance is "meaningful_from", or "unfit",
      a sentence that says why there are none; "cycle", the mean absolute error of a pixel in [0, 1] after the way back,
      None where there is none; "pairs", by the names of `ANSWERS` the scores of `metrics.pairs.measure`, empty where no
      pairs are known; and "survival", as the function of that name has it. By domain where `judge_domains` judges.
      Empty where the model can do neither.
    """
    if model.translate is None:
        told = DOMAIN in model.conditions
        return judge_domains(model, variables, data, settings, num, seed=seed) if told else {}
    translations, both = Translations(model, data.signature, seed), domains(data, model)
    known = aligned(data, model)
    report = {}
    for way in translations.directions:
        source, target = (both[name] for name in way)
        indices, inputs = pick(source.splits["test"]["data"], min(num, len(target.splits["train"]["data"])))
        outputs, back = translations.there_and_back(variables, way, inputs, indices)
        report[way] = {
            **_against_real(source, target, settings, indices, outputs),
            "cycle": None if back is None else mean_error(absolute_error(back, inputs))._asdict(),
            "pairs": _against_targets(source, target, indices, outputs, fill) if known else {},
        }
    return report


def sentences_of(report: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Says what `judge_translation` found, in tables and lines; nothing where there is nothing."""
    told = any("agreement" in found for found in report.values())
    made, column = ("Samples of domain", "domain") if told else ("Translations", "direction")
    sets = [name for name in SETS if any(name in score for found in report.values() for score in _scores(found))]
    if rows := [row for way, found in report.items() for row in _image_rows(way, found, sets)]:
        what = "Samples that were told their domain" if told else "Translations of held-out images"
        yield f"{what}, as images of their domain:\n\n" + table(
            rows, (column, "images", "score [95 % interval]", *(SETS[name] for name in sets), "sees")
        )
    for way, found in report.items():
        if "unfit" in found:
            yield f"{made} {_way(way)} are not judged as images of their domain: {found['unfit']}"
        elif found["images"] < found["meaningful_from"]:
            yield (
                f"Fréchet distance {_way(way)}: {found['images']:,} images are fewer than the "
                f"{found['meaningful_from']:,} from which it means something."
            )
        if cycle := found.get("cycle"):
            yield f"There and back {_way(way)}: mean absolute error of a pixel in [0, 1] {with_interval(cycle)}."
    if rows := [row for way, found in report.items() for row in _pair_rows(way, found)]:
        yield "Answers against their targets (sharpness: Laplacian energy as a part of the targets'):\n\n" + table(
            rows, ("direction", "answer", *COLUMNS.values())
        )
    if rows := [_survival_row(way, found["survival"]) for way, found in report.items() if found.get("survival")]:
        yield "Labels that a classifier of the target's domain names right:\n\n" + table(
            rows, ("direction", *NAMED.values(), "classifier")
        )
    for agreed in [found["agreement"] for found in report.values() if found.get("agreement")][:1]:
        yield (
            f"Both halves of a pair are of one class, by the classifier of each domain: "
            f"{with_interval(agreed['pairs'])} of the pairs; halves of different pairs "
            f"{with_interval(agreed['by_chance'])}."
        )


def _against_real(
    source: DataSet, target: DataSet, settings: ConfigDict, indices: np.ndarray, outputs: np.ndarray
) -> dict[str, Any]:
    """What translations uint8 [N, H, W, C] are as images of the target, and how many of their labels survived."""
    inputs = without_alpha(source.splits["test"]["data"][indices])
    shown = {"outputs": outputs} | ({"inputs": np.asarray(inputs)} if inputs.shape == outputs.shape else {})
    seen = see(target, settings, shown)
    return {
        "images": len(outputs),
        "domain": target.signature.name,
        **as_images(seen),
        "survival": survival(seen, source, target, indices),
    }


def _against_targets(
    source: DataSet, target: DataSet, indices: np.ndarray, outputs: np.ndarray, fill: Fill | None
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of translations and of trivial answers, each uint8 [N, H, W, C], against their targets."""
    pairs = (domain.splits["test"]["data"][indices] for domain in (source, target))
    inputs, targets = (np.asarray(without_alpha(images)) for images in pairs)
    near = retrieve(inputs, without_alpha(source.splits["train"]["data"]))
    found = {"outputs": outputs, "retrieval": np.asarray(target.splits["train"]["data"][near])}
    trivial = fill(inputs) if fill else _as_it_is(inputs, targets.shape)
    if trivial is not None:
        found["fill"] = trivial
    scores = {name: measure(images, targets) for name, images in found.items()}
    return {name: {score: estimate._asdict() for score, estimate in each.items()} for name, each in scores.items()}


def _as_it_is(inputs: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Inputs as answers, grey repeated as colour; None where they have another shape all the same."""
    laid = inputs.repeat(shape[-1], axis=-1) if inputs.shape[-1] == 1 else inputs
    return laid if laid.shape == shape else None


def _scores(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(found.get("scores", {}).values())


def _image_rows(way: str, found: Mapping[str, Any], sets: Sequence[str]) -> Iterator[list[str]]:
    for name, score in found.get("scores", {}).items():
        shown = [with_interval(score[kind]) if kind in score else "" for kind in sets]
        title = name.replace("_", " ").replace("frechet", "Fréchet")
        yield [_way(way), f"{found['images']:,}", title, *shown, found["extractor"]["title"]]


def _pair_rows(way: str, found: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, scores in found.get("pairs", {}).items():
        cells = [with_interval(scores[column]) if column in scores else "" for column in COLUMNS]
        yield [_way(way), ANSWERS[name], *cells]


def _survival_row(way: str, found: Mapping[str, Any]) -> list[str]:
    return [
        _way(way),
        *(with_interval(found[name]) if name in found else "" for name in NAMED),
        found["classifier"],
    ]


def _way(name: str) -> str:
    """A direction or a domain, in words."""
    return " to ".join(name)
