"""Attributes of scenes are read off real ones without fault, and of samples seen and unseen combinations apart."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.model import Condition, GenerativeModel
from gengen.data.grammar import LENGTH, WORDS, Scene, Thing, parsed
from gengen.data.scenes import read_scenes
from gengen.data.signature import DataSet, Signature
from gengen.data.words import numbered, text_field
from gengen.evaluation.attributes import attributes
from gengen.evaluation.scene_reading import Agreement, agreement, things_in
from gengen.reports.evaluations import SENTENCES


@pytest.fixture(scope="module")
def real():
    return read_scenes("test", 32, 300)


@pytest.fixture
def data(real, tmp_path):
    pictures, captions = real
    texts = np.stack([numbered(caption, WORDS, LENGTH) for caption in captions])
    plain = Signature.of_pictures("scenes", (32, 32, 3), (), {"train": 300, "test": 300}, "")
    signature = Signature("scenes", "picture", {**plain.fields, "text": text_field(WORDS, LENGTH)}, plain.counts, "")
    split = {"data": pictures, "text": texts}
    return DataSet(signature, {"train": split, "test": split}, tmp_path)


def showing(pictures, texts):
    """A model whose sample is the picture of its text."""

    def sample(key, variables, n, condition=None):
        del key, variables, n
        same = (condition["text"][:, None] == jnp.asarray(texts)[None]).all(-1)
        return jnp.asarray(pictures, jnp.float32)[same.argmax(1)] / 127.5 - 1

    return GenerativeModel(None, None, sample=sample, conditions={"text": Condition(words=WORDS, length=LENGTH)})


def read(pictures, captions):
    return [agreement(parsed(caption), things_in(picture)) for picture, caption in zip(pictures, captions, strict=True)]


def test_real_scenes_are_read_as_their_captions_say(real):
    pictures, captions = real
    assert np.mean([each.whole for each in read(pictures, captions)]) >= 0.99
    random = np.random.default_rng(0).normal(0, 20, pictures.shape)
    noisy = np.clip(pictures + random, 0, 255).astype(np.uint8)
    assert np.mean([each.whole for each in read(noisy, captions)]) >= 0.99


@pytest.mark.parametrize(
    ("caption", "wrong"),
    [
        ("a small red circle above a blue square", ()),
        ("a small red circle above a green square", ("colour",)),
        ("a small red circle above a blue cross", ("shape",)),
        ("a big red circle above a blue square", ("size",)),
        ("a small red circle below a blue square", ("relation",)),
        ("a small red square above a blue circle", ("shape",)),
        ("a blue square below a small red circle", ()),
        ("a small red circle", ("number",)),
        ("three small red circles", ("number", "shape", "colour", "size")),
    ],
)
def test_each_attribute_is_compared_by_itself(caption, wrong):
    from gengen.data.scenes import drawn

    shown = Scene((Thing("circle", "red", "small"), Thing("square", "blue", "big")), 1, "above")
    found = agreement(parsed(caption), things_in(drawn(shown, np.full(17, 0.5))))
    assert {name for name in Agreement._fields[:-1] if getattr(found, name) is False} == set(wrong)
    assert found.whole == (not wrong)


def test_a_blot_has_no_shape_and_a_speck_is_nothing():
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[3:5, 3:5] = (230, 50, 45)
    assert things_in(picture) == []
    picture[10:12, 8:26] = picture[10:26, 8:10] = (230, 50, 45)  # an angle
    (found,) = things_in(picture)
    assert (found.thing.shape, found.thing.colour) == ("", "red")


def test_seen_and_unseen_combinations_are_counted_apart(data, subject_of):
    pictures, texts = data.splits["test"]["data"], data.splits["test"]["text"]
    wrong = pictures.copy()
    wrong[1::2] = pictures[1::2][..., ::-1]  # unseen ones with blue for red
    section = attributes(subject_of(showing(wrong, texts), data))
    found = json.loads(json.dumps(section.found))
    assert (found["seen"]["captions"], found["unseen"]["captions"], found["real"]["captions"]) == (150, 150, 300)
    assert found["seen"]["whole"]["value"] == found["real"]["whole"]["value"] == 1
    assert found["unseen"]["colour"]["value"] < 0.5 and found["unseen"]["shape"]["value"] == 1
    assert found["seen"]["whole"]["low"] > 0.97 and section.picture().ndim == 3
    lines = list(SENTENCES["attributes"](found, ("image", "images")))
    assert lines[0].startswith("Of 150 held-out captions with combinations seen in training, samples show all")
    assert len(lines) == 3 and not list(SENTENCES["attributes"]({}, ("image", "images")))


def test_only_scenes_and_models_that_take_texts_are_judged(data, subject_of):
    assert attributes(subject_of(GenerativeModel(None, None, sample=lambda *_: None), data)) is None
    other = showing(*[data.splits["test"][name] for name in ("data", "text")])
    plain = Signature.of_pictures("any", (32, 32, 3), (), {}, "")
    assert attributes(subject_of(other, DataSet(plain, data.splits, data.folder))) is None
