"""`--mode=evaluate` and `--mode=compare` as a user runs them, scores while a run trains, and the best checkpoint."""

import json
import math
import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from configs import wgan
from gengen.api import train
from gengen.core.refusal import Refusal
from gengen.metrics.scores import AS_REAL, SCORES
from gengen.reports.evaluations import SETS, notes_on
from gengen.runs.run import open_run
from gengen.tasks import compare, evaluate

ELSEWHERE = ("label_agreement", "modes_hit", "mode_divergence", "high_quality")
"""Scores of samples that were told their class, and of data whose modes are known."""

TINY, SIZE = "--config=configs/wgan.py:tiny", 16
"""At 16x16 the digits have a classifier that comes with gengen, so that none is trained here."""


@pytest.fixture(autouse=True)
def promotion():
    """Optax raises floats to integer powers, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def judged(launch, tmp_path_factory):
    """A tiny run with scores at steps 10 and 20, and `--mode=evaluate` of it."""
    workdir = tmp_path_factory.mktemp("runs") / "one"
    trained = launch(
        TINY, f"--config.data.resolution={SIZE},{SIZE}", f"--workdir={workdir}", "--config.evaluation.every=10"
    )
    assert trained.returncode == 0, trained.stderr
    done = launch("--mode=evaluate", f"--workdir={workdir}", "--num=300")
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout


def test_the_last_line_is_the_file_and_a_figure_lies_beside_it(judged):
    workdir, said = judged
    assert said.splitlines()[-1] == str(workdir / "evaluation.json")
    with Image.open(workdir / "evaluation.png") as figure:
        assert np.asarray(figure).std() > 0


def test_every_score_tells_its_sizes_its_extractor_and_its_floor(judged):
    report = json.loads((judged[0] / "evaluation.json").read_text())
    assert list(report["scores"]) == [name for name in SCORES if name not in ELSEWHERE]
    assert report["weights"] == "averaged"
    assert report["sizes"]["samples"] == 300
    for name, entry in report["scores"].items():
        for shown in ("samples", "floor", "noise", "one_image"):
            low, value, high = (entry[shown][end] for end in ("low", "value", "high"))
            assert low <= value <= high, (name, shown)
            assert math.isfinite(value)
        assert entry["sizes"]["samples"] == 300
        if SCORES[name].sees != "points":
            assert len(entry["extractor"]["digest"]) == 12
            assert entry["extractor"]["accuracy"] > 0.8
        if SCORES[name].better == AS_REAL:
            assert entry["difference"] is None
        else:
            assert 0 <= entry["difference"]["p_value"] <= 1
        assert entry["meaningful"] == (min(entry["sizes"].values()) >= entry["meaningful_from"])
    assert sum(share["value"] for share in report["classes"].values()) == pytest.approx(1)


def test_the_table_shows_every_score_and_says_which_mean_little(judged):
    said = judged[1]
    assert "images are fewer than the" in said
    report = json.loads((judged[0] / "evaluation.json").read_text())
    for name in report["scores"]:
        assert SCORES[name].title in said
    for sentence in report["verdict"]:
        assert sentence in said


@pytest.mark.input(
    "Judging",
    "samples with a kernel distance of -0.0003",
    "taken",
    "one line below the table: unbiased, so it may be negative, which says 0 as far as can be seen",
)
@pytest.mark.parametrize(("value", "said"), [(-0.0003, 1), (0.0, 0), (0.2, 0)])
def test_a_negative_kernel_distance_is_explained(value, said):
    estimate = {"value": value, "low": -0.001, "high": 0.3}
    entry = {"title": "kernel distance", "meaningful": True, "note": SCORES["kernel_distance"].note}
    notes = list(notes_on(entry | dict.fromkeys(SETS, estimate), "images"))
    assert notes == ["kernel distance: unbiased, so it may be negative, which says 0 as far as can be seen."] * said


def test_scores_while_training_are_in_the_metrics_and_the_best_state_is_kept(judged):
    lines = [json.loads(line) for line in (judged[0] / "metrics.jsonl").read_text().splitlines()]
    report = json.loads((judged[0] / "evaluation.json").read_text())
    extractor = report["scores"]["frechet_distance"]["extractor"]
    tag = f"evaluation/{extractor['name']}-{extractor['digest']}/frechet_distance"
    distances = {line["step"]: line[tag] for line in lines if tag in line}
    assert list(distances) == [10, 20]
    for line in lines:
        if tag in line:
            assert line[f"{tag}/low"] <= line[tag] <= line[f"{tag}/high"]
    assert [path.name for path in (judged[0] / "best").glob("[0-9]*")] == [str(min(distances, key=distances.get))]


def test_the_best_checkpoint_and_raw_weights_can_be_asked_for(judged, tmp_path, data_dir):
    report = judge_again(judged[0], tmp_path / "scores", data_dir, num=100, best=True, raw=True, seed=3)
    assert (report["checkpoint"], report["weights"], report["seed"]) == ("best", "as trained", 3)
    assert (tmp_path / "scores.png").exists()


def test_judging_again_in_another_process_gives_the_same_numbers(judged, tmp_path, data_dir):
    again = judge_again(judged[0], tmp_path / "again.json", data_dir, num=300)
    first = json.loads((judged[0] / "evaluation.json").read_text())
    assert again["verdict"] == first["verdict"]
    for name in ("frechet_distance", "inception_score", "class_confidence"):  # others count, and may differ by one
        there, here = (report["scores"][name]["samples"] for report in (first, again))
        assert here == pytest.approx(there, rel=1e-3), name


def test_runs_are_compared_in_one_table(judged, capsys):
    compare.main(judged[0].parent, output=None)
    (row,) = json.loads((judged[0].parent / "comparison.json").read_text())
    assert (row["run"], row["seeds"], row["steps"]) == ("one", "1", "20")
    assert row["Fréchet distance"] in capsys.readouterr().out


def test_a_folder_without_judged_runs_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"no run below .* was judged"):
        compare.main(tmp_path, output=None)


def judge_again(workdir, output, data_dir, *, config=None, num=100, seed=0, best=False, raw=False):
    config = config or tiny(data_dir)
    written = evaluate.main(open_run(workdir, best=best, raw=raw, given=config), num=num, seed=seed, output=output)
    return json.loads(written.read_text())


def tiny(data_dir, **changed):
    config = wgan.get_config("tiny")
    config.data.update(data_dir=str(data_dir), resolution=(SIZE, SIZE))
    config.evaluation.update(changed)
    return config


MISTAKES = {
    "too few": ({}, 10, "num=10 must be at least 100"),
    "no weights": ({"features": "inception"}, 100, "6726825d.* https://"),
    "weights not there": ({"inception_weights": "w.pth"}, 100, "w.pth cannot be read.* wanted: weights-inception"),
    "not weights": ({"inception_weights": "README.md"}, 100, "README.md is"),
}


@pytest.mark.parametrize(("changed", "num", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_get_one_sentence(judged, tmp_path, data_dir, changed, num, words):
    with pytest.raises(Refusal, match=words):
        judge_again(judged[0], tmp_path / "a.json", data_dir, num=num, config=tiny(data_dir, **changed))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"best": "fid"}, "'fid' must be one of frechet_distance"),
        ({"best": "class_similarity"}, "'class_similarity' must be one of frechet_distance"),
        ({"best": "label_agreement"}, "'label_agreement' must be one of the scores that can be had"),
        ({"scores": ("fid",)}, r"scores=\('fid',\) must hold .*, each one of frechet_distance"),
        ({"scores": ("label_agreement",), "best": "label_agreement"}, "'label_agreement' cannot be had"),
        ({"num": 5}, "config.evaluation.num=5 must be a whole number from 100"),
    ],
)
def test_mistakes_in_a_training_are_said_before_it(tmp_path, data_dir, changed, words):
    with pytest.raises(Refusal, match=words):
        train.run(tiny(data_dir, every=10, **changed), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_best_state_of_a_later_step_than_the_run_goes_on_from_is_dropped(judged, tmp_path, data_dir):
    run = tmp_path / "run"
    shutil.copytree(judged[0], run)
    shutil.rmtree(run / "checkpoints" / "20")
    (best,) = (run / "best").glob("[0-9]*")
    best.rename(run / "best" / "20")
    config = tiny(data_dir, every=10, num=100)
    config.training.steps = 11
    train.run(config, run)
    assert [path.name for path in (run / "best").glob("[0-9]*")] == ["11"]


def test_a_folder_of_an_older_version_is_refused_unless_its_experiment_is_named(judged, tmp_path, data_dir):
    shutil.copytree(judged[0], tmp_path / "run")
    config = json.loads((judged[0] / "config.json").read_text())
    del config["evaluation"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(Refusal, match="older gengen and lacks evaluation; name its experiment"):
        evaluate.main(open_run(tmp_path / "run"), num=100, seed=0, output=None)
    assert judge_again(tmp_path / "run", None, data_dir)["verdict"]


def test_pictures_that_cannot_be_judged_are_trained_on_without_scores(tmp_path, capsys):
    random = np.random.default_rng(0)
    for index in range(10):
        (tmp_path / "given").mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / "given" / f"{index}.png")
    config = tiny(tmp_path / "data", every=10)
    config.data.update(name="image_folder", manual_dir=str(tmp_path / "given"))
    config.training.steps = 5
    train.run(config, tmp_path / "run")
    assert "no scores while it trains: image_folder has 9 training and 1 held-out" in capsys.readouterr().err


def test_other_data_than_the_run_was_trained_on_are_refused(judged, tmp_path, data_dir):
    shutil.copytree(judged[0], tmp_path / "run")
    signature = json.loads((judged[0] / "data.json").read_text())
    (tmp_path / "run" / "data.json").write_text(json.dumps(signature | {"digest": "0" * 16}))
    with pytest.raises(Refusal, match="their digests differ"):
        judge_again(tmp_path / "run", None, data_dir)


def test_a_run_without_scores_has_no_best_checkpoint(judged, tmp_path, data_dir):
    shutil.copytree(judged[0], tmp_path / "run", ignore=shutil.ignore_patterns("best"))
    with pytest.raises(Refusal, match=r"no best checkpoint; it is kept where config.evaluation.every is not 0"):
        judge_again(tmp_path / "run", None, data_dir, best=True)
