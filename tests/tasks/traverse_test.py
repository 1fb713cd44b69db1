"""Traversals cell by cell, of a model whose pictures show what it was told."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.cli.tasks import given_to
from gengen.core.model import Condition
from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet, Signature
from gengen.tasks import traverse

SIDE, CLASSES, PICTURES = 48, 3, 50
CONDITIONS = {"category": Condition(classes=CLASSES), "other": Condition(classes=2), "numbers": Condition(size=2)}


@pytest.fixture(scope="module")
def pictures():
    """Pictures whose first pixel is their class and whose second is their number."""
    images = np.zeros((CLASSES, PICTURES, SIDE, SIDE, 1), np.uint8)
    images[:, :, 0, 0, 0] = np.arange(CLASSES)[:, None]
    images[:, :, 0, 1, 0] = np.arange(PICTURES)
    return images.astype(np.float32) / 127.5 - 1


@pytest.fixture
def traversed(opened, sheets, tmp_path, capsys):
    """Returns `(model, **flags) -> folder, cells`: the cells of each picture, [rows, columns, SIDE, SIDE]."""
    few = DataSet(Signature.of_pictures("few", (SIDE, SIDE, 1), (), {}, ""), {}, tmp_path)

    def look(model, seed=0, output=None):
        sheets.clear()
        flags = given_to("traverse", {"seed": seed, "output": output, "dark": False})
        made = traverse.main(opened(model, few), **flags)
        names = [Path(line).stem for line in capsys.readouterr().out.splitlines()]
        return made, dict(zip(names, [sheet.cells for sheet in sheets], strict=True))

    return look


def as_pixels(numbers):
    return np.clip(np.rint((np.asarray(numbers, np.float32).astype(np.float64) / 2 + 1) * 127.5), 0, 255)


def test_columns_are_classes_or_values_and_all_else_is_held_fixed(traversed, telling, pictures, tmp_path):
    made, cells = traversed(telling(pictures, CONDITIONS))
    assert made == tmp_path / "run" / "traversals"
    assert list(cells) == ["category", "other", "numbers_1", "numbers_2"]
    assert {path.stem for path in made.iterdir()} == set(cells)
    kinds = cells["category"]
    assert kinds.shape[:2] == (8, CLASSES)
    np.testing.assert_array_equal(kinds[:, :, 0, 0], np.tile(np.arange(CLASSES), (8, 1)))
    assert (kinds[:, :, 0, 1] == kinds[:, :1, 0, 1]).all(), "the noise of a row"
    assert len(set(kinds[:, 0, 0, 1])) > 4, "rows have noise of their own"
    assert (kinds[:, :, 1, :2] == as_pixels(0)).all()
    assert cells["other"].shape[:2] == (8, 2)
    assert (cells["other"][..., 0, 0] == 0).all()
    for index in (0, 1):
        numbers = cells[f"numbers_{index + 1}"]
        assert numbers.shape[:2] == (CLASSES, 11)
        np.testing.assert_array_equal(numbers[:, :, 0, 0], np.tile(np.arange(CLASSES)[:, None], 11))
        np.testing.assert_array_equal(numbers[:, :, 1, index], np.tile(as_pixels(np.linspace(-2, 2, 11)), (CLASSES, 1)))
        assert (numbers[:, :, 1, 1 - index] == as_pixels(0)).all()
        assert (numbers[:, :, 0, 1] == kinds[0, 0, 0, 1]).all(), "one noise for all rows"


def test_numbers_of_a_model_without_classes_are_shown_for_eight_noises(traversed, telling, pictures, tmp_path):
    model = telling(pictures, {"numbers": Condition(size=1)})
    made, cells = traversed(model, output=tmp_path / "mine")
    assert made == tmp_path / "mine"
    assert list(cells) == ["numbers_1"]
    assert cells["numbers_1"].shape[:2] == (8, 11)
    assert (cells["numbers_1"][:, :, 0, 1] == cells["numbers_1"][:, :1, 0, 1]).all()
    _, others = traversed(model, output=tmp_path / "others", seed=1)
    assert (others["numbers_1"][:, 0, 0, 1] != cells["numbers_1"][:, 0, 0, 1]).any()


def test_numbers_of_a_latent_go_through_quantiles_one_at_a_time(looked, sheets, coding):
    images = np.random.default_rng(0).integers(60, 200, (400, 4, 4, 1), np.uint8)
    images[:, 0, 0] //= 2  # changes least
    path = looked("traverse", coding(3), images)
    assert (path / "latents.png").exists()
    (block,) = sheets[0].blocks
    assert "numbers of a latent, at quantiles of the codes of 400 held-out images of few" in sheets[0].title
    order = [int(row.removeprefix("number ")) for row in block.rows]
    assert sorted(order) == [0, 1, 2]
    assert order[-1] == 0
    base = images[np.random.default_rng(0).permutation(400)[0], 0, :3, 0]
    quantiles = np.quantile(images[:, 0, :3, 0], (np.arange(11) + 0.5) / 11, axis=0)
    for axis, row in zip(order, sheets[0].cells, strict=True):
        np.testing.assert_allclose(row[:, 0, axis], quantiles[:, axis], atol=0.51)
        others = [number for number in range(3) if number != axis]
        np.testing.assert_array_equal(row[:, 0, others], np.tile(base[others], (11, 1)))
    looked("traverse", coding(3), images, axes="2,0")
    assert sheets[1].blocks[0].rows == ["number 2", "number 0"]


def test_numbers_that_say_a_class_are_left_out_and_a_decoder_is_told_the_class(looked, sheets, coding):
    images, labels = np.zeros((4, 4, 4, 1), np.uint8), np.arange(4, dtype=np.int32)
    model = coding(3, classes=4)

    def prior(key, variables, n, condition=None):
        free = jax.random.normal(key, (n, 2))
        return jnp.concatenate([condition["label"][:, None] / 4, free], 1)

    looked("traverse", model._replace(prior=prior, encode=None), images, labels, label="c")
    assert sorted(sheets[0].blocks[0].rows) == ["number 1", "number 2"]
    assert (sheets[0].cells[:, :, 1, 0] == 2).all()


def test_what_cannot_be_traversed_is_refused(looked, traversed, coding, telling, pictures, tmp_path):
    with pytest.raises(Refusal, match=r"cannot be told anything and has no latents, so there is nothing to traverse"):
        traversed(telling(pictures, {}))
    assert not (tmp_path / "run" / "traversals").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Refusal, match="file is a file; name a folder"):
        traversed(telling(pictures, CONDITIONS), output=tmp_path / "file")
    few = np.zeros((4, 4, 4, 1), np.uint8)
    with pytest.raises(Refusal, match="--axes=3 must be different numbers from 0 to 1"):
        looked("traverse", coding(), few, axes="3")
    whole = coding()._replace(encode=lambda key, variables, data, condition=None: data[:, 0, :2, 0].astype(np.int32))
    with pytest.raises(Refusal, match="are whole numbers"):
        looked("traverse", whole, few)
