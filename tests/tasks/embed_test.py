"""Codes of held-out images: the numbers that are written, and the maps that are drawn of them."""

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.tasks import embed
from gengen.tasks.embed import maps


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1), np.uint8)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, in the place of drawing it."""
    found = []
    monkeypatch.setattr(embed, "save_maps", lambda path, title, maps, names: found.append((path, title, maps, names)))
    return found


def test_codes_are_written_with_the_labels_and_places_of_their_images(looked, coding, images, drawn, tmp_path, capsys):
    labels = np.random.default_rng(1).integers(0, 3, 60).astype(np.int32)
    path = looked("embed", coding(classes=3), images, labels, num=50)
    assert path == tmp_path / "run" / "codes.npz"
    with np.load(path) as saved:
        np.testing.assert_array_equal(saved["labels"], labels[saved["places"]])
        codes = 2 * (images[saved["places"], 0, :2, 0] / 127.5 - 1)
        np.testing.assert_allclose(saved["codes"], codes, atol=1e-5)
        assert saved["codes"].dtype == np.float32
        assert len(np.unique(saved["places"])) == 50
    ((picture, title, (shown,), names),) = drawn
    assert picture == tmp_path / "run" / "codes.png"
    assert names == ("a", "b", "c")
    np.testing.assert_allclose(shown.points, codes, atol=1e-5)
    assert shown.behind is None
    assert title == "run, step 7: 2 numbers for each of 50 held-out images of few"
    assert capsys.readouterr().out.splitlines() == [title, str(picture)]


def test_draws_of_the_prior_lie_behind_codes_of_two_numbers(looked, coding, images, drawn):
    draws = np.array([[3.0, 4.0], [5.0, 6.0]])
    looked("embed", coding(draws=draws), images, num=40)
    (shown,) = drawn[0][2]
    assert shown.behind.shape == (40, 2)
    np.testing.assert_array_equal(np.unique(shown.behind, axis=0), draws)
    looked("embed", coding(3, draws=np.zeros((1, 3))), images, num=40)
    assert [shown.behind for shown in drawn[1][2]] == [None, None]


def test_wider_codes_are_shown_along_their_widest_directions_and_by_their_neighbours():
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    codes = rng.normal(size=(90, 8)).astype(np.float32) * 0.1
    codes[:, 5] += np.array([-30, 0, 30])[labels]
    codes[:, 2] += np.array([10, -20, 10])[labels]
    components, neighbours = maps(codes, labels)
    for index, column in enumerate((5, 2)):
        assert abs(np.corrcoef(components.points[:, index], codes[:, column])[0, 1]) > 0.999
    assert components.title == "principal components 1 and 2 (100% of the variance)"
    assert neighbours.title == "t-SNE of 90 codes"
    centres = np.stack([neighbours.points[labels == label].mean(0) for label in range(3)])
    nearest = np.square(neighbours.points[:, None] - centres[None]).sum(-1).argmin(1)
    np.testing.assert_array_equal(nearest, labels)
    again = maps(codes, labels)[1]
    np.testing.assert_array_equal(again.points, neighbours.points)


def test_neighbours_are_sought_among_the_first_two_thousand_codes_at_most(monkeypatch):
    monkeypatch.setattr(embed, "NEIGHBOURS_OF", 20)
    codes = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    components, neighbours = maps(codes, np.arange(50))
    assert len(components.points) == 50
    assert neighbours.points.shape == (20, 2)
    np.testing.assert_array_equal(neighbours.labels, np.arange(20))


@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_few_codes_have_maps_too(number):
    for shown in maps(np.random.default_rng(0).normal(size=(number, 4)).astype(np.float32), None):
        assert shown.points.shape == (number, 2)
        assert np.isfinite(shown.points).all()


def test_codes_of_one_number_lie_along_a_line_with_a_height_that_is_noise(looked, coding, images, drawn):
    looked("embed", coding(1), images, num=50)
    (shown,) = drawn[0][2]
    assert np.ptp(shown.points[:, 0]) > 4 * np.ptp(shown.points[:, 1]) > 0


def test_images_without_labels_have_codes_without_them(looked, coding, images, drawn):
    with np.load(looked("embed", coding(3), images, num=30)) as saved:
        assert sorted(saved) == ["codes", "places"]
        assert saved["codes"].shape == (30, 3)
    assert [shown.labels for shown in drawn[0][2]] == [None, None]


def test_what_has_no_map_is_refused(looked, coding, images):
    with pytest.raises(Refusal, match="all codes of 8 held-out images of few are alike"):
        looked("embed", coding(), np.zeros_like(images))
    with pytest.raises(Refusal, match="cannot encode; what it can do: decode"):
        looked("embed", coding(encodes=False), images)
