"""The divergence of a model from the density that points are drawn from, of models in which it is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.field import Field
from gengen.core.model import Condition, GenerativeModel
from gengen.data.points import COUNTS, centres_of, read_points
from gengen.data.signature import DataSet, Signature
from gengen.evaluation import divergence as module
from gengen.evaluation.divergence import divergence
from gengen.pictures.densities import heat_maps

MEAN, DEVIATION = (0.1, -0.2), (0.5, 2.0)
"""Of the units of the model, which are nobody's best."""


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    field = Field((2,), "float32", mean=MEAN, deviation=DEVIATION)
    signature = Signature("ring", "points", {"data": field}, dict(COUNTS), "")
    return DataSet(signature, {"test": {"data": read_points("ring", "test")[0]}}, tmp_path_factory.mktemp("ring"))


def in_data(points):
    return points * np.float32([DEVIATION]) + np.float32([MEAN])


def model(density, classes=0, **others):
    def log_likelihood(key, variables, data, condition=None, samples=1):
        return density(in_data(data), condition) + math.log(DEVIATION[0] * DEVIATION[1])

    conditions = {"label": Condition(classes=classes)} if classes else {}
    return GenerativeModel(None, None, conditions=conditions, log_likelihood=log_likelihood, **others)


def around(centres):
    def density(points, condition):
        away = points[:, None] - jnp.asarray(centres)[None]
        each = -jnp.square(away).sum(-1) / (2 * 0.01**2) - math.log(2 * math.pi * 0.01**2)
        if condition is not None:
            return each[jnp.arange(len(points)), condition["label"]]
        return jax.nn.logsumexp(each, axis=1) - math.log(len(centres))

    return density


@pytest.mark.parametrize("classes", [0, 8])
def test_the_truth_is_no_distance_from_itself_whether_its_components_are_told_or_not(ring, subject_of, classes):
    found = divergence(subject_of(model(around(centres_of(ring.signature)), classes), ring))
    assert found.found["points"] == 20_000
    np.testing.assert_allclose([found.found["nats"][end] for end in ("value", "low", "high")], 0, atol=2e-3)


def test_a_normal_distribution_is_as_far_from_the_ring_as_the_closed_form_says(ring, subject_of):
    def normal(points, condition):
        return -jnp.square(points).sum(1) / 2 - math.log(2 * math.pi)

    entropy = math.log(8) + math.log(2 * math.pi * math.e * 0.01**2)  # components do not overlap
    expected = -entropy + math.log(2 * math.pi) + (1 + 2 * 0.01**2) / 2
    nats = divergence(subject_of(model(normal), ring)).found["nats"]
    assert nats["low"] < expected < nats["high"] and nats["high"] - nats["low"] < 0.05


def test_there_is_none_of_a_bound_nor_of_data_whose_density_nobody_knows(ring, subject_of):
    bound = model(around(centres_of(ring.signature)), bound_by="latents")
    assert divergence(subject_of(bound, ring)) is None
    assert divergence(subject_of(GenerativeModel(None, None), ring)) is None
    other = DataSet(ring.signature.of_shape((2,), name="mine"), ring.splits, ring.folder)
    assert divergence(subject_of(bound._replace(bound_by=""), other)) is None


def test_the_densities_are_drawn_beside_each_other_each_above_the_same_grid(ring, subject_of, monkeypatch):
    seen = {}

    def spied(densities, points):
        grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 5)] * 2), -1).reshape(-1, 2)
        seen.update({title: density(grid) for title, density in densities.items()})
        return heat_maps(densities, points)

    monkeypatch.setattr(module, "heat_maps", spied)
    section = divergence(subject_of(model(around(centres_of(ring.signature))), ring))
    picture = section.picture()
    assert section.name == "density" and picture.dtype == np.uint8 and picture.shape[2] == 3
    assert list(seen) == ["truth", "model"]
    np.testing.assert_allclose(seen["model"], seen["truth"], rtol=1e-3, atol=1e-3)
    left, right = picture[:, : picture.shape[1] // 2], picture[:, picture.shape[1] // 2 :]
    white = np.all(np.abs(left.astype(int) - (252, 253, 191)) < 40, -1)  # the brightest of the shades
    assert white.any() and np.all(np.abs(right.astype(int) - (252, 253, 191)) < 40, -1).any()
