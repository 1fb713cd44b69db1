"""Samples moved along directions of the latents, of models whose codes are pixels."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.evaluation import directions
from gengen.evaluation.extractor import Extractor

DRAWS = np.random.default_rng(0).normal(size=(400, 2)) * [0.1, 0.4] + np.repeat([[-0.5, 0], [0.5, 0]], 200, 0)
"""Latents of two classes, which differ in the first number."""

LABELS = np.arange(40, dtype=np.int32) % 3


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(60, 200, (40, 4, 4, 1), np.uint8)


@pytest.fixture
def edited(looked, images, monkeypatch):
    """Returns `(model, labels=LABELS, **flags) -> (arrays, report)`, by a classifier of the first pixel: a or b."""

    def extract(examples):
        level = examples[:, 0, 0, 0] / 255
        return examples.reshape(len(examples), -1) / 255, np.log(np.stack([1 - level, level, 0 * level], -1) + 1e-9)

    seen = Extractor("eye", "", 16, "none", extract, 3)
    monkeypatch.setattr(directions, "class_extractor", lambda data: seen)

    def look(model, labels=LABELS, **flags):
        path = looked("edit", model, images, labels, **{"num": 3, **flags})
        with np.load(path.with_suffix(".npz")) as saved:
            return dict(saved), json.loads(path.with_suffix(".json").read_text())

    return look


@pytest.fixture
def folders(tmp_path):
    """Flags of pictures whose second pixel is light, and of pictures whose second pixel is dark."""
    rng, flags = np.random.default_rng(1), {"input": tmp_path / "light", "without": tmp_path / "dark"}
    for folder, low in zip(flags.values(), (170, 60), strict=True):
        folder.mkdir()
        for index in range(12):
            picture = np.zeros((4, 4), np.uint8)
            picture[0, :2] = rng.integers(60, 190), rng.integers(low, low + 20)
            Image.fromarray(picture).save(folder / f"{index:02}.png")
    return flags


def test_a_direction_to_a_class_is_the_number_that_says_it_and_all_samples_come(edited, coding, sheets, capsys):
    arrays, report = edited(coding(draws=DRAWS, encodes=False), formula="label:b-label:a")
    assert arrays["directions"].shape == (1, 2) and arrays["directions"][0, 0] > 0.99
    np.testing.assert_allclose(arrays["deviations"], 0.51, atol=0.02)
    assert (arrays["latents"][:, 0] < 0).all() and report["moved"] == 500
    for row in report["shares"]:
        if row["along"] == "the direction":
            assert (row["came"]["value"] == 1) == (row["deviations"] > 1)
        else:
            assert row["came"]["value"] < 0.7
        assert row["came"]["low"] < row["came"]["value"] + 1e-9
        assert row["stayed"]["value"] <= 1 and "class kept" not in row
    assert arrays["pictures"].shape == (1, 3, 7, 4, 4, 1)
    shown = arrays["pictures"][0, ..., 0, 0, 0]
    assert (shown[:, 3] < 128).all() and (shown[:, 5] > 128).all() and (np.diff(shown.astype(int)) > 0).all()
    (block,) = sheets[0].blocks
    assert list(block.rows) == ["a → b"] * 3 and block.title.startswith("to b from a; at the left")
    assert list(block.across) == ["−3", "−2", "−1", "as it was", "+1", "+2", "+3"]
    said = capsys.readouterr().out
    assert "moved to be counted: 500 of 4,000 draws of the prior;" in said
    assert "| 3          | the direction | 1 [0.99" in said


def test_a_direction_may_come_from_all_other_classes_and_of_codes_of_held_out_examples(edited, coding):
    arrays, report = edited(coding(), formula="label:1")
    assert arrays["directions"][0, 0] > 0.9
    assert report["directions"] == ["to b from all others"] and report["samples"].startswith("the codes of 40 held-out")


def test_samples_do_not_depend_on_how_many_are_moved_beside_them(edited, coding):
    model = coding(draws=DRAWS, encodes=False)
    few, many = (edited(model, formula="label:b", num=num) for num in (2, 4))
    for name in ("latents", "pictures"):
        left, right = few[0][name], many[0][name]
        np.testing.assert_array_equal(left, right[:2] if name == "latents" else right[:, :2])
    assert few[1] == many[1]


def test_without_flags_a_block_for_each_direction_along_which_pictures_change_most(edited, coding, sheets):
    plain = coding(draws=DRAWS, encodes=False)

    def decode(key, variables, latents, condition=None):
        return plain.decode(key, variables, latents * jnp.array([[1.0, 3.0]]), condition)

    arrays, report = edited(plain._replace(decode=decode), None)
    np.testing.assert_allclose(arrays["directions"], [[0, 1], [1, 0]], atol=1e-5)
    np.testing.assert_allclose(
        np.array(report["gains"]) / report["gain of random directions"], [1.342, 0.447], atol=1e-3
    )
    assert [block.title.partition(":")[0] for block in sheets[0].blocks] == ["direction 1", "direction 2"]
    assert arrays["pictures"].shape == (2, 3, 7, 4, 4, 1) and "shares" not in report


def test_latents_of_several_rows_are_moved_as_they_are(edited, coding):
    plain = coding(draws=DRAWS, encodes=False)

    def decode(key, variables, latents, condition=None):
        return plain.decode(key, variables, latents[:, :, 0], condition)

    def prior(key, variables, n, condition=None):
        return jnp.stack([plain.prior(key, variables, n), jnp.zeros((n, 2))], -1)

    model = plain._replace(decode=decode, prior=prior)
    arrays, report = edited(model, formula="label:b")
    assert arrays["directions"].shape == (1, 2, 2) and arrays["directions"][0, 0, 0] > 0.99
    assert report["shares"][-2]["came"]["value"] == 1
    arrays, _ = edited(model)
    assert arrays["directions"].shape == (2, 2, 2) and not arrays["directions"][..., 1].any()


@pytest.mark.parametrize("encodes", [True, False], ids=["encoded", "inverted"])
def test_a_direction_to_pictures_of_the_user_is_where_their_latents_differ(
    edited, coding, folders, encodes, capsys, monkeypatch
):
    monkeypatch.setattr(directions, "DESCENT", 100)
    arrays, report = edited(coding(draws=DRAWS, encodes=encodes), **folders)
    assert arrays["directions"][0, 1] > 0.95
    assert report["pictures"]["with"] == 12
    assert report["pictures"]["latents"] == ("encoded" if encodes else "inverted in 100 steps")
    assert report["probe"]["accuracy"]["value"] == 1 and report["probe"]["held out"] == 6
    row, random = report["shares"][-2:]
    assert row["came"]["value"] > 0.95 > random["came"]["value"] + 0.2
    assert row["class kept"]["value"] > 0.9
    assert "a linear probe of pixels and eye is right of 1 [0.61, 1] held-out pictures" in capsys.readouterr().out


def test_a_direction_to_pictures_needs_no_labels(edited, coding, folders):
    _, report = edited(coding(draws=DRAWS), None, **folders)
    assert report["probe"]["of"] == "pixels" and "class kept" not in report["shares"][0]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"formula": "label:a+label:b"}, "must be the class to come"),
        ({"formula": "0-1"}, "must be the class to come"),
        ({"formula": "label:a-label:a"}, "must be the class to come"),
        ({"formula": "label:z"}, "does not begin with a class"),
        ({"formula": "label:c"}, "only 0 are taken for c by eye"),
        ({"input": "FOLDER"}, "needs --without, a folder"),
        ({"without": "FOLDER"}, "needs --input, a folder"),
        ({"input": "FOLDER", "without": "FOLDER", "formula": "label:a"}, "leave --input and --without out"),
        ({"input": "FOLDER", "without": "gone"}, "--without=.*gone does not exist"),
        ({"label": "a"}, "--label=a: samples of this run cannot be told"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(f"{name}={told}" for name, told in value.items()),
)
def test_what_says_no_direction_is_a_sentence(edited, coding, folders, tmp_path, flags, said):
    places = {"FOLDER": folders["input"], "gone": tmp_path / "gone"}
    with pytest.raises(Refusal, match=said):
        edited(coding(draws=DRAWS, encodes=False), **{name: places.get(value, value) for name, value in flags.items()})


def test_models_without_latents_to_be_moved_are_told_so(edited, coding, folders, tmp_path):
    with pytest.raises(Refusal, match="this model cannot decode"):
        edited(coding()._replace(decode=None))
    conditional = coding(classes=3, draws=DRAWS, encodes=False)
    with pytest.raises(Refusal, match="is told the class of what it decodes"):
        edited(conditional, formula="label:b")
    assert len(edited(conditional, label="c")[0]["directions"]) == 2
    few = tmp_path / "few"
    few.mkdir()
    Image.new("L", (4, 4)).save(few / "a.png")
    with pytest.raises(Refusal, match=r"--without=.*few holds 1 of the 4 pictures that it takes"):
        edited(coding(draws=DRAWS), **{**folders, "without": few})
