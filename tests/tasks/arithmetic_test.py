"""Sums of pictures, of models whose codes are pixels."""

import json

import numpy as np
import pytest

from gengen.core.field import Field
from gengen.core.model import Condition
from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.evaluation import many_sums, sums
from gengen.evaluation.extractor import Extractor
from gengen.inference.latents import Latents


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(100, 156, (40, 4, 4, 1), np.uint8)


@pytest.fixture(autouse=True)
def eye(monkeypatch):
    """A classifier of few classes: the lighter the first pixel of a picture, the higher its class."""

    def extract(examples):
        level = examples[:, 0, 0, 0] / 255
        return level[:, None], np.log(np.stack([1 - level, level, 0 * level + 1e-3], -1) + 1e-9)

    seen = Extractor("eye", "", 1, "none", extract, 3)
    for module in (sums, many_sums):
        monkeypatch.setattr(module, "class_extractor", lambda data: seen)


@pytest.fixture
def added(looked, images):
    """Returns `(model, labels=None, **flags) -> arrays` of a sum."""

    def look(model, labels=None, **flags):
        path = looked("arithmetic", model, images, labels, **{"num": 3, **flags})
        with np.load(path.with_suffix(".npz")) as saved:
            return dict(saved)

    return look


def codes_of(images):
    """The codes of images as pixels, [..., 2]."""
    return np.asarray(images)[..., 0, :2, 0].astype(float)


def test_a_sum_is_of_the_means_of_numbered_pictures_and_has_noise_about_it(added, coding, sheets, images):
    found = added(coding(), formula="0,1-2+3,0")
    shown = codes_of(images[np.random.default_rng(0).permutation(40)[:4]])
    np.testing.assert_array_equal(codes_of(found["exemplars"]), shown[[0, 1, 2, 3, 0]])
    assert found["terms"].tolist() == [0, 0, 1, 2, 2]
    assert found["signs"].tolist() == [1, -1, 1]
    means = np.stack([shown[:2].mean(0), shown[2], shown[[3, 0]].mean(0)])
    np.testing.assert_allclose(codes_of(found["means"]), means, atol=0.51)
    np.testing.assert_allclose(codes_of(found["results"])[1, 1], means[0] - means[1] + means[2], atol=0.51)
    np.testing.assert_allclose(found["sums"][1, 1], found["signs"] @ found["codes"], atol=1e-6)
    noise = found["sums"] - found["sums"][1, 1]
    assert 0 < np.abs(noise).max() <= 0.25 * found["codes"].std() * 5
    block = sheets[0].blocks[0]
    assert list(block.across) == ["0, 1", "− 2", "+ 3, 0", "", "", "= the sum", ""]
    assert sheets[0].title.endswith("0, 1 − 2 + 3, 0")


def test_numbers_of_a_model_that_cannot_encode_are_those_of_its_samples(added, coding):
    draws = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    model = coding(draws=draws, encodes=False)
    found = added(model, formula="5-7+2", seed=3)
    units = Units(Field((4, 4, 1), "uint8", 0, 255))
    drawn = Latents(model, units, model.init(None, None).variables, 3).draw(8, {})
    np.testing.assert_allclose(found["codes"], drawn[[5, 7, 2]])


