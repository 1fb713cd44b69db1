"""`--mode=evaluate` on runs that are made up: what is written, drawn and said, above all of two domains."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.core.model import Condition, GenerativeModel
from gengen.core.parallel import example_keys
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.domains import joined
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.features import KINDS
from gengen.evaluation.recognition import recognition
from gengen.evaluation.translation_scores import picture, translation
from gengen.inference.sampling import sampler
from gengen.inference.translation import Gallery
from gengen.metrics.interval import of_share
from gengen.tasks import compare, evaluate

pytestmark = pytest.mark.heavy

SETTINGS = ConfigDict({"features": "coordinates", "inception_weights": None})


def init(key, batch):
    del key, batch
    return State(jnp.zeros((), jnp.int32), {"net": {"params": {"gain": jnp.float32(-1)}}}, {})


def fake(**can):
    return GenerativeModel(init, lambda key, state, batch, *, phase=None: (state, {}), **can)


def negative(key, variables, images):
    del key
    return variables["net"]["params"]["gain"] * images


def halves(key, variables, n, condition=None):
    """Noise, and its negative as the other half."""
    noise = jax.vmap(lambda key: jax.random.uniform(key, (4, 4, 1), minval=-1))(example_keys(key, n))
    sign = jnp.where(condition["domain"] == 0, 1.0, variables["net"]["params"]["gain"])
    return noise * sign[:, None, None, None]


def brightness(key, variables, data):
    """Two classes: whether the mean of an image is above that of grey, or below."""
    del key
    bright = data.mean((1, 2, 3)) * variables["net"]["params"]["gain"]
    return {"label": jax.nn.log_sigmoid(jnp.stack([bright, -bright], -1))}


PAIRS = {"sample": halves, "conditions": {"domain": Condition(classes=2)}}


def data_set(name, folder, seed, low, high, wrong=None):
    """Noise uint8 [150, 4, 4, 1]; with `wrong`, how many held-out images are not of the class of their brightness."""
    splits = {}
    for index, split in enumerate(("train", "test")):
        image = np.random.default_rng([seed, index]).integers(low, high, (150, 4, 4, 1), np.uint8)
        bright = (image.reshape(150, -1).mean(1) > 127.5).astype(np.int32)
        splits[split] = {"data": image} | ({} if wrong is None else {"label": bright})
    if wrong is not None:
        splits["test"]["label"][:wrong] = 1 - splits["test"]["label"][:wrong]
    classes = () if wrong is None else ("dark", "bright")
    counts = {"train": 150, "test": 150}
    return DataSet(Signature.of_pictures(name, (4, 4, 1), classes, counts, f"digest of {name}"), splits, folder)


@pytest.fixture
def data(tmp_path):
    return joined(data_set("noise", tmp_path, 0, 0, 200), data_set("other", tmp_path, 1, 55, 255))


@pytest.fixture
def judged(opened):
    """Returns `(model, data, **flags) -> path` of what `--mode=evaluate` of a run of the model writes."""

    def run(model, data, num=120, seed=5, output=None):
        config = ConfigDict({"model": {"name": "fake"}, "evaluation": SETTINGS})
        return evaluate.main(opened(model, data, config), num=num, seed=seed, output=output)

    return run


def test_translations_are_judged_in_the_place_of_samples(judged, sheets, subject_of, data, capsys):
    model = fake(translate={"ab": negative, "ba": negative})
    path = judged(model, data)
    report = json.loads(path.read_text())
    variables = init(None, None).variables
    assert {name: found for name, found in report.items() if found != {}} == {
        "run": str(path.parent),
        "step": 7,
        "checkpoint": "latest",
        "weights": "as trained",
        "seed": 5,
        "data": "noise",
        "kind": "picture",
        "data_digest": data.signature.digest,
        "translation": translation(subject_of(model, data, SETTINGS, variables, num=120, seed=5)).found,
    }
    wanted = Gallery(model, data, number=16, seed=5, columns=8).blocks(variables)
    for block, drawn in zip(wanted, sheets[0].blocks, strict=True):
        np.testing.assert_array_equal(drawn.cells, block.cells)
    said = capsys.readouterr().out
    assert said.startswith("step 7 (latest checkpoint, weights as trained, seed 5)\n\nTranslations of held-out images")
    assert "There and back b to a" in said
    assert said.splitlines()[-1] == str(path.with_suffix(".png"))


def test_a_model_that_draws_gets_the_seed_and_another_file_can_be_named(judged, data, tmp_path):
    def noisy(key, variables, images):
        return images + jax.random.uniform(key, images.shape)

    model = fake(translate={"ab": noisy})
    first, again, other = (
        json.loads(judged(model, data, seed=seed, output=tmp_path / f"{name}.json").read_text())["translation"]
        for name, seed in (("first", 5), ("again", 5), ("other", 6))
    )
    assert first == again != other
    assert (tmp_path / "first.png").exists()


def test_pairs_of_samples_are_judged_and_drawn_one_above_the_other(judged, sheets, data, capsys):
    model = fake(**PAIRS)
    path = judged(model, data)
    report = json.loads(path.read_text())
    assert list(report["translation"]) == ["a", "b"]
    assert report["recognition"] == {}
    variables = init(None, None).variables
    draw = sampler(model, data.signature.units)
    a, b = (draw(variables, 5, 16, {"domain": np.full(16, index, np.int32)}) for index in (0, 1))
    np.testing.assert_array_equal(a, 255 - b)
    for start, block in zip((0, 8), sheets[0].blocks, strict=True):
        np.testing.assert_array_equal(block.cells, np.concatenate([a[start : start + 8], b[start : start + 8]]))
    assert "Samples that were told their domain" in capsys.readouterr().out


@pytest.mark.parametrize("more", [{}, PAIRS, {"translate": {"ab": negative}}], ids=["alone", "pairs", "translates"])
def test_what_a_model_recognises_is_counted_in_the_last_domain(judged, subject_of, tmp_path, capsys, more, monkeypatch):
    monkeypatch.setitem(KINDS, "picture", KINDS["picture"]._replace(classes=KINDS["points"].classes))
    source, target = data_set("noise", tmp_path, 0, 0, 255, 0), data_set("other", tmp_path, 1, 0, 255, 30)
    model = fake(recognise=brightness, **more)
    path = judged(model, joined(source, target))
    report = json.loads(path.read_text())
    assert report["recognition"] == {"domain": "other", "images": 150, "accuracy": of_share(120, 150)._asdict()}
    assert bool(report["translation"]) == path.with_suffix(".png").exists() == bool(more)
    assert "Its own classifier names 0.8 [0.729, 0.856] of the 150 held-out images of other right." in (
        capsys.readouterr().out
    )
    alone = recognition(subject_of(model, source, variables=init(None, None).variables)).found
    assert alone["domain"] == "noise"
    assert alone["accuracy"]["value"] == 1


def test_a_domain_without_the_labels_is_no_judge_of_a_model_that_recognises(judged, subject_of, tmp_path, data):
    labelled = joined(data_set("noise", tmp_path, 0, 0, 255, 0), data_set("other", tmp_path, 1, 0, 255))
    for given in (data, labelled):
        with pytest.raises(Refusal, match="other lacks the labels that this model recognises"):
            judged(fake(recognise=brightness), given)
    assert recognition(subject_of(fake(translate={}), labelled)) is None


@pytest.mark.parametrize("more", [{}, {"recognise": brightness}], ids=["draws", "recognises"])
def test_models_of_one_domain_are_judged_by_their_samples(judged, tmp_path, monkeypatch, more):
    """Even those that recognise images, too."""
    monkeypatch.setitem(KINDS, "picture", KINDS["picture"]._replace(classes=KINDS["points"].classes))
    data = data_set("noise", tmp_path, 0, 0, 255, 0)
    model = fake(sample=lambda *given: halves(*given[:3], {"domain": jnp.zeros(given[2], jnp.int32)}), **more)
    report = json.loads(judged(model, data).read_text())
    assert report["scores"]["frechet_distance"]["samples"]["value"] > 0
    assert report["translation"] == {}
    assert bool(report["recognition"]) == bool(more)


def test_too_few_are_refused_as_samples_are(judged, data):
    with pytest.raises(Refusal, match="num=10 must be at least 100"):
        judged(fake(translate={"ab": negative}), data, num=10)


def test_what_was_judged_can_be_compared(judged, data, capsys):
    path = judged(fake(translate={"ab": negative, "ba": negative}), data)
    made = compare.main(path.parent.parent, output=None)
    assert made == path.parent.parent / "translations.json"
    assert [row["direction"] for row in json.loads(made.read_text())] == ["a to b", "b to a"]
    assert "| run | a to b " in capsys.readouterr().out


def test_rows_of_a_picture_are_brought_to_one_shape(subject_of, tmp_path):
    """Colour from grey: the halves have other shapes, and a picture all the same."""

    def coloured(key, variables, images):
        del key, variables
        return jnp.tile(images, (1, 1, 1, 3))

    colours = data_set("colours", tmp_path, 1, 0, 255)
    image = {split: {"data": arrays["data"].repeat(3, -1)} for split, arrays in colours.splits.items()}
    colours = DataSet(
        Signature.of_pictures("colours", (4, 4, 3), (), {"train": 150, "test": 150}, "c"), image, tmp_path
    )
    data = joined(data_set("greys", tmp_path, 0, 0, 255), colours)
    shown = picture(subject_of(fake(translate={"ab": coloured}), data))
    assert shown.shape[-1] == 3
