"""What a run shows as it goes: which pictures, where they lie, what their cells are, and what it says of scores."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gengen.api import progress, scorekeeper
from gengen.api.progress import Progress, in_pairs
from gengen.api.scorekeeper import Scorekeeper
from gengen.core.model import Condition, GenerativeModel
from gengen.data.domains import joined
from gengen.data.signature import DataSet, Signature
from gengen.inference.translation import Gallery
from gengen.metrics.interval import Estimate

SIDE = 48
"""Of a cell: images of 4 x 4 pixels are shown enlarged."""


def data_of(number, folder, classes=0):
    """Held-out images uint8 [N, 4, 4, 1] of random pixels, and their classes."""
    rng = np.random.default_rng(0)
    split = {"data": rng.integers(0, 256, (number, 4, 4, 1), np.uint8)}
    if classes:
        split["label"] = np.arange(number, dtype=np.int32) % classes
    return DataSet(Signature.of_pictures("few", (4, 4, 1), (), {}, ""), {"train": split, "test": split}, folder)


def cells(picture):
    """The images [rows, columns, 4, 4] of a picture [H, W, 1], shrunk to their own size."""
    rows, columns = ((size - 2) // (SIDE + 2) for size in picture.shape[:2])
    inner = picture[2:, 2:, 0].reshape(rows, SIDE + 2, columns, SIDE + 2).swapaxes(1, 2)
    return inner[:, :, : SIDE : SIDE // 4, : SIDE : SIDE // 4]


def drawing(model, classes=0):
    """Lets a model sample: image i is black but for its first pixel, i, and the one below, the class it is told."""

    def sample(key, variables, n, condition=None):
        images = jnp.full((n, 4, 4, 1), -1.0).at[:, 0, 0, 0].set(jnp.arange(n, dtype=jnp.float32) / 127.5 - 1)
        if condition is None:
            return images
        return images.at[:, 1, 0, 0].set(condition["label"].astype(jnp.float32) / 127.5 - 1)

    return model._replace(sample=sample, conditions={"label": Condition(classes=classes)} if classes else {})


def pictures(model, data, folder, step=7):
    """The cells of each kind of picture, from its file, which must be what was yielded."""
    shown = Progress(model, data, folder, 0)
    state = model.init(None, None)
    found = {}
    for kind, picture in shown.write(step, state.variables):
        with Image.open(folder / kind / f"step_{step:08d}.png") as written:
            np.testing.assert_array_equal(np.asarray(written), picture[..., 0])
        found[kind] = cells(picture)
    assert list(found) == [picture.kind for picture in shown.pictures(step)]
    return found


@pytest.mark.parametrize(
    ("number", "columns", "above"),
    [
        (4, 2, [[0, 1], [2, 3]]),
        (5, 2, [[0, 1], [2, 3]]),
        (8, 8, [[0, 1, 2, 3, 4, 5, 6, 7]]),
        (3, 8, [[0, 1, 2]]),
        (1, 8, [[0]]),
        (3, 1, [[0], [1], [2]]),
    ],
)
def test_each_image_lies_above_its_own_in_whole_rows(number, columns, above):
    images = np.arange(number).reshape(number, 1, 1, 1)
    rows = in_pairs(images, -images - 1, columns).reshape(-1, min(columns, number))
    assert rows[0::2].tolist() == above
    np.testing.assert_array_equal(rows[1::2], -rows[0::2] - 1)


def test_pixels_of_a_pair_stay_together():
    above, below = np.random.default_rng(0).integers(0, 256, (2, 6, 3, 2, 1))
    np.testing.assert_array_equal(in_pairs(above, below, 3), [*above[:3], *below[:3], *above[3:], *below[3:]])


@pytest.mark.parametrize(
    ("samples", "encodes", "kinds"),
    [
        (True, True, ["reconstructions", "samples"]),
        (False, True, ["reconstructions"]),
        (True, False, ["samples"]),
        (False, False, []),
    ],
)
def test_a_model_shows_what_it_can_and_its_samples_last(coding, tmp_path, samples, encodes, kinds):
    model = coding(encodes=encodes)
    model = drawing(model) if samples else model
    shown = Progress(model, data_of(8, tmp_path), tmp_path, 0).pictures(123)
    assert [picture.kind for picture in shown] == kinds
    assert [picture.path for picture in shown] == [tmp_path / kind / "step_00000123.png" for kind in kinds]


@pytest.mark.parametrize("number", [100, 32, 20, 8, 5])
def test_held_out_images_lie_above_what_comes_back_of_them(coding, tmp_path, number):
    data = data_of(number, tmp_path)
    (found,) = pictures(coding(), data, tmp_path).values()
    columns = min(number, 8)
    rows = min(number, progress.PAIRS) // columns
    assert found.shape[:2] == (2 * rows, columns)
    indices = np.random.default_rng(0).permutation(number)[: rows * columns]  # the first ones may be of one kind
    held_out = data.splits["test"]["data"][indices, :, :, 0].reshape(rows, columns, 4, 4)
    np.testing.assert_array_equal(found[0::2], held_out)
    back = found[1::2]
    np.testing.assert_array_equal(back[..., 0, :2], held_out[..., 0, :2])  # the code: the first two pixels
    assert (back[..., 2:, :] == 0).all()
    assert len(np.unique(back[..., 1, 1])) > 1, "what the model draws is drawn for each image"


def test_what_comes_back_is_of_the_class_of_the_image(coding, tmp_path):
    (found,) = pictures(coding(classes=3), data_of(16, tmp_path, classes=3), tmp_path).values()
    np.testing.assert_array_equal(found[1::2, :, 1, 0].ravel(), np.random.default_rng(0).permutation(16) % 3)


@pytest.mark.parametrize(("classes", "shape"), [(0, (8, 8)), (3, (22, 3)), (10, (7, 10)), (33, (8, 8))])
def test_samples_are_shown_by_class_where_classes_fit(coding, tmp_path, classes, shape):
    found = pictures(drawing(coding(encodes=False), classes), data_of(8, tmp_path), tmp_path)["samples"]
    assert found.shape[:2] == shape
    indices = np.arange(found[..., 0, 0].size)
    np.testing.assert_array_equal(found[..., 0, 0].ravel(), indices)
    np.testing.assert_array_equal(found[..., 1, 0].ravel(), indices % classes if classes else 0 * indices)


def test_a_picture_of_a_step_is_the_same_each_time_and_follows_the_variables(coding, tmp_path):
    model, data = coding(), data_of(8, tmp_path)
    shown = Progress(model, data, tmp_path, 3)
    variables = model.init(None, None).variables
    ((_, first),) = shown.write(1, variables)
    ((_, again),) = shown.write(2, variables)
    ((_, other),) = Progress(model, data, tmp_path, 4).write(3, variables)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def translating(traced):
    """A model that translates there, to what its gain makes of an image, and back to its negative."""

    def there(key, variables, images):
        del key
        traced.append(1)
        return images * variables["net"]["params"]["gain"]

    def back(key, variables, images):
        del key, variables
        return -images

    return GenerativeModel(None, None, translate={"ab": there, "ba": back})


def test_held_out_images_lie_above_their_translations_in_both_directions(tmp_path):
    traced = []
    model, data = translating(traced), joined(data_of(30, tmp_path), data_of(20, tmp_path))
    shown = Progress(model, data, tmp_path, 4)
    assert [picture.kind for picture in shown.pictures(1)] == ["translations"]
    found = []
    for step, gain in ((1, 1.0), (2, -1.0)):
        variables = {"net": {"params": {"gain": jnp.float32(gain)}}}
        ((kind, picture),) = shown.write(step, variables)
        gallery = Gallery(translating([]), data, number=progress.TRANSLATED, seed=4).picture(variables)
        np.testing.assert_array_equal(picture, gallery)
        with Image.open(tmp_path / kind / f"step_{step:08d}.png") as written:
            np.testing.assert_array_equal(np.asarray(written), picture[..., 0])
        found.append(picture)
    assert (found[0] != found[1]).any()
    assert len(traced) == 2, "compiled once for a single image and once for all, and not again for the next picture"


def test_an_evaluation_says_the_score_the_best_one_so_far_and_what_real_data_have(coding, tmp_path, monkeypatch):
    scores = iter([3.0, 4.0, 2.0])
    judge = SimpleNamespace(
        samples=lambda *given: None,
        scores=lambda samples: {"frechet_distance": Estimate(next(scores), 1.0, 5.0)},
        tag=lambda name: f"evaluation/classifier/{name}",
        floor=lambda: "floor",
        real="real",
    )
    measured = []
    monkeypatch.setattr(
        scorekeeper, "measure", lambda *given: measured.append(given) or {"frechet_distance": Estimate(0.5, 0.4, 0.6)}
    )
    keeper = Scorekeeper(tmp_path, judge, ConfigDict({"best": "frechet_distance"}), None, 0)
    state, writer = coding().init(None, None), SimpleNamespace(scalars=lambda step, values: None)
    said = [keeper(state, step, writer) for step in (10, 20, 30, 30)]
    keeper.close()
    assert said == [
        ["frechet_distance 3.000", "the best so far", "real data 0.5000"],
        ["frechet_distance 4.000", "best 3.000 at step 10", "real data 0.5000"],
        ["frechet_distance 2.000", "the best so far", "real data 0.5000"],
        [],
    ]
    assert measured == [("real", "floor", ["frechet_distance"])], "once"
