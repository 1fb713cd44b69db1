"""`--mode=evaluate`: how good a run's samples are, and how far each number can be trusted.

Models of two domains have no single data set to compare samples with: `evaluate_translation` judges them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, require
from gengen.core.state import Variables
from gengen.data.dataset import DataSet
from gengen.evaluation import evaluate_translation
from gengen.evaluation.codes import judge_codes, sentences_of
from gengen.evaluation.evidence import judge_likelihood, judge_parzen, judge_regularity, judge_representation, sentences
from gengen.evaluation.features import Extractor
from gengen.evaluation.judge import Judge
from gengen.files.whole import write_whole
from gengen.inference.conditions import classes_of
from gengen.inference.sampling import sampler
from gengen.metrics import classes as class_scores
from gengen.metrics.comparison import Compared
from gengen.metrics.copying import copied
from gengen.metrics.frechet import frechet_distance
from gengen.metrics.interval import Estimate
from gengen.metrics.scores import SCORES, Images, labels_of
from gengen.metrics.verdict import Classes, verdict
from gengen.pictures.chart import Panel, Shares, save_scores
from gengen.reports.tables import table, with_interval
from gengen.runs.data import data_of
from gengen.runs.folder import read_folder
from gengen.runs.limits import check_flags
from gengen.runs.opened import restore
from gengen.runs.outputs import output_files
from gengen.runs.prior import complete

LEAST = 100
"""The fewest samples that are judged."""

SETS = {"samples": "samples", "floor": "real", "noise": "noise", "one_image": "one image"}
"""What is judged: the samples, then training images in their place (the floor), then two that are known to be bad."""

PAIRS = 16
"""Samples shown above their nearest training image."""


def run(
    workdir: Path,
    *,
    num: int,
    seed: int,
    output: Path | None,
    best: bool = False,
    raw: bool = False,
    config: ConfigDict | None = None,
) -> Path:
    """Judges samples of a run; prints a table and a verdict, and writes both as JSON with a figure beside it.

    Of a model that translates, or makes pairs of samples, the translations or the pairs are judged instead, and of one
    that only recognises images, how many it names right.

    Args:
      workdir: the run folder.
      num: number of samples or held-out images; there are no more of them than training images.
      seed: of the noise.
      output: the .json to write, with its ending or without; `evaluation.json` in the run folder by default.
      best: judge the best checkpoint instead of the latest.
      raw: judge the weights as trained instead of their average.
      config: where the section `evaluation` and the places of the data come from; the run's own config by default.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: a number is out of range, the run has no checkpoint, its data are gone or other ones, or a score or an
        extractor cannot be had.
    """
    check_flags(num=num, least=LEAST, seed=seed)
    model, step, state = restore(workdir, best=best)
    settings, data = _settings_and_data(workdir, config)
    origin = {
        "run": str(workdir),
        "step": step,
        "checkpoint": "best" if best else "latest",
        "weights": "as trained" if raw or not state.average else "averaged",
        "seed": seed,
    }
    if evaluate_translation.has_two_domains(model):
        variables = evaluation_variables(state, raw=raw)
        return evaluate_translation.evaluate(model, variables, data, settings, origin, num=num, output=output)
    model, variables = complete(model, workdir, step, state, settings, best=best, raw=raw, load=lambda: data)
    for score in SCORES.values():
        require(model, score.requires)
    path, picture = output_files(output, workdir / "evaluation.json", ".json", ".png")
    judge = Judge(data, settings, num=num, labelled=classes_of(model) > 0)
    images = judge.samples(sampler(model), variables, seed)
    shares = _classes(judge, images, data)
    report = origin | _judged(judge, images, shares, data) | _beyond(model, variables, data, settings, images)
    _print(report, asked=num)
    _draw(picture, report, judge, images, shares)
    write_whole(path, json.dumps(report, indent=2))
    print(picture)
    return path


def _judged(judge: Judge, images: Images, shares: Classes | None, data: DataSet) -> dict[str, Any]:
    """Scores the samples and what they are compared with, and says what follows."""
    sets = {"samples": images, **_comparisons(judge)}
    found = {name: judge.scores(shown) for name, shown in sets.items()}
    compared = judge.compared(images, sets["floor"], found["samples"], found["floor"])
    to_noise = frechet_distance(sets["noise"].features, images.features)
    return {
        "data": data.signature.name,
        "data_digest": data.signature.digest,
        "sizes": {
            "samples": judge.num,
            "reference": len(judge.real.reference.pixels),
            "training": len(judge.real.training),
        },
        "extractors": [_as_json(extractor) for extractor in dict.fromkeys(map(judge.extractor, judge.names))],
        "scores": {name: _entry(judge, name, found, compared) for name in judge.names},
        "classes": _shares_as_json(shares),
        "verdict": verdict(
            compared,
            found["samples"]["frechet_distance"],
            to_noise,
            shares,
            number=judge.num,
            training=len(judge.real.training),
        ),
    }


def _comparisons(judge: Judge) -> dict[str, Images]:
    """Training images in the place of samples, uniform noise, and one training image repeated; all asked the same."""
    floor = judge.floor()
    noise = np.random.default_rng(0).integers(0, 256, floor.pixels.shape, dtype=np.uint8)
    one = judge.images(floor.pixels[:1])
    repeated = jax.tree.map(lambda field: np.repeat(field, judge.num, axis=0), one)
    return {
        "floor": floor,
        "noise": judge.images(noise, asked=floor.asked),
        "one_image": repeated._replace(asked=floor.asked),
    }


def _settings_and_data(workdir: Path, config: ConfigDict | None) -> tuple[ConfigDict, DataSet]:
    given = read_folder(workdir)[0] if config is None else config
    data = data_of(workdir, given)
    return given.evaluation, data


def _beyond(
    model: GenerativeModel, variables: Variables, data: DataSet, settings: ConfigDict, images: Images
) -> dict[str, Any]:
    """What can be said of the model beyond the scores of its samples."""
    return {
        "codes": judge_codes(model, variables, data),
        "likelihood": judge_likelihood(model, variables, data, settings),
        "parzen": judge_parzen(images.pixels, data) if settings.get("parzen", False) else {},
        "representation": judge_representation(model, variables, data),
        "regularity": judge_regularity(model, variables, images.class_log_probabilities, data.signature),
    }


def _classes(judge: Judge, images: Images, data: DataSet) -> Classes | None:
    if judge.real.shares is None:
        return None
    names = data.signature.classes
    return Classes(names, class_scores.shares(labels_of(images), len(names)), judge.real.shares)


def _entry(
    judge: Judge, name: str, found: dict[str, dict[str, Estimate]], compared: dict[str, Compared]
) -> dict[str, Any]:
    """One score as JSON: what it is, what it sees, its sizes, its estimate for each set, and how it tells samples."""
    score, least = SCORES[name], judge.least(name)
    sizes = {"samples": judge.num}
    if score.compares:
        reference = len(judge.real.reference.pixels)
        smaller = min(judge.num, reference)
        sizes = {"samples": smaller, "reference": smaller} if score.evenly else {**sizes, "reference": reference}
    return {
        "title": score.title,
        "better": score.better,
        "extractor": _as_json(judge.extractor(name)),
        "paper": score.paper,
        "sizes": sizes,
        "meaningful_from": least,
        "meaningful": min(sizes.values()) >= least,
        "note": score.note,
        **{shown: found[shown][name]._asdict() for shown in SETS},
        "difference": _difference_as_json(compared[name]) if name in compared else None,
    }


def _difference_as_json(found: Compared) -> dict[str, Any]:
    difference = found.difference
    return {
        "real": found.real.value,
        "samples": found.samples.value,
        "images": found.number or None,
        **{end: getattr(difference, end) for end in ("value", "low", "high", "worse", "p_value")},
    }


def _as_json(extractor: Extractor) -> dict[str, Any]:
    fields = ("name", "digest", "title", "dimension", "classes", "resize", "accuracy")
    return {field: getattr(extractor, field) for field in fields}


def _shares_as_json(classes: Classes | None) -> dict[str, Any] | None:
    if classes is None:
        return None
    return {
        name: {**share._asdict(), "data": float(expected)}
        for name, share, expected in zip(classes.names, classes.samples, classes.data, strict=True)
    }


def _print(report: dict[str, Any], *, asked: int) -> None:
    """Prints the table, its notes and the verdict."""
    sizes = report["sizes"]
    fewer = f", as there are no more training images to set beside {asked:,}" if sizes["samples"] < asked else ""
    print(
        f"{sizes['samples']:,} samples of step {report['step']} ({report['checkpoint']} checkpoint, weights "
        f"{report['weights']}, seed {report['seed']}){fewer};\nas many training images in their place (real), noise, "
        f"and one image repeated; all compared with {sizes['reference']:,} held-out images of {report['data']}\n"
    )
    rows = []
    for entry in report["scores"].values():
        mark = "" if entry["meaningful"] else " *"
        shown = [with_interval(entry[name]) for name in SETS]
        rows.append([entry["title"] + mark, *shown, entry["better"], entry["extractor"]["title"]])
    print(table(rows, ("score [95 % interval]", *SETS.values(), "better", "sees")))
    for note in (note for entry in report["scores"].values() for note in _notes(entry)):
        print(note)
    for extractor in report["extractors"]:
        if extractor["accuracy"] is not None:
            print(f"{extractor['title']} names {extractor['accuracy']:.2%} of the held-out images right.")
    print("\n" + "\n".join((*report["verdict"], *sentences_of(report["codes"]), *sentences(report))) + "\n")


def _notes(entry: dict[str, Any]) -> Iterator[str]:
    """What a reader of a score might stumble over."""
    if not entry["meaningful"]:
        yield (
            f"* {entry['title']}: {min(entry['sizes'].values()):,} images are fewer than the "
            f"{entry['meaningful_from']:,} from which it means something."
        )
    if entry["note"] and min(entry[shown]["value"] for shown in SETS) < 0:
        yield f"{entry['title']}: {entry['note']}."


def _draw(path: Path, report: dict[str, Any], judge: Judge, images: Images, classes: Classes | None) -> None:
    panels = [
        Panel(
            f"{entry['title']} ({entry['better']}: better)",
            [(shown, *(entry[label][end] for end in ("value", "low", "high"))) for label, shown in SETS.items()],
            logarithmic=SCORES[name].logarithmic,
        )
        for name, entry in report["scores"].items()
    ]
    shares = None
    if classes is not None:
        value, low, high = np.array(classes.samples).T
        shares = Shares(classes.names, value, low, high, classes.data)
    nearest = copied(images.points[:PAIRS], judge.real.training, judge.real.limit).nearest
    pairs = np.stack([images.pixels[:PAIRS], judge.training[nearest]])
    seen = " and ".join(extractor["title"] for extractor in report["extractors"])
    title = f"{Path(report['run']).name}, step {report['step']}, weights {report['weights']}, seen by {seen}"
    save_scores(path, title, panels, shares, pairs, "samples, and below each the training image nearest to it")
