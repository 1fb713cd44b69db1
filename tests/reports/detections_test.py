"""The table of detections: every run a row, means at the end, and where it is written."""

import json

import pytest

from gengen.core.refusal import Refusal
from gengen.reports.detections import HEADER, as_table, detections
from gengen.tasks import compare


def detected(folder, name, *, auroc=0.9, known=True, **changed):
    """Writes what `compare` reads of a run."""

    def estimate(value):
        return {"value": value, "low": value - 0.01, "high": value + 0.01}

    report = {
        "scorer": {"name": "reconstruction"},
        "auroc": estimate(auroc) if known else None,
        "auprc": estimate(0.5) if known else None,
        "baselines": {name: {"auroc": estimate(0.8)} for name in ("pca", "nearest")} if known else {},
        "false_alarms": {"asked": 0.05, "realised": estimate(0.04)},
    }
    (folder / name).mkdir(parents=True)
    (folder / name / "detection.json").write_text(json.dumps(report | changed))


def test_runs_are_rows_in_percent_with_their_means_below(tmp_path):
    detected(tmp_path, "a", auroc=0.9)
    detected(tmp_path, "b", auroc=0.95)
    first, second, mean = detections(tmp_path)
    expected = (
        "a",
        "reconstruction",
        "90.0 [89.0, 91.0]",
        "50.0 [49.0, 51.0]",
        "80.0",
        "80.0",
        "5.0",
        "4.0 [3.0, 5.0]",
    )
    assert tuple(first[column] for column in HEADER) == expected
    assert second["run"] == "b"
    assert tuple(mean[column] for column in HEADER) == ("mean", "of 2", "92.5", "50.0", "80.0", "80.0", "5.0", "4.0")


def test_a_single_run_has_no_mean(tmp_path):
    detected(tmp_path, "a")
    assert [row["run"] for row in detections(tmp_path)] == ["a"]


def test_runs_without_anomalies_are_left_out_of_the_means(tmp_path):
    detected(tmp_path, "a", known=False)
    detected(tmp_path, "b", auroc=0.7)
    unknown, _, mean = detections(tmp_path)
    assert [unknown[column] for column in ("AUROC %", "AUPRC %", "PCA", "1-NN")] == ["not known"] * 4
    assert (mean["AUROC %"], mean["realised %"]) == ("70.0", "4.0")


def test_detections_alone_are_a_comparison(tmp_path, capsys):
    detected(tmp_path, "a")
    path = compare.main(tmp_path, output=None)
    assert path == tmp_path / "detections.json"
    rows = json.loads(path.read_text())
    assert rows == detections(tmp_path)
    assert capsys.readouterr().out == as_table(rows) + "\n\n"
    assert compare.main(tmp_path, output=tmp_path / "other.json") == tmp_path / "other.json"
    assert json.loads((tmp_path / "other.json").read_text()) == rows


def test_detections_stand_beside_the_comparison_of_what_was_judged(tmp_path, capsys, monkeypatch):
    detected(tmp_path, "a")
    (tmp_path / "a" / "evaluation.json").write_text("{}")
    row = dict.fromkeys(compare.HEADER, "x")
    monkeypatch.setattr(compare, "_read", lambda path: [path])
    monkeypatch.setattr(compare, "_incomparable", lambda runs: ())
    monkeypatch.setattr(compare, "_groups", lambda runs: [runs])
    monkeypatch.setattr(compare, "_row", lambda runs: row)
    assert compare.main(tmp_path, output=tmp_path / "other.json") == tmp_path / "other.json"
    assert json.loads((tmp_path / "other.json").read_text()) == [row]
    assert json.loads((tmp_path / "detections.json").read_text()) == detections(tmp_path)
    said = capsys.readouterr().out
    assert as_table(detections(tmp_path)) in said
    assert compare.as_table([row]) in said


def test_a_folder_where_nothing_was_judged_is_refused_as_before(tmp_path):
    with pytest.raises(Refusal, match=r"no run below .* was judged"):
        compare.main(tmp_path, output=None)


@pytest.mark.parametrize(
    "changed", [{"auprc": {"value": 1}}, {"false_alarms": {}}, {"auprc": "x", "scorer": 3}], ids=str
)
def test_a_damaged_detection_is_named(tmp_path, changed):
    detected(tmp_path, "a", **changed)
    with pytest.raises(Refusal, match=r"a/detection.json is damaged; make it again with --mode=detect --workdir=.*a\."):
        detections(tmp_path)
