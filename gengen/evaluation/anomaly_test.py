"""What a threshold does to test images of which it is known whether they are anomalies."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict
from scipy import stats

from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet
from gengen.data.splits import rule_of
from gengen.metrics.anomaly import auprc, auroc, expected_false_alarms, false_alarms, nearest_distances, pca_errors
from gengen.metrics.interval import LEVEL, of_share
from gengen.reports.detections import percent
from gengen.reports.tables import table
from gengen.runs.folder import read_folder
from gengen.runs.prepare import load_data

COMPONENTS = 40
"""Principal components of the baseline, or as many as there are."""

BASELINES = {
    "pca": "squared distance from the plane of {} principal components",
    "nearest": "distance to the nearest training image",
}


class AnomalyTest(NamedTuple):
    """Test images of a run.

    Attributes:
      images: uint8 [M, H, W, C].
      anomalous: which of them are of a class that the run was not trained on, bool [M].
      labels: their classes, int32 [M]; None where no anomalies are known.
      names: of the classes of the data.
    """

    images: np.ndarray
    anomalous: np.ndarray
    labels: np.ndarray | None
    names: tuple[str, ...]

    def name_of(self, index: int) -> str:
        """The class of an image; "" where it does not matter."""
        return "" if self.labels is None else self.names[self.labels[index]]


def anomaly_test(workdir: Path, config: ConfigDict | None, data: DataSet, *, num: int, seed: int) -> AnomalyTest:
    """Picks test images of a run.

    Args:
      workdir: the run folder.
      config: where the places of the data come from; the run's own config by default.
      data: the data of the run. Where it is restricted to classes, the same data are loaded again with all classes, of
        which the test images alone are looked at; images whose class is not known are left out.
      num: the most images to pick, at random, normal ones and anomalies in their shares.
      seed: of the choice.

    Raises:
      Refusal: there are fewer than two normal images or anomalies.
    """
    split, names = data.splits["test"], data.signature.classes
    own, signature = read_folder(workdir)
    labels = None
    if own.data.get("classes", ()):
        given = own if config is None else config
        for key in ("data_dir", "manual_dir"):
            own.data[key] = given.data[key] or own.data[key]
        own.data.update(classes=(), held_out=0.0, labelled=0)
        normal = np.unique(np.concatenate([data.splits[name]["label"] for name in ("train", "test")]))
        split = load_data(own, rule_of(signature)).splits["test"]
        labels = np.asarray(split["label"])
    known = np.arange(len(split["data"])) if labels is None else np.flatnonzero(labels >= 0)
    indices = np.sort(np.random.default_rng(seed).permutation(known)[:num])
    images = np.asarray(split["data"][indices])
    if labels is None or np.isin(labels[known], normal).all():
        return AnomalyTest(images, np.zeros(len(indices), bool), None, names)
    anomalous = ~np.isin(labels[indices], normal)
    if min(anomalous.sum(), (~anomalous).sum()) < 2:
        raise Refusal(
            f"{(~anomalous).sum()} normal and {anomalous.sum()} anomalous test images are too few to tell them apart; "
            f"there must be two of each: raise --num={num}."
        )
    return AnomalyTest(images, anomalous, labels[indices], names)


def judged(
    scores: np.ndarray, shown: AnomalyTest, train: np.ndarray, threshold: float, calibration: int, rate: float
) -> dict[str, Any]:
    """What scores and their threshold are worth, as JSON.

    Args:
      scores: of the test images [M].
      shown: the test images.
      train: training images for the baselines, uint8 [N, H, W, C].
      threshold: above which there is an alarm.
      calibration: number of scores that the threshold was made of.
      rate: the rate of false alarms that was asked for.
    """
    normal, anomalous = scores[~shown.anomalous], scores[shown.anomalous]
    report: dict[str, Any] = {
        "sizes": {
            "training": len(train),
            "calibration": calibration,
            "normal": len(normal),
            "anomalous": len(anomalous),
        },
        "normal_classes": _classes(shown, ~shown.anomalous),
        "false_alarms": alarms_of(normal, threshold, calibration, rate),
        **dict.fromkeys(("auroc", "auprc", "caught")),
        "classes": {},
        "baselines": {},
    }
    if shown.labels is None:
        return report
    for label in np.unique(shown.labels[shown.anomalous]):
        of_class = scores[shown.labels == label]
        if len(of_class) > 1:
            report["classes"][shown.names[label]] = {"images": len(of_class), **_told(normal, of_class, threshold)}
    return report | _told(normal, anomalous, threshold) | {"baselines": _baselines(train, shown)}


def alarms_of(normal: np.ndarray, threshold: float, calibration: int, rate: float) -> dict[str, Any]:
    """Compares the false alarms of a threshold with what may be expected of it.

    If test images and the calibration images are exchangeable, the number of false alarms follows the beta-binomial
    law: a binomial whose rate has the law of `expected_false_alarms`. It is consistent with that if it lies between its
    quantiles of 2.5 % and 97.5 %.

    Args:
      normal: scores of normal test images [M].
      threshold: above which there is an alarm.
      calibration: number of scores that the threshold was made of.
      rate: the rate of false alarms that was asked for.
    """
    expected = expected_false_alarms(calibration, rate)
    rank = round(expected.value * (calibration + 1))
    law = stats.betabinom(len(normal), rank, calibration + 1 - rank)
    low, high = (int(law.ppf(quantile)) for quantile in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    count = int(np.count_nonzero(normal > threshold))
    return {
        "asked": rate,
        "rank": rank,
        "realised": false_alarms(threshold, normal)._asdict(),
        "expected": expected._asdict(),
        "count": count,
        "plausible": [low, high],
        "consistent": low <= count <= high,
    }


def table_of(title: str, report: Mapping[str, Any]) -> str:
    """Lays out how well anomalies are told, beside the baselines and by class."""
    rows = [[title, percent(report["auroc"]), percent(report["auprc"])]]
    rows += [
        [entry["title"], percent(entry["auroc"]), percent(entry["auprc"])] for entry in report["baselines"].values()
    ]
    classes = [
        [name, f"{entry['images']:,}", percent(entry["auroc"]), percent(entry["caught"])]
        for name, entry in report["classes"].items()
    ]
    return "\n\n".join(
        (
            table(rows, ("score [95 % interval]", "AUROC %", "AUPRC %")),
            table(classes, ("anomalies of class", "images", "AUROC %", "caught %")),
        )
    )


def sentences(report: Mapping[str, Any]) -> Iterator[str]:
    """Says what was found."""
    alarms, sizes = report["false_alarms"], report["sizes"]
    which = f" of {', '.join(report['normal_classes'])}" if report["normal_classes"] else ""
    yield (
        f"Threshold {report['threshold']:.4g}: number {alarms['rank']:,} from above of the scores of "
        f"{sizes['calibration']:,} training images{which} that were set aside, for {100 * alarms['asked']:g} % of "
        f"false alarms."
    )
    low, high = alarms["plausible"]
    agrees = "which agrees with" if alarms["consistent"] else "which does NOT agree with"
    yield (
        f"False alarms: {percent(alarms['realised'])} % of {sizes['normal']:,} normal test images, {alarms['count']:,} "
        f"in all, {agrees} the {low:,} to {high:,} that such a threshold gives in 95 % of cases."
    )
    expected = alarms["expected"]
    yield (
        f"By the choice of the images that were set aside alone, its rate lies between {100 * expected['low']:.1f} and "
        f"{100 * expected['high']:.1f} %."
    )
    if not alarms["consistent"]:
        yield "Test images are not like the images that were set aside, and its rate is not to be relied on."
    if report["caught"]:
        yield f"Caught: {percent(report['caught'])} % of {sizes['anomalous']:,} anomalies."
        share = sizes["anomalous"] / (sizes["anomalous"] + sizes["normal"])
        yield f"Scores that say nothing have an AUROC of 50 % and here an AUPRC of {100 * share:.1f} %."
    else:
        yield "No anomalies are known, as the run was not restricted to classes: how many it would find is not known."
    if report["scorer"]["heat"]:
        yield f"The heat map is the {report['scorer']['heat']}."


def _told(normal: np.ndarray, anomalous: np.ndarray, threshold: float) -> dict[str, Any]:
    """How well anomalies are told by their scores, and how many raise an alarm."""
    caught = of_share(int(np.count_nonzero(anomalous > threshold)), len(anomalous))
    return {
        "auroc": auroc(normal, anomalous)._asdict(),
        "auprc": auprc(normal, anomalous)._asdict(),
        "caught": caught._asdict(),
    }


def _baselines(train: np.ndarray, shown: AnomalyTest) -> dict[str, Any]:
    """How well anomalies are told without a model, from the pixels and the same training images."""
    known, new = (
        images.reshape(len(images), -1).astype(np.float32) / np.float32(255) for images in (train, shown.images)
    )
    components = min(COMPONENTS, len(known) - 1, known.shape[1])
    found = {"pca": pca_errors(known, new, components=components), "nearest": nearest_distances(known, new)}
    report = {}
    for name, scores in found.items():
        normal, anomalous = scores[~shown.anomalous], scores[shown.anomalous]
        report[name] = {
            "title": BASELINES[name].format(components),
            "auroc": auroc(normal, anomalous)._asdict(),
            "auprc": auprc(normal, anomalous)._asdict(),
        }
    return report | {"pca": {**report["pca"], "components": components}}


def _classes(shown: AnomalyTest, chosen: np.ndarray) -> list[str]:
    if shown.labels is None:
        return []
    return [shown.names[label] for label in np.unique(shown.labels[chosen])]
