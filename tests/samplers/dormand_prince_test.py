import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.samplers.dormand_prince import integrated


def field(state, t):
    """A turn of the plane, and exp(sin t): x' = x cos t."""
    x, y = state
    return jnp.stack([-x[:, 1], x[:, 0]], 1), y * jnp.cos(t)


START = jnp.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]]), jnp.ones(3)


@pytest.mark.parametrize(("tolerance", "within"), [(1e-3, 1e-2), (1e-6, 2e-5)])
def test_solutions_are_as_exact_as_asked_both_ways(tolerance, within):
    solution = jax.jit(lambda state: integrated(field, state, 0.0, 3.0, tolerance=tolerance))(START)
    turn = np.array([[np.cos(3), np.sin(3)], [-np.sin(3), np.cos(3)]])
    np.testing.assert_allclose(solution.state[0], START[0] @ turn, atol=within)
    np.testing.assert_allclose(solution.state[1], np.exp(np.sin(3.0)), atol=within)
    assert ((solution.calls - 1) % 6 == 0).all() and (solution.calls < 200).all()
    back = jax.jit(lambda state: integrated(field, state, 3.0, 0.0, tolerance=tolerance))(solution.state)
    for leaf, before in zip(back.state, START, strict=True):
        np.testing.assert_allclose(leaf, before, atol=within)


def test_a_step_has_the_fifth_order():
    """A polynomial of degree 4 in t is integrated exactly by one step, of degree 6 it is not."""

    def error(degree):
        solution = integrated(lambda x, t: (degree + 1) * t**degree, jnp.zeros(1), 0.0, 1.0, tolerance=1e9)
        return abs(float(solution.state[0]) - 1)

    assert error(4) < 1e-6
    assert error(6) > 1e-6


def test_an_example_does_not_depend_on_the_others_and_pays_for_itself():
    rates = jnp.array([1.0, 50.0])

    def decay(x, t, rates):
        return -rates * (x - jnp.sin(5 * t))

    both = integrated(lambda x, t: decay(x, t, rates), jnp.ones(2), 0.0, 2.0, tolerance=1e-4)
    alone = integrated(lambda x, t: decay(x, t, rates[:1]), jnp.ones(1), 0.0, 2.0, tolerance=1e-4)
    np.testing.assert_allclose(both.state[0], alone.state[0], rtol=1e-6)
    assert both.calls[0] == alone.calls[0]
    assert both.calls[1] > 2 * both.calls[0]


def test_what_does_not_arrive_is_not_a_number():
    solution = integrated(lambda x, t: -1e4 * x, jnp.ones(1), 0.0, 1.0, tolerance=1e-6, most=20)
    assert jnp.isnan(solution.state).all()
