"""How good samples are: their scores beside those of real data and of noise, and what follows from them."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gengen.core.field import Field
from gengen.data.points import density_of
from gengen.evaluation.extractor import Extractor
from gengen.evaluation.judging import Judge, Section, Subject
from gengen.metrics import classes as class_scores
from gengen.metrics.comparison import Compared
from gengen.metrics.copying import copied
from gengen.metrics.examples import Examples
from gengen.metrics.frechet import frechet_distance
from gengen.metrics.interval import Estimate
from gengen.metrics.measures import labels_of
from gengen.metrics.scores import SCORES
from gengen.metrics.verdict import Classes, verdict
from gengen.pictures.chart import Panel, Shares, chart
from gengen.pictures.grid import grid
from gengen.pictures.kinds import KINDS
from gengen.reports.evaluations import SETS, titles

PAIRS = 16
"""Samples shown above their nearest training image, and volumes."""


def samples(subject: Subject) -> Section | None:
    """Scores the samples of a run and what they are compared with, and says what follows.

    Training examples in their place are the floor; noise, and one training example repeated, are known to be bad.

    Returns:
      "sizes", "extractors", "scores", "classes", "left_out" and "verdict", and a chart of them; None where there are no
      samples.
    """
    if subject.samples is None:
        return None
    run = subject.run
    member = f", {run.member}" if run.member else ""
    return scored(*subject.samples, f"{run.folder.name}, step {run.step}, weights {run.origin['weights']}{member}")


def scored(judge: Judge, drawn: Examples, title: str) -> Section:
    """What `samples` returns of examples, wherever they are from; `title` says it above the chart."""
    shares, sets = _classes(judge, drawn), {"samples": drawn, **_comparisons(judge)}
    found = {name: judge.scores(shown) for name, shown in sets.items()}
    compared = judge.compared(drawn, sets["floor"], found["samples"], found["floor"])
    training = len(judge.real.training)
    distance = found["samples"].get("frechet_distance")
    # Uniform noise about a few numbers lies near to them: there, a distance says nothing of it.
    noisy = distance is not None and judge.signature.kind == "picture"
    said = verdict(
        compared,
        distance,
        frechet_distance(sets["noise"].features, drawn.features) if noisy else None,
        shares,
        number=judge.num,
        training=training,
        nouns=judge.nouns,
    )
    report: dict[str, Any] = {
        "sizes": {"samples": judge.num, "reference": len(judge.real.reference.data), "training": training},
        "extractors": [_as_json(extractor) for extractor in dict.fromkeys(map(judge.extractor, judge.names))],
        "scores": {name: _entry(judge, name, found, compared) for name in judge.names},
        "classes": _shares_as_json(shares),
        "left_out": judge.left_out,
        "verdict": said,
    }
    return Section(report, lambda: _chart(title, report, judge, drawn, shares))


def noise_like(field: Field, examples: np.ndarray, number: int) -> np.ndarray:
    """Uniform noise in the range of examples.

    Args:
      field: of the data; whole numbers have its bounds, others lie between the least and the greatest of each feature.
      examples: that show the range [M, *shape].
      number: how many to draw, always the same.

    Returns:
      Noise [number, *shape] of the field's type.
    """
    random, shape = np.random.default_rng(0), (number, *field.shape)
    if np.issubdtype(field.dtype, np.integer):
        assert field.low is not None and field.high is not None
        return random.integers(int(field.low), int(field.high) + 1, shape, dtype=field.dtype)
    axes = tuple(range(examples.ndim - 1))
    return random.uniform(examples.min(axes), examples.max(axes), shape).astype(field.dtype)


def _comparisons(judge: Judge) -> dict[str, Examples]:
    """Training examples in the place of samples, noise, and one training example repeated; all asked the same."""
    floor = judge.floor
    noise = noise_like(judge.signature.fields["data"], judge.training, judge.num)
    one = judge.examples(floor.data[:1])
    repeated = jax.tree.map(lambda field: np.repeat(field, judge.num, axis=0), one)
    return {
        "floor": floor,
        "noise": judge.examples(noise, asked=floor.asked),
        "one_image": repeated._replace(asked=floor.asked),
    }


def _classes(judge: Judge, drawn: Examples) -> Classes | None:
    if judge.real.shares is None:
        return None
    names = judge.signature.classes
    return Classes(names, class_scores.shares(labels_of(drawn), len(names)), judge.real.shares)


def _entry(
    judge: Judge, name: str, found: Mapping[str, Mapping[str, Estimate]], compared: Mapping[str, Compared]
) -> dict[str, Any]:
    """One score as JSON: what it is, what it sees, its sizes, its estimate for each set, and how it tells samples."""
    score, least = SCORES[name], judge.least(name)
    sizes = {"samples": judge.num}
    if score.compares:
        reference = len(judge.real.reference.data)
        smaller = min(judge.num, reference)
        sizes = {"samples": smaller, "reference": smaller} if score.evenly else {**sizes, "reference": reference}
    return {
        "title": score.title_of(judge.nouns[1]),
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
    fields = ("name", "digest", "title", "dimension", "classes", "resize", "accuracy", "teacher")
    return {field: getattr(extractor, field) for field in fields}


def _shares_as_json(classes: Classes | None) -> dict[str, Any] | None:
    if classes is None:
        return None
    return {
        name: {**share._asdict(), "data": float(expected)}
        for name, share, expected in zip(classes.names, classes.samples, classes.data, strict=True)
    }


def _chart(title: str, report: Mapping[str, Any], judge: Judge, drawn: Examples, classes: Classes | None) -> np.ndarray:
    names = titles(judge.nouns)
    panels = [
        Panel(
            f"{entry['title']} ({entry['better']}: better)",
            [(shown, *(entry[label][end] for end in ("value", "low", "high"))) for label, shown in names.items()],
            logarithmic=SCORES[name].logarithmic,
        )
        for name, entry in report["scores"].items()
    ]
    shares = None
    if classes is not None:
        value, low, high = np.array(classes.samples).T
        shares = Shares(classes.names, value, low, high, classes.data)
    seen = " and ".join(extractor["title"] for extractor in report["extractors"])
    return chart(f"{title}, seen by {seen}", panels, shares, *_shown(judge, drawn))


def _shown(judge: Judge, drawn: Examples) -> tuple[np.ndarray, str]:
    """Samples beside data in one picture, and what it is."""
    kind = judge.signature.kind
    if kind == "picture":
        nearest = copied(drawn.points[:PAIRS], judge.real.training, judge.real.limit).nearest
        pairs = np.concatenate([drawn.data[:PAIRS], judge.copied[nearest]])
        return grid(pairs, columns=len(nearest)), "samples, and below each the training image nearest to it"
    number = PAIRS if kind == "volume" else judge.num
    groups = {"held-out data": judge.real.reference.data[:number], "samples": drawn.data[:number]}
    return KINDS[kind].sheet(groups, density=density_of(judge.signature)), f"held-out {judge.nouns[1]}, and samples"
