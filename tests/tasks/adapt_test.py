"""A tiny adaptation from one end to the other: both directions, two seeds, and no label of a target in a training."""

import json
import math
import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from configs import adapt as experiment
from gengen.api import train
from gengen.core.refusal import Refusal
from gengen.reports.adaptations import as_table, rows_of
from gengen.runs.folder import read_folder
from gengen.runs.prepare import load_data
from gengen.runs.run import open_run
from gengen.tasks import adapt, evaluate

NAMES = {"a": "digits", "b": "glyphs"}


@pytest.fixture(autouse=True)
def promotion():
    """Optax raises floats to integer powers, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def tiny(data_dir, **changed):
    config = experiment.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.adaptation.baseline.steps = 20
    for networks in (config.networks, config.adaptation.baseline.networks):
        networks.classifier.channels = 8
    config.adaptation.seeds = 2
    config.adaptation.update(changed)
    return config


class Trainings:
    """What was trained on: the streams of each run, in the order of the trainings."""

    def __init__(self):
        self.given = []
        self.streams = train.streams

    def __call__(self, data):
        self.given.append(self.streams(data))
        return self.given[-1]


@pytest.fixture(scope="module")
def adapted(data_dir, tmp_path_factory):
    """The folder of an adaptation, what it printed, and the streams of batches that it was trained on."""
    folder, spy = tmp_path_factory.mktemp("adapt"), Trainings()
    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("standard"):
        patch.setattr(train, "streams", spy)
        said = []
        patch.setattr("builtins.print", lambda *words, **more: said.append(" ".join(map(str, words))))
        path = adapt.main(tiny(data_dir), folder, output=None)
    assert path == folder / "adaptation.json"
    return folder, "\n".join(said), spy.given


def report_of(folder):
    return json.loads((folder / "adaptation.json").read_text())


def test_there_is_a_run_for_each_seed_domain_and_direction(adapted):
    runs = sorted(str(path.parent.relative_to(adapted[0])) for path in adapted[0].glob("*/*/config.json"))
    assert runs == [f"seed_{seed}/{name}" for seed in (0, 1) for name in ("ab", "ba", "only_a", "only_b")]
    for run in runs:
        config = json.loads((adapted[0] / run / "config.json").read_text())
        assert config["training"]["seed"] == int(run[5])
        assert "adaptation" not in config


def test_directions_swap_source_and_target(adapted):
    for name, first, second in (
        ("ab", "digits", "glyphs"),
        ("ba", "glyphs", "digits"),
        ("only_a", "digits", None),
        ("only_b", "glyphs", None),
    ):
        config = json.loads((adapted[0] / "seed_0" / name / "config.json").read_text())
        assert config["data"]["name"] == first
        assert config["data"].get("second", {}).get("name") == second
        assert bool(config["model"]["consistency"]["weight"]) == bool(second)


def test_no_label_of_a_target_is_in_a_training(adapted, data_dir):
    data = load_data(tiny(data_dir))
    labels = {"digits": data.splits["train"]["label"], "glyphs": data.second.splits["train"]["label"]}
    images = {"digits": data.splits["train"]["data"], "glyphs": data.second.splits["train"]["data"]}
    taught = []
    for given in adapted[2]:
        assert set(given) <= {"data", "label", "second"}
        (name,) = [name for name in labels if np.array_equal(given["data"], images[name])]
        np.testing.assert_array_equal(given["label"], labels[name])
        if "second" in given:
            (other,) = {"digits", "glyphs"} - {name}
            assert list(given["second"]) == ["data"]
            np.testing.assert_array_equal(given["second"]["data"], images[other])
        taught.append((name, "second" in given))
    of_a_seed = [("digits", False), ("glyphs", False), ("digits", True), ("glyphs", True)]
    assert taught == [each for each in of_a_seed * 2 for _ in ("the first batch", "all of them")]


def test_means_and_standard_errors_are_those_of_the_seeds(adapted, data_dir):
    report = report_of(adapted[0])
    assert (report["seeds"], list(report["directions"])) == (2, ["ab", "ba"])
    data = load_data(tiny(data_dir))
    tests = {"a": data.splits["test"], "b": data.second.splits["test"]}
    for way, found in report["directions"].items():
        assert found["title"] == f"{NAMES[way[0]]} to {NAMES[way[1]]}"
        assert found["images"] == len(tests[way[1]]["data"])
        assert "survival" not in found, "nothing is translated"
        for name, run in (("source", f"only_{way[0]}"), ("adapted", way), ("target", f"only_{way[1]}")):
            first, second = found[name]["values"]
            assert found[name]["mean"] == pytest.approx((first + second) / 2, abs=1e-12)
            assert found[name]["standard_error"] == pytest.approx(abs(first - second) / 2, abs=1e-12)
            look = adapt.recogniser(adapted[0] / "seed_1" / run)
            right = look(tests[way[1]]["data"]) == tests[way[1]]["label"]
            assert second == pytest.approx(right.mean(), abs=1e-12)


def test_the_standard_error_is_the_closed_form():
    assert adapt.standard_error([1.0, 2.0, 3.0, 6.0]) == pytest.approx(math.sqrt(14 / 3 / 4))
    assert adapt.standard_error([0.5, 0.5]) == 0
    assert adapt.standard_error([0.5]) is None


def test_the_table_says_what_the_file_says(adapted):
    report = report_of(adapted[0])
    shown = as_table(rows_of(report))
    assert shown in adapted[1]
    found = report["directions"]["ab"]["adapted"]
    assert f"| digits to glyphs | {report['directions']['ab']['source']['mean']:.2%} ± " in shown
    assert f"{found['mean']:.2%} ± {found['standard_error']:.2%}" in shown
    assert "seed 1, glyphs to digits: taught by the source alone" in adapted[1]


def test_a_second_call_trains_nothing_and_finds_the_same(adapted, data_dir, tmp_path, monkeypatch, capsys):
    def forbidden(*given, **more):
        raise AssertionError("it was trained again")

    before = report_of(adapted[0])
    monkeypatch.setattr("gengen.api.train.train", forbidden)
    written = adapt.main(tiny(data_dir), adapted[0], output=tmp_path / "again")
    assert written == tmp_path / "again.json"
    assert json.loads(written.read_text()) == before == report_of(adapted[0])
    assert capsys.readouterr().out.count("is complete at step 20") == 8


def test_a_model_that_only_recognises_trains_without_pictures_of_images_and_says_where_its_metrics_are(adapted):
    run = adapted[0] / "seed_0" / "ab"
    assert [path.name for path in run.glob("**/*.png")] == ["curves.png"]
    assert train.run(read_folder(run)[0], run) == run / "metrics.jsonl"


def test_one_run_of_it_can_be_evaluated(adapted, tmp_path, capsys):
    report = report_of(adapted[0])
    for way in ("ab", "ba"):
        path = evaluate.main(open_run(adapted[0] / "seed_1" / way), num=100, seed=0, output=tmp_path / way)
        found = json.loads(path.read_text())
        assert found["recognition"]["domain"] == NAMES[way[1]]
        assert found["recognition"]["accuracy"]["value"] == report["directions"][way]["adapted"]["values"][1]
        assert "Its own classifier names" in capsys.readouterr().out
        assert not path.with_suffix(".png").exists()


def test_one_seed_and_one_direction_can_be_asked_for(adapted, data_dir, tmp_path):
    shutil.copytree(adapted[0] / "seed_0", tmp_path / "seed_0")
    path = adapt.main(tiny(data_dir, seeds=1, directions=("ba",)), tmp_path, output=None)
    (found,) = json.loads(path.read_text())["directions"].values()
    assert found["title"] == "glyphs to digits"
    assert found["adapted"]["values"] == report_of(adapted[0])["directions"]["ba"]["adapted"]["values"][:1]
    assert found["adapted"]["standard_error"] is None


def test_a_run_that_was_stopped_is_not_judged_as_if_it_were_complete(adapted, data_dir, tmp_path, monkeypatch):
    """A signal saves the run that is trained and ends it early; nothing may then be measured of it."""
    shutil.copytree(adapted[0] / "seed_0", tmp_path / "seed_0")
    config = tiny(data_dir, seeds=1).unlock()
    config.training.steps = 40
    monkeypatch.setattr("gengen.api.train.run", lambda config, workdir, rule: workdir)
    with pytest.raises(Refusal, match=r"stopped before .*seed_0.ab was complete; the same command goes on"):
        adapt.main(config, tmp_path, output=None)
    assert not (tmp_path / "adaptation.json").exists()


@pytest.mark.input(
    "Splits",
    "an adaptation some of whose runs an older version trained",
    "taken",
    "all its runs keep the older split, so that none is tested on what another was trained on",
)
@pytest.mark.parametrize(("older", "rule"), [(True, "position"), (False, "hash")])
def test_runs_of_one_adaptation_draw_their_splits_alike(adapted, data_dir, tmp_path, monkeypatch, older, rule):
    shutil.copytree(adapted[0] / "seed_0" / "ab", tmp_path / "seed_0" / "ab")
    data = json.loads((tmp_path / "seed_0" / "ab" / "data.json").read_text())
    assert (data.pop("split"), data["second"].pop("split")) == ("hash", "own")
    if older:
        (tmp_path / "seed_0" / "ab" / "data.json").write_text(json.dumps(data))
    given = []
    monkeypatch.setattr("gengen.api.train.run", lambda config, workdir, rule: given.append(rule))
    monkeypatch.setattr(adapt, "load_data", lambda config, rule: given.append(rule) or load_data(config, rule))
    with pytest.raises(Refusal, match="stopped before"):
        adapt.main(tiny(data_dir), tmp_path, output=None)
    assert given == [rule, rule, rule]  # the test images of both directions, and the first run


def without(data_dir, *keys):
    config = tiny(data_dir).unlock()
    for key in keys:
        section, _, name = key.rpartition(".")
        del (config[section] if section else config)[name]
    return config


MISTAKES = {
    "no section": (lambda data_dir: without(data_dir, "adaptation"), "--mode=adapt needs an experiment of two domains"),
    "no second": (lambda data_dir: without(data_dir, "data.second"), "--mode=adapt needs an experiment of two domains"),
    "a direction": (
        lambda data_dir: tiny(data_dir, directions=("ab", "aa")),
        "directions=.*, which 'aa' is not",
    ),
    "no seeds": (lambda data_dir: tiny(data_dir, seeds=0), "config.adaptation.seeds=0 must be a whole number from 1"),
}


@pytest.mark.parametrize(("config", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_get_one_sentence(data_dir, tmp_path, config, words):
    with pytest.raises(Refusal, match=words) as refused:
        adapt.main(config(data_dir), tmp_path, output=None)
    assert str(refused.value).count(". ") == 0
    assert not list(tmp_path.iterdir())


def test_a_domain_without_labels_is_refused_before_anything_is_trained(data_dir, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(10):
        Image.fromarray(np.full((8, 8), 25 * index, np.uint8)).save(pictures / f"{index}.png")
    config = tiny(data_dir)
    config.data.second.update(name="image_folder", manual_dir=str(pictures))
    with pytest.raises(Refusal, match="image_folder has no labels, so that no accuracy can be measured"):
        adapt.main(config, tmp_path, output=None)
    assert not list(tmp_path.glob("seed_*"))


@pytest.mark.input("Folders of pictures", "other classes than the other domain has, to adapt", "refused", "names them")
def test_domains_of_different_classes_are_refused_before_anything_is_trained(data_dir, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for index in range(10):
            Image.fromarray(np.full((8, 8), 25 * index, np.uint8)).save(tmp_path / "pictures" / name / f"{index}.png")
    config = tiny(data_dir)
    config.data.second.update(name="image_folder", manual_dir=str(tmp_path / "pictures"))
    words = r"theirs are not the same: digits has 10 \(0, 1, 2, ...\) and image_folder has 2 \(cat, dog\)"
    with pytest.raises(Refusal, match=words):
        adapt.main(config, tmp_path / "run", output=None)
    assert not (tmp_path / "run").exists()
