"""Films: what is written are the pictures, in their order, for as long as they are to stand."""

import numpy as np
import pytest
from PIL import Image

from gengen.pictures.animation import LAST, LINE, SECONDS, save_film, stamped

pytestmark = pytest.mark.quick


def frames(values, side=8):
    return [np.full((side, side, 3), value, np.uint8) for value in values]


def read(path):
    with Image.open(path) as film:
        shown = []
        for index in range(film.n_frames):
            film.seek(index)
            shown.append((film.convert("RGB").getpixel((3, 3))[0], film.info["duration"]))
        return shown, film.info["loop"]


@pytest.mark.parametrize("number", [3, 100])
def test_both_films_hold_all_pictures_in_order_and_the_last_one_stands_still(tmp_path, number):
    values = [2 * index for index in range(number)]
    for path in (tmp_path / "film.png", tmp_path / "film.gif"):
        save_film(path, frames(values))
        shown, loop = read(path)
        assert [round(value) for value, _ in shown] == values
        assert (shown[-1][1], loop) == (1_000 * LAST, 0)
        assert sum(time for _, time in shown[:-1]) <= 1_000 * SECONDS


def test_one_picture_and_pictures_of_two_sizes_are_no_film(tmp_path):
    for pictures in (frames([1]), [*frames([1]), *frames([2], side=9)]):
        with pytest.raises(ValueError, match="a film needs two pictures"):
            save_film(tmp_path / "film.png", pictures)
    assert not (tmp_path / "film.png").exists()


def test_a_stamp_is_above_the_picture_which_is_as_it_was():
    picture = np.random.default_rng(0).integers(0, 256, (9, 90, 1), np.uint8)
    made = stamped(picture, "step 7")
    np.testing.assert_array_equal(made[LINE:], np.broadcast_to(picture, (9, 90, 3)))
    assert made[:LINE].min() < 100 < made[:LINE].mean()
