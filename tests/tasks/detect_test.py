"""Detection: thresholds and verdicts of scores whose law is known, and a real run of every part."""

import json
import shutil

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score

from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.data.signature import BYTE, DataSet
from gengen.evaluation import anomalies
from gengen.evaluation.anomalies import AnomalyTest, alarms_of, judged
from gengen.inference.latents import Latents
from gengen.metrics.anomaly import cosine_distances, threshold
from gengen.reports.detections import sentences
from gengen.runs import run
from gengen.runs.run import open_run
from gengen.tasks import detect
from gengen.tasks.detect import Alarm


def test_an_alarm_is_a_p_value_of_at_most_the_rate_and_ties_are_no_alarm():
    scores = np.random.default_rng(0).normal(size=99).round(1)
    new = np.linspace(-4, 4, 81).round(1)
    for rate in (0.01, 0.05, 0.3):
        alarm = Alarm(None, scores, threshold(scores, rate))
        p_values = alarm.p_values(new)
        np.testing.assert_array_equal(new > alarm.threshold, p_values <= rate + 1e-12)
        expected = [(1 + (scores >= score).sum()) / 100 for score in new]
        np.testing.assert_allclose(p_values, expected)


@pytest.mark.input(
    "Judging",
    "200 pictures of your own, all above the scores of 28 images set aside",
    "taken",
    "one sentence says that 1/29 is the smallest p-value of 28 images, how many share it, and which key helps",
)
@pytest.mark.parametrize(("number", "said"), [(28, "1/29"), (999, "1/1,000")])
def test_pictures_that_share_the_smallest_p_value_are_told_what_it_says(number, said):
    alarm = Alarm(None, np.linspace(0, 1, number), 0.9)
    scores = np.r_[np.full(7, 2.0), 3.0, 0.5]
    line = detect._least(alarm, alarm.p_values(scores))
    assert line.startswith(
        f"8 of 9 pictures have the p-value {1 / (number + 1):.3g} = {said}, the smallest that {number}"
    )
    assert line.endswith("--config.data.held_out.")
    assert detect._least(alarm, alarm.p_values(scores[-2:])) == ""


def test_false_alarms_are_consistent_for_normal_images_and_not_for_others():
    rng, agree = np.random.default_rng(0), {0.0: 0, 0.5: 0}
    for _ in range(200):
        calibration = rng.normal(size=199)
        for shift in agree:
            found = alarms_of(rng.normal(shift, 1, 400), threshold(calibration, 0.1), 199, 0.1)
            agree[shift] += found["consistent"]
            assert found["rank"] == 20
            assert found["count"] == round(found["realised"]["value"] * 400)
            assert found["expected"]["value"] == 0.1
    assert agree[0.0] >= 0.92 * 200
    assert agree[0.5] <= 0.1 * 200


def toy(labels):
    """Test images of one pixel; class 0 is normal."""
    images = np.random.default_rng(1).integers(0, 256, (len(labels), 1, 1, 1), np.uint8)
    field = Field((1, 1, 1), "uint8", *BYTE)
    return AnomalyTest(images, field, "picture", labels > 0, labels, ("zero", "one", "two"))


def test_anomalies_are_told_all_together_and_class_by_class():
    labels = np.repeat([0, 1, 2], [50, 30, 1])
    scores = np.random.default_rng(0).normal(labels, 1)
    report = judged(scores, toy(labels), np.zeros((9, 1, 1, 1), np.uint8), 1.0, 99, 0.05)
    assert report["sizes"] == {"training": 9, "calibration": 99, "normal": 50, "anomalous": 31}
    np.testing.assert_allclose(report["auroc"]["value"], roc_auc_score(labels > 0, scores))
    np.testing.assert_allclose(report["auprc"]["value"], average_precision_score(labels > 0, scores))
    np.testing.assert_allclose(report["caught"]["value"], (scores[50:] > 1).mean())
    assert list(report["classes"]) == ["one"]  # nothing can be said of a single image
    np.testing.assert_allclose(report["classes"]["one"]["auroc"]["value"], roc_auc_score(labels[:80] > 0, scores[:80]))
    assert report["normal_classes"] == ["zero"]


def test_the_sentences_say_whether_false_alarms_are_as_they_should_be():
    labels = np.repeat([0, 1], [50, 30])
    for limit, agrees in ((1.6, True), (-1.0, False)):
        scores = np.random.default_rng(0).normal(labels, 1)
        report = judged(scores, toy(labels), np.zeros((9, 1, 1, 1), np.uint8), limit, 99, 0.05)
        said = "\n".join(sentences({**report, "threshold": limit, "scorer": {"heat": ""}}))
        assert ("does NOT agree" in said) == ("not to be relied on" in said) == (not agrees)
        assert "Scores that say nothing have an AUROC of 50 % and here an AUPRC of 37.5 %." in said


# A real run.


