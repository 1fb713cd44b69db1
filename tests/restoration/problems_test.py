"""What can be asked for by name: its operator, and trivial answers that agree with what was seen."""

import jax
import numpy as np
import pytest

from gengen.restoration.problems import PROBLEMS

SHAPE = (8, 8, 3)
LOOSE = ("bicubic", "blurred", "noisy")
"""Answers that do not explain what was seen."""


@pytest.mark.parametrize("name", PROBLEMS)
def test_trivial_answers_are_pictures_that_explain_what_was_seen(name):
    problem = PROBLEMS[name]
    operator = problem.build(SHAPE, problem.amount.default if problem.amount else 0.0)
    y = operator.forward(jax.random.uniform(jax.random.key(0), (2, *SHAPE)))
    assert problem.view(operator, y).shape == (2, *SHAPE)
    assert problem.fills
    for title, fill in problem.fills.items():
        made = fill(operator, y)
        assert made.shape == (2, *SHAPE)
        if title not in LOOSE:
            np.testing.assert_allclose(operator.forward(made), y, atol=1e-5, err_msg=title)


def test_missing_pixels_are_those_of_the_nearest_known_one_or_their_mean():
    problem = PROBLEMS["outpaint"]
    operator = problem.build((4, 4, 1), 0.5)
    y = operator.forward(np.arange(32, dtype=np.float32).reshape(2, 4, 4, 1))
    nearest = np.asarray(problem.fills["nearest known pixel"](operator, y))
    np.testing.assert_array_equal(nearest[..., 2:, :], np.repeat(nearest[:, :, 1:2], 2, 2))
    mean = np.asarray(problem.fills["mean of known pixels"](operator, y))
    np.testing.assert_allclose(mean[:, :, 2:].mean((1, 2, 3)), np.asarray(y)[:, :, :2].mean((1, 2, 3)))


def test_a_surface_through_means_is_as_smooth_as_they_are():
    problem = PROBLEMS["superres"]
    operator = problem.build(SHAPE, 2)
    flat = np.full((1, *SHAPE), 0.3, np.float32)
    np.testing.assert_allclose(problem.fills["bicubic"](operator, operator.forward(flat)), flat, rtol=1e-5)
