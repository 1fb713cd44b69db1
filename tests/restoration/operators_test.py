"""Operators against the axioms of Moore and Penrose and against matrices written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, signal

from gengen.restoration.masks import MASKS
from gengen.restoration.operators import OPERATORS, blur, convolve, grey, inpaint, superres

SHAPE = (8, 12, 3)
KERNEL = np.random.default_rng(1).uniform(0, 1, (3, 4))
CASES = {
    "identity": ("identity", {}),
    **{mask: ("inpaint", {"mask": mask, "share": 0.3}) for mask in MASKS},
    "superres": ("superres", {"factor": 4}),
    "grey": ("grey", {}),
    "blur": ("blur", {"deviation": 1.2}),
    "convolve": ("convolve", {"kernel": KERNEL / KERNEL.sum()}),
    "random_projection": ("random_projection", {"share": 0.2}),
}


@pytest.fixture(scope="module", params=CASES)
def operator(request):
    name, arguments = CASES[request.param]
    return OPERATORS[name](SHAPE, **arguments)


def drawn(seed, shape):
    return jax.random.normal(jax.random.key(seed), (4, *shape))


def close(a, b, within=1e-3):
    np.testing.assert_allclose(a, b, atol=within)


def test_every_operator_is_tried():
    assert {name for name, _ in CASES.values()} == set(OPERATORS)


def test_adjoint_and_pseudo_inverse_hold_their_axioms(operator):
    x, y = drawn(0, SHAPE), drawn(1, operator.shape)
    seen, back = operator.forward(x), operator.pinv(y)
    assert seen.shape == y.shape and back.shape == x.shape
    close((seen * y).sum(), (x * operator.adjoint(y)).sum(), 1e-3)
    close(operator.forward(operator.pinv(seen)), seen)  # A A+ A = A
    scale = float(abs(back).max())
    close(operator.pinv(operator.forward(back)) / scale, back / scale, 1e-3)  # A+ A A+ = A+
    other = drawn(2, SHAPE)
    twice = operator.pinv(operator.forward(other))
    close((operator.pinv(seen) * other).sum(), (x * twice).sum(), 2e-3)  # A+ A is symmetric
    close(operator.pinv(operator.forward(twice)), twice)  # and a projection
    close(operator.forward(operator.pinv(y)), operator.forward(operator.pinv(operator.forward(operator.pinv(y)))))


def test_a_regularised_solution_solves(operator):
    y, c = drawn(1, operator.shape), jnp.array([0.1, 0.5, 1.0, 3.0])
    y = operator.forward(operator.adjoint(y))  # what can be seen
    v = operator.solve(y, c)
    close(operator.forward(operator.adjoint(v)) + c.reshape(-1, *[1] * (y.ndim - 1)) * v, y)


def test_what_explains_an_observation_is_left_alone_and_all_else_is_brought_to_it(operator):
    x, other = drawn(0, SHAPE), drawn(3, SHAPE)
    seen = operator.forward(x)
    close(operator.forward(operator.project(other, seen)), seen)
    close(operator.project(x, seen), x)


def test_means_and_kernels_are_those_of_scipy():
    x = np.asarray(drawn(0, SHAPE))
    close(blur(SHAPE, deviation=1.2).forward(x), ndimage.gaussian_filter(x, (0, 1.2, 1.2, 0), mode="reflect"), 0.02)
    wide = ndimage.gaussian_filter(x, (0, 0.5, 0.5, 0), mode="reflect", truncate=4)
    close(blur(SHAPE, deviation=0.5).forward(x), wide, 1e-5)  # every frequency passes
    kernel = np.zeros((3, 4))
    kernel[0, 1], kernel[1, 2] = 0.1, 0.9
    for channel in range(3):
        wanted = signal.correlate2d(np.pad(x[0, ..., channel], 4, mode="wrap"), kernel, mode="same")
        found = convolve(SHAPE, kernel=kernel).forward(x)[0, ..., channel]
        middle = (slice(4, -4), slice(4, -4))
        # SciPy's "same" lies a pixel from the middle where a side is even.
        assert any(np.allclose(found, np.roll(wanted, shift, 1)[middle], atol=1e-4) for shift in (-1, 0, 1))
    close(superres(SHAPE, factor=4).forward(x)[0, 1, 2, 0], x[0, 4:8, 8:12, 0].mean(), 1e-6)
    np.testing.assert_allclose(grey(SHAPE).forward(np.ones((1, *SHAPE), np.float32)), 1, rtol=1e-6)


def test_known_pixels_come_back_to_the_last_bit_and_masks_miss_their_share():
    x, other = drawn(0, SHAPE), drawn(3, SHAPE)
    for mask in MASKS:
        operator = inpaint(SHAPE, mask=mask, share=0.25)
        known = np.broadcast_to(operator.known, SHAPE)
        back = np.asarray(operator.project(other, operator.forward(x)))
        np.testing.assert_array_equal(back[:, known], np.asarray(x)[:, known])
        np.testing.assert_array_equal(back[:, ~known], np.asarray(other)[:, ~known])
        assert operator.known.mean() == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: superres((8, 10, 1), factor=4), "not made of squares"),
        (lambda: grey((8, 8, 1)), "1 channel have no colours"),
        (lambda: inpaint((2, 2, 1), mask="right", share=0.9), "every pixel"),
        (lambda: convolve((4, 4, 1), kernel=np.ones((5, 2))), "does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(build, said):
    with pytest.raises(ValueError, match=said):
        build()