@pytest.fixture(scope="module")
def made(launch, tmp_path_factory):
    """The folder of a run on the eights of the digits, what `--mode=detect` printed, and its JSON."""
    folder = tmp_path_factory.mktemp("runs")
    trained = launch("--config=configs/anomaly.py:tiny", f"--workdir={folder / 'eights'}")
    assert trained.returncode == 0, trained.stderr
    detected = launch("--mode=detect", f"--workdir={folder / 'eights'}")
    assert detected.returncode == 0, detected.stderr
    return folder / "eights", detected.stdout, json.loads((folder / "eights" / "detection.json").read_text())


@pytest.fixture
def here(monkeypatch, data_dir):
    """Lets tasks of this process find the data of the run."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))


def test_it_says_where_the_numbers_are(made):
    folder, said, report = made
    assert said.splitlines()[-2:] == [str(folder / "detection.png"), str(folder / "detection.json")]
    with Image.open(folder / "detection.png") as picture:
        assert picture.size[0] == 1400
    auroc = report["auroc"]["value"]
    assert f"{100 * auroc:.1f} [" in said
    assert "training images of 8 that were set aside, for 5 % of false alarms." in said
    assert "it sums to 2 (1 - cosine), twice the score." in said


def test_the_json_holds_what_is_needed_to_judge_the_numbers(made):
    folder, _, report = made
    signature = json.loads((folder / "data.json").read_text())
    assert (report["data_digest"], report["step"]) == (signature["digest"], 20)
    assert report["scorer"]["name"] == "reconstruction"
    assert report["sizes"]["training"] == signature["counts"]["train"]
    assert report["sizes"]["calibration"] == signature["counts"]["held_out"]
    assert report["sizes"]["normal"] == signature["counts"]["test"]
    assert report["sizes"]["anomalous"] == sum(entry["images"] for entry in report["classes"].values())
    assert list(report["classes"]) == list("012345679")
    assert report["baselines"]["pca"]["components"] == 40
    assert report["false_alarms"]["asked"] == 0.05


def test_the_numbers_are_those_of_scores_that_are_worked_out_apart(made, here):
    folder, _, report = made
    run = open_run(folder)
    data = run.data()
    latents = Latents(run.model, data.signature.units, run.variables, seed=0)
    shown = anomalies.anomaly_test(run, data, num=10_000, seed=0)

    def scores(images):
        indices = np.arange(len(images))
        back = latents.decode(latents.encode(images, indices, {}), indices, {})
        return cosine_distances(images / 255, np.clip((back + 1) / 2, 0, 1))[0]

    calibration, found = scores(data.splits["held_out"]["data"]), scores(shown.data)
    np.testing.assert_allclose(report["threshold"], threshold(calibration, 0.05), rtol=1e-4)
    np.testing.assert_allclose(report["auroc"]["value"], roc_auc_score(shown.anomalous, found), atol=1e-4)
    np.testing.assert_allclose(report["auprc"]["value"], average_precision_score(shown.anomalous, found), atol=1e-4)
    assert (shown.anomalous == (shown.labels != 8)).all()
    normal = {image.tobytes() for image in data.splits["test"]["data"]}
    assert {image.tobytes() for image in shown.data[~shown.anomalous]} == normal


def test_fewer_test_images_are_picked_in_their_shares(made, here):
    run = open_run(made[0])
    data = run.data()
    few, same, others = (anomalies.anomaly_test(run, data, num=150, seed=seed) for seed in (0, 0, 1))
    assert len(few.data) == 150
    assert 0.05 < 1 - few.anomalous.mean() < 0.15
    np.testing.assert_array_equal(few.data, same.data)
    assert (few.labels != others.labels).any()
    with pytest.raises(Refusal, match=r"normal and \d anomalous test images are too few .* raise --num=3\."):
        anomalies.anomaly_test(run, data, num=3, seed=0)


@pytest.mark.parametrize("name", ["squared_error", "density"])
def test_another_score_is_taken_from_the_config_that_is_named(made, here, name, tmp_path, capsys):
    folder, _, before = made
    config = ConfigDict(json.loads((folder / "config.json").read_text()))
    config.evaluation.update(anomaly_score=name, false_alarms=0.2, components=2)
    path = detect.main(open_run(folder, given=config), num=100, seed=0, output=tmp_path / "other")
    assert path == tmp_path / "other.json"
    report = json.loads(path.read_text())
    assert (report["scorer"]["name"], report["false_alarms"]["asked"]) == (name, 0.2)
    assert report["scorer"]["settings"] == ({"sampler": "mixture", "components": 2} if name == "density" else {})
    assert report["sizes"]["normal"] + report["sizes"]["anomalous"] == 100
    assert report["threshold"] != before["threshold"]
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "other.png")


def test_without_known_anomalies_only_false_alarms_are_reported(made, here, tmp_path, monkeypatch, capsys):
    data = open_run(made[0]).data()
    folder = shutil.copytree(made[0], tmp_path / "all")
    config = json.loads((folder / "config.json").read_text())
    config["data"]["classes"] = []
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(run, "load_again", lambda *given: data)
    report = json.loads(detect.main(open_run(folder), num=100, seed=0, output=None).read_text())
    assert (report["auroc"], report["caught"], report["classes"], report["baselines"]) == (None, None, {}, {})
    assert report["sizes"]["anomalous"] == 0
    assert report["false_alarms"]["count"] >= 0
    assert "No anomalies are known" in capsys.readouterr().out


# The user's own pictures.


@pytest.fixture
def pictures(made, here, tmp_path):
    """A folder with a zero that was set aside, and a picture of noise of another size."""
    held_out = open_run(made[0]).data().splits["held_out"]["data"][0, ..., 0]
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    (tmp_path / "own").mkdir()
    Image.fromarray(held_out).save(tmp_path / "own" / "zero.png")
    Image.fromarray(noise).save(tmp_path / "own" / "noise.png")
    return tmp_path / "own"


def test_each_picture_of_the_user_gets_a_verdict(made, answer, pictures):
    folder = made[0]
    condition = answer("--mode=detect", f"--workdir={folder}", f"--input={pictures}")
    assert condition.returncode == 0, condition.stderr
    assert condition.stdout.splitlines()[-2:] == [str(folder / f"detected-own.{end}") for end in ("png", "json")]
    report = json.loads((folder / "detected-own.json").read_text())
    assert (report["threshold"], report["data_digest"]) == (made[2]["threshold"], made[2]["data_digest"])
    number = report["sizes"]["calibration"]
    assert [entry["file"] for entry in report["pictures"]] == ["noise.png", "zero.png"]
    for entry in report["pictures"]:
        anomalous = entry["score"] > report["threshold"]
        assert entry["verdict"] == ("anomalous" if anomalous else "normal")
        assert (entry["p_value"] <= 0.05) == anomalous
        np.testing.assert_allclose(entry["p_value"] * (number + 1) % 1, 0, atol=1e-9)
        assert f"| {entry['file']}" in condition.stdout
    assert (folder / "detected-own.png").stat().st_size > 1000


def test_one_picture_is_enough(made, pictures, tmp_path, capsys):
    path = detect.main(open_run(made[0]), num=1, seed=0, output=tmp_path / "one.json", source=pictures / "zero.png")
    (entry,) = json.loads(path.read_text())["pictures"]
    assert entry["file"] == "zero.png"
    assert entry["p_value"] > 1 / (json.loads(path.read_text())["sizes"]["calibration"] + 1)  # it is one of them
    assert "of 1 is anomalous" in capsys.readouterr().out


def test_a_damaged_picture_is_named_and_nothing_is_written(made, pictures, tmp_path):
    (pictures / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(Refusal, match=r"broken.png cannot be read as a picture"):
        detect.main(open_run(made[0]), num=9, seed=0, output=tmp_path / "none.json", source=pictures)
    assert not (tmp_path / "none.json").exists()


# Refusals.


def test_a_run_that_set_nothing_aside_has_no_threshold(made, here, monkeypatch):
    data = open_run(made[0]).data()
    without = DataSet(data.signature, {name: data.splits[name] for name in ("train", "test")}, data.folder)
    monkeypatch.setattr(run, "load_again", lambda *given: without)
    with pytest.raises(Refusal, match=r"set no training images aside, .* --config.data.held_out=0.1\.$"):
        detect.main(open_run(made[0]), num=100, seed=0, output=None)


@pytest.mark.input(
    "Judging",
    "a rate of false alarms below 1/(n + 1) of n images set aside",
    "refused",
    "it needs so many images; allow a higher rate, or set more aside with data.held_out",
)
@pytest.mark.parametrize(
    ("rate", "sentence"), [(0.001, "are too few for a rate of 0.001: there must be 999"), (1.0, r"must be in \(0, 1\)")]
)
def test_a_rate_of_false_alarms_that_cannot_be_kept_is_refused(made, here, rate, sentence):
    config = ConfigDict(json.loads((made[0] / "config.json").read_text()))
    config.evaluation.false_alarms = rate
    with pytest.raises(Refusal, match=rf"^config.evaluation.false_alarms={rate}: .*{sentence}.*held_out\.$"):
        detect.main(open_run(made[0], given=config), num=100, seed=0, output=None)


def test_a_model_that_lacks_what_the_score_takes_is_refused_before_the_data_are_read(made, monkeypatch):
    monkeypatch.setattr(run, "load_again", None)
    opened = open_run(made[0])
    without = opened._replace(model=opened.model._replace(decode=None))
    with pytest.raises(Refusal, match=r"anomaly_score='reconstruction' needs .*; set it to 'density'\.$"):
        detect.main(without, num=100, seed=0, output=None)


@pytest.mark.parametrize("num", [0, 99])
def test_too_few_test_images_are_refused(made, num):
    with pytest.raises(Refusal, match=f"--num={num} must be at least 100"):
        detect.main(open_run(made[0]), num=num, seed=0, output=None)


def test_a_run_is_compared_with_others(made, answer):
    compared = answer("--mode=compare", f"--workdir={made[0].parent}")
    assert compared.returncode == 0, compared.stderr
    assert compared.stdout.splitlines()[-1] == str(made[0].parent / "detections.json")
    assert "| eights | reconstruction |" in compared.stdout
