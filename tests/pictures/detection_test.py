"""Pictures of detection: what stands where in a strip, and that figures are written with what they are given."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from gengen.pictures.detection import COLUMNS, Examples, save_detection, save_verdicts, strip


def examples(number, *, channels=1, back=True, heat=True):
    rng = np.random.default_rng(number)
    images = rng.integers(0, 256, (number, 48, 48, channels), np.uint8)
    return Examples(
        "title",
        ["caption"] * number,
        images,
        255 - images if back else None,
        rng.random((number, 48, 48)) if heat else None,
    )


def cell(picture, row, column):
    return picture[2 + 50 * row : 50 + 50 * row, 2 + 50 * column : 50 + 50 * column]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_its_reconstruction_and_its_heat_map_stand_below_each_other(channels):
    shown = examples(5, channels=channels)
    picture = strip(shown, 2.0)
    assert picture.shape == (2 + 3 * 50, 2 + COLUMNS * 50, 3)
    for index in range(5):
        np.testing.assert_array_equal(cell(picture, 0, index), np.broadcast_to(shown.images[index], (48, 48, 3)))
        np.testing.assert_array_equal(
            cell(picture, 1, index), np.broadcast_to(shown.reconstructions[index], (48, 48, 3))
        )
        colours = matplotlib.colormaps["inferno"](shown.heat[index] / 2)[..., :3] * 255
        np.testing.assert_allclose(cell(picture, 2, index), colours, atol=0.51)
    assert (picture[:, 2 + 5 * 50 :] == 255).all()


def test_what_there_is_none_of_takes_no_room():
    assert strip(examples(2, heat=False), 0.0).shape[0] == 2 + 2 * 50
    assert strip(examples(2, heat=False, back=False), 0.0).shape[0] == 2 + 50


def test_no_heat_at_all_is_black():
    shown = examples(1)._replace(heat=np.zeros((1, 48, 48)))
    assert cell(strip(shown, 0.0), 2, 0).max() < 5


def drawn(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_detection_is_drawn_with_as_many_rows_as_there_are_examples(tmp_path):
    rng = np.random.default_rng(0)
    sets = [("normal", rng.normal(0, 1, 500)), ("anomalies", rng.normal(4, 1, 500))]
    heights = []
    for groups in ([], [examples(3)], [examples(3), examples(COLUMNS), examples(0)]):
        save_detection(tmp_path / "a.png", "title", "score", sets, 2.0, groups)
        heights.append(drawn(tmp_path / "a.png").shape[0])
    assert heights[0] < heights[1]
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0], abs=2)


def test_sets_without_scores_and_scores_that_are_all_alike_can_be_drawn(tmp_path):
    save_detection(tmp_path / "a.png", "title", "score", [("same", np.ones(9)), ("none", np.zeros(0))], 1.0, [])
    assert drawn(tmp_path / "a.png").min() == 0


def test_verdicts_go_on_in_a_new_row_and_long_names_are_cut(tmp_path):
    heights = []
    for number in (1, COLUMNS, COLUMNS + 1):
        shown = examples(number)._replace(captions=["a_very_long_name_of_a_file.png\nnormal"] * number)
        save_verdicts(tmp_path / "a.png", "title", shown)
        heights.append(drawn(tmp_path / "a.png").shape[0])
    assert heights[0] == heights[1] < heights[2]
