"""`--mode=evaluate`: how good a run's samples are, and how far each number can be trusted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.model import require
from gengen.core.refusal import Refusal
from gengen.data.dataset import DataSet
from gengen.metrics import classes as class_scores
from gengen.metrics.copying import copied
from gengen.metrics.interval import Estimate
from gengen.metrics.scores import SCORES, Images, labels_of
from gengen.metrics.verdict import Classes, verdict
from gengen.pictures.chart import Panel, Shares, save_scores
from gengen.tasks.compare import with_interval
from gengen.tasks.describe import table
from gengen.tasks.judge import Judge
from gengen.tasks.prepare import load_data
from gengen.tasks.sample import check_flags, restore, sampler
from gengen.training.run_folder import read_folder, write_whole

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

    Args:
      workdir: the run folder.
      num: number of samples.
      seed: of the noise.
      output: the .json to write, its ending added if it has none; `evaluation.json` in the run folder by default.
      best: judge the best checkpoint instead of the latest.
      raw: judge the weights as trained instead of their average.
      config: where the section `evaluation` and the places of the data come from; the run's own config by default.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: a number is out of range, the run has no checkpoint, its data are gone or other ones, or a score or an
        extractor cannot be had.
    """
    check_flags(num=num, least=LEAST, seed=seed, output=output)
    model, step, state = restore(workdir, best=best)
    for score in SCORES.values():
        require(model, score.requires)
    settings, data = _settings_and_data(workdir, config)
    judge = Judge(data, settings, num=num)
    images = judge.images(sampler(model)(evaluation_variables(state, raw=raw), seed, num))
    origin = {
        "run": str(workdir),
        "step": step,
        "checkpoint": "best" if best else "latest",
        "weights": "as trained" if raw or not state.average else "averaged",
        "seed": seed,
    }
    shares = _classes(judge, images, data)
    report = origin | _judged(judge, images, shares, data)
    _print(report)
    path = _path(workdir, output)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = path.with_suffix(".png")
    _draw(picture, report, judge, images, shares, data)
    write_whole(path, json.dumps(report, indent=2))
    print(picture)
    return path


def _judged(judge: Judge, images: Images, shares: Classes | None, data: DataSet) -> dict[str, Any]:
    """Scores the samples and what they are compared with, and says what follows."""
    floor = judge.floor()
    sets = {"samples": images, "floor": floor, **_ceilings(judge, floor)}
    found = {name: judge.scores(shown) for name, shown in sets.items()}
    return {
        "data": data.signature.name,
        "data_digest": data.signature.digest,
        "sizes": {
            "samples": len(images.pixels),
            "compared": judge.compared,
            "reference": len(judge.real.reference.pixels),
            "training": len(judge.real.training),
        },
        "scores": {name: _entry(judge, name, found, len(images.pixels)) for name in judge.names},
        "classes": _shares_as_json(shares),
        "verdict": verdict(found["samples"], found["floor"], found["noise"], shares),
    }


def _settings_and_data(workdir: Path, config: ConfigDict | None) -> tuple[ConfigDict, DataSet]:
    own, signature = read_folder(workdir)
    given = own if config is None else config
    for key in ("data_dir", "manual_dir"):
        own.data[key] = given.data[key] or own.data[key]
    data = load_data(own)
    if data.signature.digest != signature["digest"]:
        raise Refusal(f"the data of {own.data.name} are not those that {workdir} was trained on: their digests differ.")
    return given.evaluation, data


def _ceilings(judge: Judge, floor: Images) -> dict[str, Images]:
    """Two sets that are known to be bad: uniform noise, and one training image repeated."""
    noise = np.random.default_rng(0).integers(0, 256, floor.pixels.shape, dtype=np.uint8)
    return {"noise": judge.images(noise), "one_image": judge.images(np.repeat(floor.pixels[:1], len(noise), axis=0))}


def _classes(judge: Judge, images: Images, data: DataSet) -> Classes | None:
    if judge.real.shares is None:
        return None
    names = data.signature.classes
    return Classes(names, class_scores.shares(labels_of(images), len(names)), judge.real.shares)


def _entry(judge: Judge, name: str, found: dict[str, dict[str, Estimate]], samples: int) -> dict[str, Any]:
    """One score as JSON: what it is, what it sees, its sizes, and its estimate for each set."""
    score, extractor = SCORES[name], judge.extractor(name)
    sizes = {"samples": samples}
    if score.compares:
        sizes = {"samples": judge.compared, "reference": len(judge.real.reference.pixels)}
    least = judge.least(name)
    return {
        "title": score.title,
        "better": score.better,
        "extractor": None
        if extractor is None
        else {
            "name": extractor.name,
            "digest": extractor.digest,
            "dimension": extractor.dimension,
            "resize": extractor.resize,
            "accuracy": extractor.accuracy,
        },
        "paper": score.paper,
        "sizes": sizes,
        "meaningful_from": least,
        "meaningful": min(sizes.values()) >= least,
        **{name_of_set: found[name_of_set][name]._asdict() for name_of_set in SETS},
    }


def _shares_as_json(classes: Classes | None) -> dict[str, Any] | None:
    if classes is None:
        return None
    return {
        name: {**share._asdict(), "data": float(expected)}
        for name, share, expected in zip(classes.names, classes.samples, classes.data, strict=True)
    }


def _print(report: dict[str, Any]) -> None:
    """Prints the table, its notes and the verdict."""
    sizes = report["sizes"]
    print(
        f"{sizes['samples']:,} samples of step {report['step']} ({report['checkpoint']} checkpoint, weights "
        f"{report['weights']}, seed {report['seed']});\n{sizes['compared']:,} of them, and as many training images in "
        f"their place (real), are compared with {sizes['reference']:,} held-out images of {report['data']}\n"
    )
    rows = []
    for entry in report["scores"].values():
        mark = "" if entry["meaningful"] else " *"
        shown = [with_interval(entry[name]) for name in SETS]
        sees = entry["extractor"] or {"name": "images", "digest": ""}
        rows.append([entry["title"] + mark, *shown, entry["better"], f"{sees['name']} {sees['digest']}".strip()])
    print(table(rows, ("score [95 % interval]", *SETS.values(), "better", "sees")))
    for entry in report["scores"].values():
        if not entry["meaningful"]:
            print(
                f"* {entry['title']}: {min(entry['sizes'].values()):,} images are fewer than the "
                f"{entry['meaningful_from']:,} from which it means something."
            )
    print("\n" + "\n".join(report["verdict"]) + "\n")


def _path(workdir: Path, output: Path | None) -> Path:
    path = output or workdir / "evaluation.json"
    return path if path.suffix == ".json" else path.with_name(f"{path.name}.json")


def _draw(
    path: Path, report: dict[str, Any], judge: Judge, images: Images, classes: Classes | None, data: DataSet
) -> None:
    panels = [
        Panel(
            f"{entry['title']} ({entry['better']})",
            [(shown, *(entry[name][end] for end in ("value", "low", "high"))) for name, shown in SETS.items()],
        )
        for entry in report["scores"].values()
    ]
    shares = None
    if classes is not None:
        value, low, high = np.array(classes.samples).T
        shares = Shares(classes.names, value, low, high, classes.data)
    nearest = copied(images.points[:PAIRS], judge.real.training, judge.real.limit).nearest
    pairs = np.stack([images.pixels[:PAIRS], data.splits["train"]["image"][nearest]])
    title = f"{report['run']}, step {report['step']}, weights {report['weights']}"
    save_scores(path, title, panels, shares, pairs, "samples, and below each the training image nearest to it")
