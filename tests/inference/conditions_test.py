"""What a model that takes labels is told: while it trains, when it is sampled and when it is judged."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from configs import wgan
from gengen.api import ready, train
from gengen.cli.tasks import given_to
from gengen.core.model import Condition
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.evaluation.judging import Judge
from gengen.inference.batched import SIZE
from gengen.inference.conditions import columns_of, in_turn, of_class
from gengen.inference.sampling import sampler
from gengen.inference.shown import sheet
from gengen.metrics.measures import labels_of
from gengen.pictures.captions import captioned
from gengen.runs import run
from gengen.runs.prepare import load_data
from gengen.tasks import evaluate, sample

CLASSES = 10
LABELLED = {"label": Condition(classes=CLASSES)}
UNNAMED = Signature.of_pictures("any", (1, 1, 1), (), {}, "")
UNITS = UNNAMED.units


def tiny(data_dir):
    config = wgan.get_config("tiny")
    config.data.update(data_dir=str(data_dir), resolution=(16, 16))  # their classifier comes with gengen
    config.evaluation.every = 20
    config.training.average.decay = 0.0
    return config


@pytest.fixture(scope="module")
def data(data_dir):
    return load_data(tiny(data_dir))


@pytest.fixture(scope="module")
def pictures(data):
    """A hundred training images of each class, [K, 100, H, W, C] in [-1, 1]."""
    train = data.splits["train"]
    chosen = np.stack([train["data"][train["label"] == index][:100] for index in range(CLASSES)])
    return chosen.astype(np.float32) / 127.5 - 1


@pytest.fixture(scope="module")
def model(telling, pictures):
    return telling(pictures, LABELLED)


@pytest.fixture(scope="module")
def trained(model, data_dir, tmp_path_factory):
    """A run of the model, judged on the way, with what its tasks need to build it again."""
    workdir = tmp_path_factory.mktemp("runs") / "told"
    with pytest.MonkeyPatch.context() as patch:
        for room, name in ((ready, "member_model"), (run, "build_model")):
            patch.setattr(room, name, lambda config, signature, worse=None: model)
        train.run(tiny(data_dir), workdir)
        yield workdir


def drawn(trained, tmp_path, **flags):
    path = sample.main(
        run.open_run(trained), **given_to("sample", {"seed": 0, "output": tmp_path / "samples", **flags})
    )
    with np.load(path) as saved:
        return saved["images"], saved["labels"]


def classes_seen(images, pictures):
    """The class whose pictures an image is one of, for each."""
    known = np.rint((pictures + 1) * 127.5).astype(np.uint8)
    return [next(index for index in range(CLASSES) if (known[index] == image).all((1, 2, 3)).any()) for image in images]


def test_a_sample_does_not_depend_on_how_many_there_are_nor_on_what_the_others_are_told(model, pictures):
    variables = model.init(None, None).variables
    labels = np.random.default_rng(0).integers(0, CLASSES, SIZE + 9).astype(np.int32)
    draw = sampler(model, UNITS)
    images = draw(variables, 3, len(labels), {"label": labels})
    assert classes_seen(images, pictures) == labels.tolist()
    for fewer in (5, SIZE, SIZE + 1):
        np.testing.assert_array_equal(draw(variables, 3, fewer, {"label": labels[:fewer]}), images[:fewer])
    changed = labels.copy()
    changed[7] = (changed[7] + 1) % CLASSES
    differs = (draw(variables, 3, len(labels), {"label": changed}) != images).any((1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(differs), [7])


def test_a_model_that_is_told_nothing_draws_by_itself(model, pictures):
    images = sampler(model, UNITS)(model.init(None, None).variables, 0, 200)
    assert len(set(classes_seen(images, pictures))) == CLASSES


def test_each_class_has_a_column_of_the_grid_and_its_labels_are_kept(trained, sheets, pictures, tmp_path):
    images, labels = drawn(trained, tmp_path, num=25)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, np.arange(25) % CLASSES)
    assert classes_seen(images, pictures) == labels.tolist()
    (block,) = sheets[0].blocks
    np.testing.assert_array_equal(block.cells, images)
    assert block.across == run.open_run(trained).signature.classes


def test_one_class_can_be_asked_for(trained, sheets, pictures, tmp_path):
    images, labels = drawn(trained, tmp_path, num=12, label="3")
    assert classes_seen(images, pictures) == labels.tolist() == [3] * 12
    assert sheets[0].blocks[0].across == ()
    assert sheets[0].title.endswith("weights as trained · class 3")


def test_a_class_that_there_is_not_is_refused_before_anything_is_written(trained, tmp_path):
    with pytest.raises(Refusal, match=r"--label=10 is no class; take a number from 0 to 9 or a name: 0, 1, .*9\.$"):
        drawn(trained, tmp_path, num=5, label="10")
    assert not list(tmp_path.iterdir())


def test_a_class_is_meant_by_its_name_before_its_number(model):
    names = ("Sandal", "2", "Boot", *"defghij")
    for asked, index in (("Sandal", 0), ("2", 1), ("0", 0), ("9", 9)):
        np.testing.assert_array_equal(of_class(model, 2, asked, names)["label"], [index, index])
    for asked in ("sandal", "-1", "1.0", "10", ""):
        with pytest.raises(Refusal, match=f"--label={asked} is no class"):
            of_class(model, 2, asked, names)


def test_a_model_without_labels_refuses_one_and_is_told_nothing(telling, pictures):
    other = telling(pictures, {"category": Condition(classes=CLASSES)})
    assert in_turn(other, 5) is None
    assert columns_of(other, UNNAMED) == ()
    with pytest.raises(Refusal, match="--label=3: samples of this run cannot be told their class"):
        of_class(other, 2, "3", ("0", "1"))


def test_more_classes_than_a_picture_has_room_for_get_no_columns(telling, pictures):
    many = telling(pictures, {"label": Condition(classes=1000)})
    assert columns_of(many, UNNAMED) == ()
    np.testing.assert_array_equal(in_turn(many, 3)["label"], [0, 1, 2])


def test_grids_of_a_training_have_whole_rows_of_classes(trained, model):
    opened = run.open_run(trained)
    images = sampler(model, UNITS)(model.init(None, None).variables, 0, 70, in_turn(model, 70))
    block = sheet(opened.signature, images, across=opened.signature.classes)
    title = run.titled(trained, 20, opened.signature)
    with Image.open(trained / "samples" / "step_00000020.png") as shown:
        np.testing.assert_array_equal(np.asarray(shown), captioned([block], title))


def test_samples_are_asked_to_be_of_the_classes_of_the_images_that_stand_in_for_them(model, data):
    judge = Judge(data, tiny(data.folder).evaluation, num=200, labelled=True)
    floor = judge.floor
    np.testing.assert_array_equal(judge.asked, data.splits["train"]["label"][floor.indices])
    np.testing.assert_array_equal(floor.asked, judge.asked)
    told = []

    def draw(variables, seed, n, condition=None):
        told.append(condition["label"])
        return sampler(model, UNITS)(variables, seed, n)  # a model that is deaf

    deaf = judge.samples(draw, model.init(None, None).variables, 0)
    np.testing.assert_array_equal(told, [judge.asked])
    agreement = judge.scores(deaf)["label_agreement"]
    assert agreement.value == np.mean(labels_of(deaf) == judge.asked) < 0.25
    assert judge.scores(floor)["label_agreement"].value > 0.9


def test_agreement_is_in_the_report_of_an_evaluation_and_in_the_metrics_of_a_training(trained, data, capsys):
    report = json.loads(evaluate.main(run.open_run(trained), num=300, seed=0, output=None).read_text())
    entry = report["scores"]["label_agreement"]
    assert (entry["better"], entry["sizes"], entry["meaningful"]) == ("higher", {"samples": 300}, True)
    assert entry["samples"]["value"] > 0.9
    assert entry["floor"]["value"] > 0.9
    counts = np.bincount(data.splits["train"]["label"][np.random.default_rng(0).permutation(1497)[:300]])
    assert round(entry["one_image"]["value"] * 300) in counts
    assert entry["noise"]["value"] < 0.3
    assert report["codes"] == {}
    said = capsys.readouterr().out
    assert "agreement with the asked label" in said
    assert "Code " not in said
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [value > 0.9 for line in lines for name, value in line.items() if name.endswith("/label_agreement")] == [
        True
    ]


def test_scores_of_a_model_without_labels_know_no_agreement(data):
    with pytest.raises(Refusal, match="'label_agreement' cannot be had"):
        Judge(data, tiny(data.folder).evaluation, num=200, scores=("label_agreement",))


def test_the_conditions_of_a_jitted_model_are_compiled_once(telling, pictures):
    compiled = []
    quiet = telling(pictures, LABELLED)

    def counted(key, variables, n, condition=None):
        compiled.append(n)
        return quiet.sample(key, variables, n, condition)

    draw = sampler(quiet._replace(sample=counted), UNITS)
    labels = np.zeros(3 * SIZE, np.int32)
    for seed in (0, 1):
        draw(jax.device_get(quiet.init(None, None).variables), seed, len(labels), {"label": labels + seed})
    assert compiled == [SIZE]
