"""Traversals cell by cell, of a model whose pictures show what it was told."""

import numpy as np
import pytest
from PIL import Image

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
def traversed(opened, tmp_path):
    """Returns `(model, **flags) -> folder, cells`: the cells of each picture, [rows, columns, SIDE, SIDE]."""
    few = DataSet(Signature.of_pictures("few", (SIDE, SIDE, 1), (), {}, ""), {}, tmp_path)
    return lambda model, **flags: _traversed(opened(model, few), **flags)


def _traversed(run, seed=0, output=None):
    made = traverse.main(run, seed=seed, output=output)
    cells = {}
    for path in made.iterdir():
        with Image.open(path) as shown:
            rows, columns = ((size - 2) // (SIDE + 2) for size in (shown.height, shown.width))
            inner = np.asarray(shown)[2:, 2:].reshape(rows, SIDE + 2, columns, SIDE + 2)
        cells[path.stem] = inner.swapaxes(1, 2)[:, :, :SIDE, :SIDE]
    return made, cells


def as_pixels(numbers):
    return np.clip(np.rint((np.asarray(numbers, np.float32).astype(np.float64) / 2 + 1) * 127.5), 0, 255)


def test_columns_are_classes_or_values_and_all_else_is_held_fixed(traversed, telling, pictures, tmp_path, capsys):
    made, cells = traversed(telling(pictures, CONDITIONS))
    assert made == tmp_path / "run" / "traversals"
    assert capsys.readouterr().out.split() == [
        str(made / f"{name}.png") for name in ("category", "other", "numbers_1", "numbers_2")
    ]
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


def test_what_cannot_be_traversed_is_refused(traversed, telling, pictures, tmp_path):
    with pytest.raises(Refusal, match=r"cannot be told anything, so there is nothing to traverse; --mode=sample"):
        traversed(telling(pictures, {}))
    assert not (tmp_path / "run" / "traversals").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Refusal, match="file is a file; name a folder"):
        traversed(telling(pictures, CONDITIONS), output=tmp_path / "file")
