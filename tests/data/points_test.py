"""Points in the plane: their density is one, is that of what is drawn, and the same bytes are drawn everywhere."""

import hashlib
from typing import NamedTuple

import numpy as np
import pytest

from gengen.data import points
from gengen.data.points import CLOUDS, log_density, read_points


class Known(NamedTuple):
    """What is known of a cloud.

    Attributes:
      digest: SHA-256 of the 10,000 points for training, its first 16 digits.
      across: the ends of the first axis between which all but a billionth of the density lies.
      up: those of the second axis.
    """

    digest: str
    across: tuple[float, float]
    up: tuple[float, float]


KNOWN = {
    "ring": Known("d3c23a06c3a74a36", (-1.1, 1.1), (-1.1, 1.1)),
    "grid": Known("1f1845d7586b3b7d", (-4.4, 4.4), (-4.4, 4.4)),
    "moons": Known("92c328c1fc659315", (-1.8, 2.8), (-1.3, 1.8)),
    "swiss_roll": Known("5207b7273fdd72ee", (-3.4, 4.2), (-4, 4)),
}
"""A row for each of `points.CLOUDS`."""

CURVES = [name for name, cloud in CLOUDS.items() if cloud.nodes > 1]


def test_every_cloud_has_a_row() -> None:
    assert KNOWN.keys() == CLOUDS.keys()


def lattice(name: str) -> tuple[np.ndarray, float]:
    known, step = KNOWN[name], CLOUDS[name].deviation
    axes = np.arange(*known.across, step), np.arange(*known.up, step)
    return np.stack(np.meshgrid(*axes), -1).reshape(-1, 2), step**2


@pytest.mark.parametrize("name", CLOUDS)
def test_a_density_integrates_to_one(name: str) -> None:
    """As the noise is Gaussian, the sum over a lattice of steps of a deviation is wrong by 2 exp(-2 pi^2) at most."""
    places, area = lattice(name)
    assert np.exp(log_density(name, places)).sum() * area == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", CURVES)
def test_more_nodes_say_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places, _ = lattice(name)
    places = places[::17]
    found = log_density(name, places)
    monkeypatch.setattr(points, "CLOUDS", {name: CLOUDS[name]._replace(nodes=2 * CLOUDS[name].nodes)})
    np.testing.assert_allclose(found, log_density(name, places), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CLOUDS)
def test_points_are_drawn_from_their_density(name: str) -> None:
    """The mean of log p over drawn points is minus the entropy, which the lattice gives, and so are the moments."""
    drawn, _ = read_points(name, "train")
    places, area = lattice(name)
    log = log_density(name, places)
    mass = np.exp(log) * area
    found = log_density(name, drawn)
    assert found.mean() == pytest.approx((mass * log).sum(), abs=4 * found.std() / 100)
    mean = mass @ places
    np.testing.assert_allclose(drawn.mean(0), mean, atol=4 * drawn.std(0).max() / 100)
    covariance = (mass[:, None] * (places - mean)).T @ (places - mean)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05 * np.trace(covariance))


def test_the_ring_and_the_grid_are_those_of_the_literature() -> None:
    for name, centres, deviation in (
        ("ring", [(np.cos(2 * np.pi * i / 8), np.sin(2 * np.pi * i / 8)) for i in range(8)], 0.01),
        ("grid", [(-4 + 2 * i, -4 + 2 * j) for i in range(5) for j in range(5)], 0.05),
    ):
        drawn, component = read_points(name, "train")
        off = drawn - np.array(centres)[component]
        assert abs(off.std() / deviation - 1) < 0.03 and abs(off).max() < 6 * deviation
        share = np.bincount(component) / len(component)
        assert len(share) == len(centres) and abs(share * len(centres) - 1).max() < 0.2
        np.testing.assert_allclose(  # at a middle, the others are too far away to count
            log_density(name, np.array(centres)), -np.log(len(centres) * 2 * np.pi * deviation**2), atol=1e-9
        )


@pytest.mark.parametrize("name", ["moons", "swiss_roll"])
def test_curves_are_scikit_learns(name: str) -> None:
    from sklearn.datasets import make_moons, make_swiss_roll

    cloud = CLOUDS[name]
    position = np.linspace(0, 1, 2000)
    curve = np.concatenate([cloud.curve(np.full(2000, part), position) for part in range(cloud.components)])
    theirs = make_moons(100)[0] if name == "moons" else make_swiss_roll(100, random_state=0)[0][:, [0, 2]] / 5
    nearest = np.sqrt(((theirs[:, None] - curve) ** 2).sum(-1).min(1))
    assert nearest.max() < 0.01


@pytest.mark.parametrize("name", CLOUDS)
def test_the_same_bytes_are_drawn_everywhere(name: str) -> None:
    drawn, component = read_points(name, "train")
    assert drawn.dtype == np.float32 and component.dtype == np.int32
    assert hashlib.sha256(drawn.astype("<f4").tobytes()).hexdigest()[:16] == KNOWN[name].digest
    fewer, of_fewer = read_points(name, "train", 23)
    np.testing.assert_array_equal(fewer, drawn[:23])
    np.testing.assert_array_equal(of_fewer, component[:23])
    test, _ = read_points(name, "test")
    assert len(test) == 2000 and not {point.tobytes() for point in test} & {point.tobytes() for point in drawn}


@pytest.mark.parametrize("name", CLOUDS)
def test_classes_name_the_components(name: str) -> None:
    assert len(CLOUDS[name].classes) == (CLOUDS[name].components if CLOUDS[name].components > 1 else 0)


def test_no_points_have_no_density() -> None:
    assert log_density("ring", np.empty((0, 2))).shape == (0,)