def test_a_class_is_the_mean_of_held_out_images_of_it(added, coding, images):
    labels = np.arange(40, dtype=np.int32) % 4
    found = added(coding(), labels, formula="label:a-label:b+label:3")
    expected = [codes_of(images[labels == label]).mean(0) for label in (0, 1, 3)]
    np.testing.assert_allclose(codes_of(found["means"]), expected, atol=0.51)
    assert found["terms"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    with pytest.raises(Refusal, match="'z' does not begin with a class of the data; the classes are a, b, c, d"):
        added(coding(), labels, formula="label:z")


def test_a_class_of_samples_that_are_told_it_is_drawn(added, coding):
    labels = np.arange(40, dtype=np.int32) % 4
    model = coding(classes=4, draws=np.eye(2), encodes=False)
    found = added(model, labels, formula="label:c-label:b")
    assert found["exemplars"][:, 1, 0, 0].tolist() == [2, 2, 2, 1, 1, 1]
    assert (found["results"][..., 1, 0, 0] == 2).all(), "the sum is told the class of its first term"
    assert (added(model, labels, formula="0-1", label="d")["exemplars"][:, 1, 0, 0] == 3).all()


def test_a_class_of_other_samples_is_those_that_the_classifier_is_surest_of(added, coding):
    labels = np.arange(40, dtype=np.int32) % 3
    model = coding(draws=np.random.default_rng(0).uniform(-1.8, 1.8, (200, 2)), encodes=False)
    found = added(model, labels, formula="label:b-label:a")["exemplars"][:, 0, 0, 0]
    assert found[:3].min() > 230
    assert found[3:].max() < 25
    with pytest.raises(Refusal, match="none of 1,000 samples is taken for class c by eye"):
        added(model, labels, formula="label:c")
    assert len(added(model, labels)["signs"]) == 3, "of numbers, as there are not three classes among the samples"


def test_sums_of_other_pictures_of_the_classes_are_counted(added, coding, tmp_path, capsys):
    labels, rng = np.arange(40, dtype=np.int32) % 3, np.random.default_rng(0)
    draws = np.stack([np.repeat([-0.5, 0.5], 200), np.zeros(400)], 1) + rng.normal(size=(400, 2)) * 0.1
    model = coding(draws=draws, encodes=False)
    added(model, labels, formula="label:b-label:a+label:a")
    report = json.loads((tmp_path / "run" / "arithmetic.json").read_text())
    assert report["sums"] == 200 and report["shares"]["b"]["sums"]["value"] == 1
    assert report["shares"]["c"]["sums"]["high"] < 0.02
    assert 0.3 < report["shares"]["b"]["of any class"]["value"] < 0.7
    assert "| b     | 1 [0.981, 1]" in capsys.readouterr().out
    added(model, labels, formula="0-1+2")
    assert "shares" not in json.loads((tmp_path / "run" / "arithmetic.json").read_text())


def test_without_a_formula_three_classes_are_added_or_pictures_that_are_told_one(added, coding, sheets):
    labels = np.arange(40, dtype=np.int32) % 4
    added(coding(), labels)
    added(coding())
    added(coding(classes=4, draws=np.eye(2), encodes=False), labels)
    said = [" ".join(filter(None, sheet.blocks[0].across[:3])) for sheet in sheets]
    assert said == ["a − b + c", "0, 1, 2 − 3, 4, 5 + 6, 7, 8", "0, 4, 8 − 12, 16, 20 + 24, 28, 32"]


def test_pairs_of_samples_have_one_latent_and_a_sum_is_shown_in_both_domains(added, coding, sheets):
    plain = coding(draws=np.random.default_rng(0).uniform(-1, 1, (99, 2)), encodes=False)

    def decode(key, variables, latents, condition=None):
        return plain.decode(key, variables, latents, {"label": condition["domain"]})

    found = added(plain._replace(decode=decode, conditions={"domain": Condition(classes=2)}), formula="0-1+2")
    np.testing.assert_array_equal(found["codes"][0], found["codes"][1])
    assert (found["codes"][0] != found["codes"][2]).any()
    assert found["results"].shape == (2, 3, 3, 4, 4, 1)
    assert [block.title for block in sheets[0].blocks] == ["a", "b"]


def test_what_cannot_be_added_is_refused(added, coding):
    with pytest.raises(Refusal, match="there is no picture 40, as numbers begin at 0 and there are no more than 40"):
        added(coding(), formula="0-40")
    with pytest.raises(Refusal, match="begins with neither a number nor label:"):
        added(coding(), formula="x")
    with pytest.raises(Refusal, match="this model cannot decode"):
        added(coding()._replace(decode=None))
    whole = coding()._replace(encode=lambda key, variables, data, condition=None: data[:, 0, :2, 0].astype(np.int32))
    with pytest.raises(Refusal, match="are whole numbers"):
        added(whole)
