"""What a threshold does to test data of which it is known whether they are anomalies."""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gengen.core.field import Field
from gengen.core.nouns import NOUNS
from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet
from gengen.data.splits import rule_of
from gengen.evaluation.features import on_unit_scale
from gengen.evaluation.foreign import foreign_data
from gengen.metrics.anomaly import auprc, auroc, expected_false_alarms, false_alarms, nearest_distances, pca_errors
from gengen.metrics.interval import LEVEL, of_share
from gengen.runs.prepare import load_data
from gengen.runs.run import Run

COMPONENTS = 40
"""Principal components of the baseline, or as many as there are."""

BASELINES = {
    "pca": "squared distance from the plane of {} principal components",
    "nearest": "distance to the nearest training {}",
}
"""Scores without a model, and their titles."""


class AnomalyTest(NamedTuple):
    """Test data of a run.

    Attributes:
      data: in the data's units [M, *shape].
      field: of the data.
      kind: of the data.
      anomalous: which of them are of a class that the run was not trained on, bool [M].
      labels: their classes, int32 [M]; None where no anomalies are known.
      names: of the classes of the data.
    """

    data: np.ndarray
    field: Field
    kind: str
    anomalous: np.ndarray
    labels: np.ndarray | None
    names: tuple[str, ...]

    def name_of(self, index: int) -> str:
        """The class of an example; "" where it does not matter."""
        return "" if self.labels is None else self.names[self.labels[index]]


def anomaly_test(run: Run, data: DataSet, *, num: int, seed: int) -> AnomalyTest:
    """Picks test data of a run.

    Args:
      run: the run.
      data: the data of the run. Where it is restricted to classes, the same data are loaded again with all classes, of
        which the test split alone is looked at; examples whose class is not known are left out. Where
        `config.evaluation.foreign` names other data, all of their test examples are anomalies.
      num: the most examples to pick, at random, normal ones and anomalies in their shares.
      seed: of the choice.

    Raises:
      Refusal: there are fewer than two normal examples or anomalies.
    """
    if run.settings.get("foreign"):
        return _beside_foreign(data, foreign_data(run), num, seed)
    split, names, labels = data.splits["test"], data.signature.classes, None
    if run.config.data.get("classes", ()):
        normal = np.unique(np.concatenate([data.splits[name]["label"] for name in ("train", "test")]))
        split = _of_all_classes(run).splits["test"]
        labels = np.asarray(split["label"])
    known = np.arange(len(split["data"])) if labels is None else np.flatnonzero(labels >= 0)
    indices = np.sort(np.random.default_rng(seed).permutation(known)[:num])
    chosen = np.asarray(split["data"][indices]), data.signature.fields["data"], data.signature.kind
    if labels is None or np.isin(labels[known], normal).all():
        return AnomalyTest(*chosen, np.zeros(len(indices), bool), None, names)
    anomalous = ~np.isin(labels[indices], normal)
    _check_both(anomalous, data.signature.kind, num)
    return AnomalyTest(*chosen, anomalous, labels[indices], names)


def _beside_foreign(data: DataSet, other: DataSet, num: int, seed: int) -> AnomalyTest:
    """Test examples of a run's data, and of other ones, in their shares."""
    own, strange = (np.asarray(each.splits["test"]["data"]) for each in (data, other))
    labels = np.repeat(np.arange(2, dtype=np.int32), [len(own), len(strange)])
    indices = np.sort(np.random.default_rng(seed).permutation(len(labels))[:num])
    taken = [own[indices[indices < len(own)]], strange[indices[indices >= len(own)] - len(own)]]
    anomalous, kind = labels[indices] == 1, data.signature.kind
    _check_both(anomalous, kind, num)
    names = (data.signature.name, other.signature.name)
    return AnomalyTest(np.concatenate(taken), data.signature.fields["data"], kind, anomalous, labels[indices], names)


def _check_both(anomalous: np.ndarray, kind: str, num: int) -> None:
    """Refuses examples of which fewer than two are anomalies, or normal."""
    if min(anomalous.sum(), (~anomalous).sum()) < 2:
        raise Refusal(
            f"{(~anomalous).sum()} normal and {anomalous.sum()} anomalous test {NOUNS[kind][1]} are too "
            f"few to tell them apart; there must be two of each: raise --num={num}."
        )


def _of_all_classes(run: Run) -> DataSet:
    """The data of a run without its selection."""
    config = run.config.copy_and_resolve_references()
    for key in ("data_dir", "manual_dir"):
        config.data[key] = run.given.data[key] or config.data[key]
    config.data.update(classes=(), held_out=0.0, labelled=0)
    return load_data(config, rule_of(run.signature.to_json()))


def judged(
    scores: np.ndarray, shown: AnomalyTest, train: np.ndarray, threshold: float, calibration: int, rate: float
) -> dict[str, Any]:
    """What scores and their threshold are worth, as JSON.

    Args:
      scores: of the test data [M].
      shown: the test data.
      train: training data for the baselines [N, *shape].
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

    If test data and the calibration data are exchangeable, the number of false alarms follows the beta-binomial
    law: a binomial whose rate has the law of `expected_false_alarms`. It is consistent with that if it lies between its
    quantiles of 2.5 % and 97.5 %.

    Args:
      normal: scores of normal test data [M].
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


def _told(normal: np.ndarray, anomalous: np.ndarray, threshold: float) -> dict[str, Any]:
    """How well anomalies are told by their scores, and how many raise an alarm."""
    caught = of_share(int(np.count_nonzero(anomalous > threshold)), len(anomalous))
    return {
        "auroc": auroc(normal, anomalous)._asdict(),
        "auprc": auprc(normal, anomalous)._asdict(),
        "caught": caught._asdict(),
    }


def _baselines(train: np.ndarray, shown: AnomalyTest) -> dict[str, Any]:
    """How well anomalies are told without a model, from the values and the same training data."""
    known, new = (on_unit_scale(shown.field, data) for data in (train, shown.data))
    components = min(COMPONENTS, len(known) - 1, known.shape[1])
    found = {"pca": pca_errors(known, new, components=components), "nearest": nearest_distances(known, new)}
    report = {}
    for name, scores in found.items():
        title = BASELINES[name].format(components if name == "pca" else NOUNS[shown.kind][0])
        report[name] = told_by(scores, shown, title)
    return report | {"pca": {**report["pca"], "components": components}}


def told_by(scores: np.ndarray, shown: AnomalyTest, title: str) -> dict[str, Any]:
    """How well other scores [M] of the same test data tell anomalies, without a threshold, as JSON."""
    normal, anomalous = scores[~shown.anomalous], scores[shown.anomalous]
    return {
        "title": title,
        "auroc": auroc(normal, anomalous)._asdict(),
        "auprc": auprc(normal, anomalous)._asdict(),
    }


def _classes(shown: AnomalyTest, chosen: np.ndarray) -> list[str]:
    if shown.labels is None:
        return []
    return [shown.names[label] for label in np.unique(shown.labels[chosen])]
