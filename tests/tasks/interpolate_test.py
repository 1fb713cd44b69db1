"""Paths between latents in closed form, and the picture of them cell by cell."""

import numpy as np
import pytest
from PIL import Image

from gengen.core.model import Condition
from gengen.core.refusal import Refusal
from gengen.inference.paths import lerp, plane, slerp
from gengen.tasks.interpolate import pairs

SHARES = np.linspace(0, 1, 5)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), np.uint8)


def test_a_straight_path_has_its_ends_and_equal_steps():
    first, second = np.random.default_rng(0).normal(size=(2, 3, 2, 2))
    path = lerp(first, second, SHARES)
    assert path.shape == (3, 5, 2, 2)
    np.testing.assert_array_equal(path[:, 0], first)
    np.testing.assert_allclose(path[:, -1], second)
    np.testing.assert_allclose(np.diff(path, axis=1), np.broadcast_to(((second - first) / 4)[:, None], (3, 4, 2, 2)))


def test_an_arc_turns_by_equal_angles_while_its_norm_changes_evenly():
    angles, norms = np.deg2rad([10, 130]), [1.0, 3.0]
    ends = [norm * np.array([[np.cos(angle), np.sin(angle)]]) for angle, norm in zip(angles, norms, strict=True)]
    path = slerp(*ends, SHARES)[0]
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), np.linspace(1, 3, 5))
    np.testing.assert_allclose(np.arctan2(path[:, 1], path[:, 0]), np.linspace(*angles, 5))


def test_an_arc_between_normal_latents_keeps_their_norm_which_a_straight_path_loses():
    first, second = np.random.default_rng(0).normal(size=(2, 50, 400))
    middle = [path(first, second, np.array([0.5]))[:, 0] for path in (slerp, lerp)]
    norms = [np.linalg.norm(latents, axis=1).mean() / 20 for latents in middle]
    assert norms[0] == pytest.approx(1, abs=0.02)
    assert norms[1] == pytest.approx(np.sqrt(0.5), abs=0.02)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, -0.5, 0.0, 1 + 1e-12])
def test_latents_in_one_line_with_the_origin_have_a_straight_path(factor):
    first = np.array([[3.0, -1, 2]])
    np.testing.assert_array_equal(slerp(first, factor * first, SHARES), lerp(first, factor * first, SHARES))
    np.testing.assert_array_equal(slerp(factor * first, first, SHARES), lerp(factor * first, first, SHARES))


def test_an_arc_becomes_the_straight_path_without_a_jump_as_its_angle_goes_to_0():
    first = np.array([[1.0, 0]])
    for angle in (1e-5, 2e-6, 1e-7):
        second = 2 * np.array([[np.cos(angle), np.sin(angle)]])
        np.testing.assert_allclose(slerp(first, second, SHARES), lerp(first, second, SHARES), atol=angle)


def test_the_shape_of_latents_does_not_matter_to_an_arc():
    first, second = np.random.default_rng(0).normal(size=(2, 3, 2, 4))
    flat = slerp(first.reshape(3, 8), second.reshape(3, 8), SHARES)
    np.testing.assert_array_equal(slerp(first, second, SHARES), flat.reshape(3, 5, 2, 4))


def test_a_plane_has_its_corners_and_straight_sides_and_bent_ones_on_arcs_of_the_corners_norms():
    corners = np.random.default_rng(0).normal(size=(3, 2, 200))
    a, b, c = corners
    flat, bent = (plane(corners, SHARES, spherical=spherical) for spherical in (False, True))
    for found in (flat, bent):
        for corner, at in ((a, found[0, 0]), (b, found[0, -1]), (c, found[-1, 0])):
            np.testing.assert_allclose(at, corner)
    np.testing.assert_allclose(flat[1, 2], a + 0.5 * (b - a) + 0.25 * (c - a))
    norms = np.linalg.norm(bent.reshape(5, 5, -1), axis=-1)
    np.testing.assert_allclose(norms[0], np.linspace(norms[0, 0], norms[0, -1], 5))
    np.testing.assert_allclose(norms[-1, -1], np.linalg.norm(corners.reshape(3, -1), axis=1).mean())
    np.testing.assert_allclose(bent[0, 2], slerp(a[None], b[None], np.array([0.5]))[0, 0], rtol=0.05, atol=0.05)
    assert not plane(np.zeros((3, 2)), SHARES, spherical=True).any()


def test_pairs_use_each_image_once_and_are_of_one_class_in_turn():
    labels = np.random.default_rng(0).integers(0, 3, 41)
    found = pairs(labels, 41)
    assert len(np.unique(found)) == found.size
    assert (labels[found[:, 0]] == labels[found[:, 1]]).all()
    assert labels[found[:6, 0]].tolist() == [0, 1, 2, 0, 1, 2]
    assert pairs(None, 5).tolist() == [[0, 1], [2, 3]]
    assert pairs(np.array([0, 1, 2]), 3).shape == (0, 2)


