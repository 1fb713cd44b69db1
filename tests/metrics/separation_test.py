"""Hyperplanes between points that have something and points that do not."""

import numpy as np
import pytest

from gengen.metrics.separation import separating


@pytest.mark.parametrize("number", [200, 40], ids=["as many of both", "fewer that have it"])
def test_the_way_across_is_where_points_differ_whatever_their_scales(number):
    rng, scales = np.random.default_rng(0), np.array([1.0, 10.0, 0.1])
    points = rng.normal(size=(200 + number, 3)) * scales + [5, 0, 0]
    has = np.arange(len(points)) >= 200
    points[has] += [6, 0, 0]
    plane = separating(points, has)
    standard = plane.across / points.std(0)
    assert standard[0] / np.linalg.norm(standard) > 0.98
    np.testing.assert_allclose(np.linalg.norm(plane.across), 1)
    assert (plane.beyond(points) == has).mean() > 0.99
