"""`--mode=detect`: which examples are anomalies, at a rate of false alarms that is asked for."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gengen.core.nouns import NOUNS
from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet
from gengen.evaluation import detectors
from gengen.evaluation.anomalies import AnomalyTest, anomaly_test, judged, told_by
from gengen.evaluation.detectors import DETECTORS, PAIR, scores_of
from gengen.evaluation.normal import Normal, Scorer
from gengen.files.whole import write_whole
from gengen.metrics.anomaly import expected_false_alarms, threshold
from gengen.pictures.detection import COLUMNS, Examples, save_detection, save_verdicts
from gengen.pictures.kinds import KINDS
from gengen.reports.detections import sentences, table_of
from gengen.reports.tables import number, table
from gengen.runs.data import pictures_of
from gengen.runs.outputs import output_files
from gengen.runs.run import Run

LEAST = 100
"""The fewest test examples that are scored."""

LISTED = 50
"""The most pictures of the user that are listed and drawn; all are in the JSON."""


class Alarm(NamedTuple):
    """A scorer and the scores of examples that it was not made with.

    Attributes:
      scorer: scores examples.
      calibration: scores of the examples that were set aside, float64 [N].
      threshold: above which there is an alarm.
    """

    scorer: Scorer
    calibration: np.ndarray
    threshold: float

    def p_values(self, scores: np.ndarray) -> np.ndarray:
        """How probable it is that a normal example scores as high as each of scores [n], by rank: Vovk et al. 2005.

        (1 + the number of calibration scores at least as high) / (N + 1), float64 [n]. It is at most the rate of false
        alarms exactly where the score is above the threshold.
        """
        below = np.searchsorted(np.sort(self.calibration), scores, "left")
        return np.asarray((1 + len(self.calibration) - below) / (1 + len(self.calibration)))

    @property
    def smallest_p_value(self) -> float:
        """What is said of a score above all calibration scores, however far: 1 / (N + 1)."""
        return 1 / (1 + len(self.calibration))


def main(run: Run, *, num: int, seed: int, output: Path | None, source: Path | None = None) -> Path:
    """Scores examples by `config.evaluation.anomaly_score` and raises an alarm at `config.evaluation.false_alarms`.

    The threshold comes from the examples that `config.data.held_out` sets aside, and is tried on test data: those of
    classes that the run was not restricted to, or of `config.evaluation.foreign`, are anomalies. Or it is told of each
    picture of the user whether it is normal. Prints a table and writes it as JSON with a figure beside it.

    Args:
      run: the run.
      num: the most test examples, or pictures of the user.
      seed: of the noise, and of the choice of test data.
      output: the .json to write; `detection.json` in the run folder by default, or `detected-NAME.json` for the user's.
      source: a picture of the user, or a folder of them, in the place of test data.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: a number is out of range, the model lacks what the score takes, too few examples were set aside, the data
        of the run are gone or other ones, or a picture cannot be read.
    """
    if source is None and num < LEAST:
        raise Refusal(f"--num={num} must be at least {LEAST}.")
    name, rate = run.settings.get("anomaly_score", "reconstruction"), run.settings.get("false_alarms", 0.05)
    detectors.check(name, run.model, run.signature.kind)
    data = run.data()
    _check_calibration(run, data, rate)
    shown = pictures_of(source, data.signature, num) if source else None
    default = run.folder / ("detected.json" if source else "detection.json")
    path, picture = output_files(output, default, ".json", ".png", source=source)
    train, held_out = (data.splits[split]["data"] for split in ("train", "held_out"))
    alarm = _calibrated(detectors.scorer(name, Normal(run, train, seed)), held_out, rate)
    report = {**run.origin, "seed": seed, **_method(name, run), "threshold": alarm.threshold}
    if shown is not None:
        report |= _say(alarm, rate, shown.images, shown.names, picture)
    else:
        tested = anomaly_test(run, data, num=num, seed=seed)
        report |= _try(alarm, rate, tested, train, picture, report | _beside(name, Normal(run, train, seed), tested))
    write_whole(path, json.dumps(report, indent=2))
    print(picture)
    return path


def _calibrated(scorer: Scorer, images: np.ndarray, rate: float) -> Alarm:
    scores = scores_of(scorer, images)
    return Alarm(scorer, scores, threshold(scores, rate))


def _method(name: str, run: Run) -> dict[str, Any]:
    """How examples were scored and by which data, as JSON."""
    detector, signature = DETECTORS[name], run.signature
    return {
        "data": signature.name,
        "kind": signature.kind,
        "data_digest": signature.digest,
        "scorer": {
            "name": name,
            "title": detector.title_of(signature.kind, run.model.bound_by),
            "heat": detector.heat if signature.kind == "picture" else "",
            "settings": {key: run.settings.get(key) for key in detector.settings},
        },
    }


def _beside(name: str, normal: Normal, shown: AnomalyTest) -> dict[str, Any]:
    """How well the other one of `PAIR` tells the same anomalies, as JSON; nothing where the score is none of them."""
    if name not in PAIR or shown.labels is None:
        return {"beside": {}}
    (other,) = set(PAIR) - {name}
    title = DETECTORS[other].title_of(shown.kind, normal.run.model.bound_by)
    return {"beside": {other: told_by(scores_of(detectors.scorer(other, normal), shown.data), shown, title)}}


def _check_calibration(run: Run, data: DataSet, rate: float) -> None:
    if "held_out" not in data.splits:
        raise Refusal(
            f"{run.folder} set no training {NOUNS[data.signature.kind][1]} aside, of which the threshold would be "
            f"made; train another run with --config.data.held_out=0.1."
        )
    try:
        expected_false_alarms(len(data.splits["held_out"]["data"]), rate)
    except ValueError as error:
        raise Refusal(
            f"config.evaluation.false_alarms={rate}: {error}; allow a higher rate, or train another run that sets more "
            f"images aside with --config.data.held_out."
        ) from error


def _try(
    alarm: Alarm, rate: float, shown: AnomalyTest, train: np.ndarray, picture: Path, origin: dict[str, Any]
) -> dict[str, Any]:
    """Tries the threshold on test data: prints and draws what comes of it, and returns it."""
    scores = scores_of(alarm.scorer, shown.data)
    many, report = NOUNS[shown.kind][1], judged(scores, shown, train, alarm.threshold, len(alarm.calibration), rate)
    title = origin["scorer"]["title"]
    print(f"{title}: {Path(origin['run']).name}, step {origin['step']}\n")
    if report["auroc"]:
        print(table_of(title, origin | report) + "\n")
    print("\n".join(sentences(origin | report)) + "\n")
    name = f"{Path(origin['run']).name}, step {origin['step']}, {origin['data']}; heat map: {origin['scorer']['heat']}"
    sets = [(f"normal test {many}", scores[~shown.anomalous]), ("anomalies", scores[shown.anomalous])]
    save_detection(
        picture, name.removesuffix("; heat map: "), title, sets, alarm.threshold, _examples(alarm, scores, shown)
    )
    return report


def _examples(alarm: Alarm, scores: np.ndarray, shown: AnomalyTest) -> list[Examples]:
    """The normal examples with the highest scores, caught anomalies at random, and the missed ones with the lowest."""
    order, caught = np.argsort(scores, kind="stable"), scores > alarm.threshold
    normal = order[~shown.anomalous[order]][::-1][:COLUMNS]
    found = np.flatnonzero(shown.anomalous & caught)
    found = np.random.default_rng(0).permutation(found)[:COLUMNS]
    missed = order[(shown.anomalous & ~caught)[order]][:COLUMNS]
    titles = {
        f"normal test {NOUNS[shown.kind][1]}, the most anomalous first": normal,
        "anomalies that were caught, at random": found,
        "anomalies that were missed, the least anomalous first": missed,
    }
    return [_group(alarm.scorer, title, shown, indices, scores) for title, indices in titles.items() if len(indices)]


def _group(scorer: Scorer, title: str, shown: AnomalyTest, indices: np.ndarray, scores: np.ndarray) -> Examples:
    data = shown.data[indices]
    seen = scorer(data)
    captions = [f"{shown.name_of(index)}\n{scores[index]:.3g}".lstrip() for index in indices]
    axes = tuple(range(shown.data.ndim - 1))
    bounds = shown.data.min(axes), shown.data.max(axes)
    draw, back = KINDS[shown.kind].thumbnails, seen.reconstructions
    return Examples(title, captions, draw(data, bounds), None if back is None else draw(back, bounds), seen.heat)


def _say(alarm: Alarm, rate: float, images: np.ndarray, names: tuple[str, ...], picture: Path) -> dict[str, Any]:
    """Says of each picture of the user whether it is normal."""
    scores = scores_of(alarm.scorer, images)
    p_values, anomalous = alarm.p_values(scores), scores > alarm.threshold
    verdicts = ["anomalous" if alarmed else "normal" for alarmed in anomalous]
    order = np.argsort(-scores, kind="stable")[:LISTED]
    rows = [[names[index], number(scores[index]), f"{p_values[index]:.3g}", verdicts[index]] for index in order]
    print(table(rows, ("picture", "score", "p-value", "verdict")) + "\n")
    more = f"; the {LISTED} most anomalous are listed" if len(images) > LISTED else ""
    print(
        f"{anomalous.sum():,} of {len(images):,} {'is' if len(images) == 1 else 'are'} anomalous: a score above "
        f"{alarm.threshold:.4g}, as at most {100 * rate:g} % of normal images have{more}.\nThe p-value is the share of "
        f"scores as high among {len(alarm.calibration):,} images that were set aside and the picture itself.\n"
    )
    if line := _least(alarm, p_values):
        print(line + "\n")
    seen = alarm.scorer(images[order])
    captions = [f"{names[index]}\n{verdicts[index]}\np = {p_values[index]:.2g}" for index in order]
    title = f"threshold {alarm.threshold:.3g}, at {100 * rate:g} % of false alarms"
    save_verdicts(picture, title, Examples("", captions, images[order], seen.reconstructions, seen.heat))
    return {
        "false_alarms": {"asked": rate},
        "sizes": {"calibration": len(alarm.calibration), "pictures": len(images)},
        "smallest_p_value": alarm.smallest_p_value,
        "pictures": [
            {"file": name, "score": float(score), "p_value": float(p), "verdict": verdict}
            for name, score, p, verdict in zip(names, scores, p_values, verdicts, strict=True)
        ],
    }


def _least(alarm: Alarm, p_values: np.ndarray) -> str:
    """Says that pictures share the smallest p-value that there is, so that it does not order them; "" if none do."""
    shared, least = int(np.count_nonzero(p_values <= alarm.smallest_p_value)), len(alarm.calibration) + 1
    if shared < 2:
        return ""
    return (
        f"{shared:,} of {len(p_values):,} pictures have the p-value {alarm.smallest_p_value:.3g} = 1/{least:,}, the "
        f"smallest that {len(alarm.calibration):,} images set aside allow: it says that they score above all of these, "
        f"and their scores say by how much. For smaller p-values train another run that sets more images aside, with a "
        f"larger --config.data.held_out."
    )
