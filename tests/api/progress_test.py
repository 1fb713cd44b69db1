"""What a run shows as it goes: which pictures, where they lie, what their cells are, and what it says of scores."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gengen.api import progress, scorekeeper
from gengen.api.progress import Progress
from gengen.api.scorekeeper import Scorekeeper
from gengen.core.model import Condition, GenerativeModel
from gengen.data.domains import joined
from gengen.data.signature import DataSet, Signature
from gengen.inference.translation import Gallery
from gengen.metrics.interval import Estimate


def data_of(number, folder, classes=0):
    """Held-out images uint8 [N, 4, 4, 1] of random pixels, and their classes."""
    rng = np.random.default_rng(0)
    split = {"data": rng.integers(0, 256, (number, 4, 4, 1), np.uint8)}
    if classes:
        split["label"] = np.arange(number, dtype=np.int32) % classes
    names = tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[:classes])
    return DataSet(Signature.of_pictures("few", (4, 4, 1), names, {}, ""), {"train": split, "test": split}, folder)


def drawing(model, classes=0):
    """Lets a model sample: image i is black but for its first pixel, i, and the one below, the class it is told."""

    def sample(key, variables, n, condition=None):
        images = jnp.full((n, 4, 4, 1), -1.0).at[:, 0, 0, 0].set(jnp.arange(n, dtype=jnp.float32) / 127.5 - 1)
        if condition is None:
            return images
        return images.at[:, 1, 0, 0].set(condition["label"].astype(jnp.float32) / 127.5 - 1)

    return model._replace(sample=sample, conditions={"label": Condition(classes=classes)} if classes else {})


@pytest.fixture
def pictures(sheets, tmp_path):
    """Returns `(model, data, step=7) -> blocks` of each kind of picture, whose file is what was yielded."""

    def write(model, data, step=7):
        shown = Progress(model, data, tmp_path, (0,))
        kinds = []
        for kind, picture in shown.write(step, shown.draw([model.init(None, None).variables])):
            with Image.open(tmp_path / kind / f"step_{step:08d}.png") as written:
                np.testing.assert_array_equal(np.asarray(written), picture)
            kinds.append(kind)
        assert kinds == [picture.kind for picture in shown.pictures(step)]
        assert {drawn.title for drawn in sheets} <= {f"{tmp_path.name} · step {step} · few, 4 × 4"}
        return {kind: drawn.blocks for kind, drawn in zip(kinds, sheets, strict=True)}

    return write


def joined_cells(blocks):
    """What stands above and below in contact sheets, [2, N, 4, 4]."""
    parts = [block.cells.reshape(2, block.columns, 4, 4) for block in blocks]
    return np.concatenate(parts, axis=1)


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
    shown = Progress(model, data_of(8, tmp_path), tmp_path, (0,)).pictures(123)
    assert [picture.kind for picture in shown] == kinds
    assert [picture.path for picture in shown] == [tmp_path / kind / "step_00000123.png" for kind in kinds]


@pytest.mark.parametrize("number", [100, 20, 5])
def test_held_out_images_lie_above_what_comes_back_of_them(coding, tmp_path, pictures, number):
    data = data_of(number, tmp_path)
    (blocks,) = pictures(coding(), data).values()
    assert {block.rows for block in blocks} == {("images", "reconstructions")}
    above, back = joined_cells(blocks)
    indices = np.random.default_rng(0).permutation(number)[: progress.PAIRS]  # the first ones may be of one kind
    np.testing.assert_array_equal(above, data.splits["test"]["data"][indices, ..., 0])
    np.testing.assert_array_equal(back[:, 0, :2], above[:, 0, :2])  # the code: the first two pixels
    assert not back[:, 2:].any()
    assert len(np.unique(back[:, 1, 1])) > 1, "what the model draws is drawn for each image"


def test_what_comes_back_is_of_the_class_of_the_image(coding, tmp_path, pictures):
    (blocks,) = pictures(coding(classes=3), data_of(16, tmp_path, classes=3)).values()
    labels = np.random.default_rng(0).permutation(16) % 3
    np.testing.assert_array_equal(joined_cells(blocks)[1, :, 1, 0], labels)
    assert [name for block in blocks for name in block.across] == ["abc"[label] for label in labels]


@pytest.mark.parametrize(("classes", "shape"), [(0, (8, 8)), (3, (22, 3)), (10, (7, 10)), (33, (8, 8))])
def test_samples_are_shown_by_class_where_classes_fit(coding, tmp_path, pictures, classes, shape):
    data = data_of(8, tmp_path, classes)
    (block,) = pictures(drawing(coding(encodes=False), classes), data)["samples"]
    assert (block.lines, block.columns) == shape
    assert block.across == (data.signature.classes if 0 < classes <= 32 else ())
    indices = np.arange(len(block.cells))
    np.testing.assert_array_equal(block.cells[:, 0, 0, 0], indices)
    np.testing.assert_array_equal(block.cells[:, 1, 0, 0], indices % classes if classes else 0 * indices)


def test_a_picture_of_a_step_is_the_same_each_time_and_follows_the_variables(coding, tmp_path, sheets):
    model, data = coding(), data_of(8, tmp_path)
    shown = Progress(model, data, tmp_path, (3,))
    variables = model.init(None, None).variables
    for drawn, step in ((shown, 1), (shown, 2), (Progress(model, data, tmp_path, (4,)), 3)):
        list(drawn.write(step, drawn.draw([variables])))
    first, again, other = (sheet.blocks[0].cells for sheet in sheets)
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


def test_held_out_images_lie_above_their_translations_in_both_directions(tmp_path, sheets):
    traced = []
    model, data = translating(traced), joined(data_of(30, tmp_path), data_of(20, tmp_path))
    shown = Progress(model, data, tmp_path, (4,))
    assert [picture.kind for picture in shown.pictures(1)] == ["translations"]
    found = []
    for step, gain in ((1, 1.0), (2, -1.0)):
        variables = {"net": {"params": {"gain": jnp.float32(gain)}}}
        ((kind, picture),) = shown.write(step, shown.draw([variables]))
        blocks = Gallery(translating([]), data, number=progress.TRANSLATED, seed=4).blocks(variables)
        assert [block.title for block in blocks] == ["from a to b", "from b to a"]
        for block, drawn in zip(blocks, sheets[-1].blocks, strict=True):
            np.testing.assert_array_equal(block.cells, drawn.cells)
        with Image.open(tmp_path / kind / f"step_{step:08d}.png") as written:
            np.testing.assert_array_equal(np.asarray(written), picture)
        found.append(picture)
    assert (found[0] != found[1]).any()
    assert len(traced) == 2, "compiled once for a single image and once for all, and not again for the next picture"


def test_an_evaluation_says_the_score_the_best_one_so_far_and_what_real_data_have(coding, tmp_path, monkeypatch):
    scores = iter([3.0, 4.0, 2.0])
    judge = SimpleNamespace(
        samples=lambda *given: None,
        scores=lambda samples: {"frechet_distance": Estimate(next(scores), 1.0, 5.0)},
        tag=lambda name: f"evaluation/classifier/{name}",
        floor="floor",
        real="real",
    )
    measured = []
    monkeypatch.setattr(
        scorekeeper, "measure", lambda *given: measured.append(given) or {"frechet_distance": Estimate(0.5, 0.4, 0.6)}
    )
    keeper = Scorekeeper(tmp_path, judge, ConfigDict({"best": "frechet_distance"}), None, 0)
    state, writer = coding().init(None, None), SimpleNamespace(scalars=lambda *_: None)
    said = [keeper(state, step, writer) for step in (10, 20, 30, 30)]
    keeper.close()
    assert said == [
        ["frechet_distance 3.000", "the best so far", "real data 0.5000"],
        ["frechet_distance 4.000", "best 3.000 at step 10", "real data 0.5000"],
        ["frechet_distance 2.000", "the best so far", "real data 0.5000"],
        [],
    ]
    assert measured == [("real", "floor", ["frechet_distance"])], "once"
