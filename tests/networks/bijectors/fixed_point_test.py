"""Fixed points: triangular maps are solved exactly, each example for itself."""

import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.bijectors.fixed_point import solve

LENGTH = 6


def problem(size, scale=1.0):
    random = np.random.default_rng(0)
    matrix = np.tril(random.normal(size=(LENGTH, LENGTH)), -1) * scale
    right = random.normal(size=(size, LENGTH))
    exact = np.linalg.solve(np.eye(LENGTH) - matrix, right.T).T
    return jnp.asarray(matrix, jnp.float32), jnp.asarray(right, jnp.float32), exact


def stepped(matrix, right):
    def step(x):
        return x @ matrix.T + right, x.sum(-1)

    return step


def test_a_triangular_map_is_solved_in_as_many_steps_as_there_are_numbers():
    matrix, right, exact = problem(4)
    x, said, steps = jax.jit(lambda: solve(stepped(matrix, right), jnp.full_like(right, 100.0), LENGTH))()
    np.testing.assert_allclose(x, exact, rtol=1e-4, atol=1e-4)
    assert said.shape == (4,)
    assert steps == LENGTH


def test_steps_end_where_nothing_moves_any_more():
    matrix, right, exact = problem(4, scale=0.01)
    x, _, steps = jax.jit(lambda: solve(stepped(matrix, right), right, LENGTH, 1e-5))()
    np.testing.assert_allclose(x, exact, atol=1e-5)
    assert 1 < steps < LENGTH


def test_no_example_depends_on_the_others():
    matrix, right, _ = problem(4, scale=0.1)
    right = right.at[0].multiply(1e4)  # takes longer than the others
    whole, _, _ = solve(stepped(matrix, right), right, LENGTH, 1e-2)
    alone, _, _ = solve(stepped(matrix, right[1:2]), right[1:2], LENGTH, 1e-2)
    np.testing.assert_allclose(whole[1:2], alone, rtol=1e-6)


def test_what_is_no_number_ends_it():
    _, _, steps = solve(lambda x: (x * jnp.nan, x), jnp.ones((1, 3)), 100)
    assert steps == 1


def test_derivatives_go_forward():
    matrix, right, _ = problem(1)

    def solved(right):
        return solve(stepped(matrix, right[None]), jnp.zeros((1, LENGTH)), LENGTH)[0][0]

    slopes = jax.jit(jax.jacfwd(solved))(right[0])
    np.testing.assert_allclose(slopes, np.linalg.inv(np.eye(LENGTH) - matrix), rtol=1e-4, atol=1e-4)