def test_a_row_goes_from_an_image_to_another_by_equal_steps_of_its_code(
    looked, sheets, coding, images, tmp_path, capsys
):
    path = looked("interpolate", coding(), images, num=3, steps=5)
    assert path == tmp_path / "run" / "interpolations.png"
    assert "3 straight paths of 5 steps between 6 held-out images of few, step 7" in capsys.readouterr().out
    shown = sheets[0].cells
    assert sheets[0].title == "run · step 7 · few, 4 × 4 · weights as trained · straight paths"
    assert sheets[0].blocks[0].across == ["image", "0", "0.25", "0.5", "0.75", "1", "image"]
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(shown[:, 0], images[order[:6:2], :, :, 0])
    np.testing.assert_array_equal(shown[:, -1], images[order[1:6:2], :, :, 0])
    start, end = shown[:, :1, 0, :2].astype(float), shown[:, -1:, 0, :2].astype(float)
    along = start + SHARES[None, :, None] * (end - start)
    np.testing.assert_allclose(shown[:, 1:-1, 0, :2], along, atol=0.51)
    assert (shown[:, 1:-1, 1, 1] == shown[:, 1:2, 1, 1]).all(), "the noise of a row"
    assert len(set(shown[:, 1, 1, 1])) == 3, "rows have noise of their own"


def test_a_spherical_row_is_another_one(looked, sheets, coding, images):
    for spherical in (False, True):
        looked("interpolate", coding(3), images, num=3, spherical=spherical)
    straight, bent = (sheet.cells for sheet in sheets)
    for index in (0, 1, -2, -1):
        np.testing.assert_array_equal(straight[:, index], bent[:, index])
    assert (straight[:, 5, 0, :3] != bent[:, 5, 0, :3]).any()


def test_rows_of_a_model_with_labels_are_of_one_class_that_all_of_the_row_is_told(looked, sheets, coding, images):
    labels = np.random.default_rng(1).integers(0, 3, 40).astype(np.int32)
    images = images.copy()
    images[:, 3, 3, 0] = labels
    looked("interpolate", coding(classes=3), images, labels, num=5)
    shown = sheets[0].cells
    assert sheets[0].blocks[0].rows == ["a", "b", "c", "a", "b"]
    np.testing.assert_array_equal(shown[:, 0, 3, 3], [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(shown[:, -1, 3, 3], [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(shown[:, 1:-1, 1, 0], np.tile([[0], [1], [2], [0], [1]], 10))


def test_a_model_that_cannot_encode_goes_between_draws_of_its_prior(looked, sheets, coding, images):
    draws = np.array([[-1.0, 1], [1, -1], [0, 0]])
    labels = np.arange(40, dtype=np.int32) % 2
    looked("interpolate", coding(classes=2, draws=draws, encodes=False), images, labels, num=4)
    shown = sheets[0].cells
    known = np.rint((draws / 2 + 1) * 127.5).tolist()
    for end in (0, -1):
        assert all(code.tolist() in known for code in shown[:, end, 0, :2])
    np.testing.assert_array_equal(shown[:, :, 1, 0], np.tile([[0], [1], [0], [1]], 10))


def test_a_row_is_of_the_class_that_is_named(looked, sheets, coding, images):
    labels = np.arange(40, dtype=np.int32) % 3
    images = images.copy()
    images[:, 3, 3, 0] = labels
    looked("interpolate", coding(classes=3), images, labels, num=2, label="c")
    assert sheets[0].blocks[0].rows == ["c", "c"]
    assert (sheets[0].cells[:, [0, -1], 3, 3] == 2).all()
    with pytest.raises(Refusal, match="--label=c: samples of this run cannot be told their class"):
        looked("interpolate", coding(), images, labels, label="c")


def test_each_picture_of_the_user_is_an_end_and_the_next_one_the_other(looked, sheets, coding, images, tmp_path):
    (tmp_path / "mine").mkdir()
    for index in range(3):
        Image.fromarray(images[index, :, :, 0]).save(tmp_path / "mine" / f"{index}.png")
    looked("interpolate", coding(), images, input=tmp_path / "mine")
    np.testing.assert_array_equal(sheets[0].cells[:, 0], images[:2, :, :, 0])
    np.testing.assert_array_equal(sheets[0].cells[:, -1], images[1:3, :, :, 0])
    with pytest.raises(Refusal, match="there are no two to go between"):
        looked("interpolate", coding(), images, input=tmp_path / "mine" / "0.png")
    with pytest.raises(Refusal, match="has to be told the class of what it encodes; add --label=CLASS"):
        labels = np.arange(40, dtype=np.int32) % 2
        looked("interpolate", coding(classes=2), images, labels, input=tmp_path / "mine")


def test_a_model_of_two_domains_shows_every_path_in_both(looked, sheets, coding, images):
    plain = coding(draws=np.random.default_rng(0).uniform(-1, 1, (9, 2)), encodes=False)

    def decode(key, variables, latents, condition=None):
        return plain.decode(key, variables, latents, {"label": condition["domain"]})

    looked("interpolate", plain._replace(decode=decode, conditions={"domain": Condition(classes=2)}), images, num=3)
    shown = sheets[0].cells
    assert sheets[0].blocks[0].rows == ["a", "b"] * 3
    np.testing.assert_array_equal(shown[:, :, 1, 0], np.tile([[0], [1]], (3, 10)))
    np.testing.assert_array_equal(shown[::2, :, 0], shown[1::2, :, 0])


def test_what_has_nothing_between_is_refused(looked, coding, images):
    model = coding(encodes=False)
    with pytest.raises(Refusal, match="this model cannot encode; what it can do: decode"):
        looked("interpolate", model, images)
    with pytest.raises(Refusal, match="in 1 held-out image of few there are no two to go between"):
        looked("interpolate", coding(), images[:1])
    whole = coding()._replace(encode=lambda key, variables, data, condition=None: data[:, 0, :2, 0].astype(np.int32))
    with pytest.raises(Refusal, match="are whole numbers"):
        looked("interpolate", whole, images)
