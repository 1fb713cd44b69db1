"""Distances and nearest neighbours against the plain matrix of distances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gengen.metrics.neighbours import centred, in_chunks, nearest, rows_for, search, squared_distances


def points(seed, size, dimensions=5, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=(size, dimensions)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_the_nearest_are_those_of_the_whole_matrix(k, dtype):
    queries, data = points(0, 33, dtype=dtype), points(1, 40, dtype=dtype)
    matrix = cdist(queries.astype(np.float64), data.astype(np.float64))
    distances, indices = nearest(queries, data, k=k)
    np.testing.assert_array_equal(indices, matrix.argsort(1)[:, :k])
    np.testing.assert_allclose(distances, np.sort(matrix, 1)[:, :k], rtol=1e-5 if dtype == np.float32 else 1e-12)
    assert distances.dtype == dtype


def test_of_equal_distances_the_first_rows_count():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 3, (40, 2)).astype(np.float32), random.integers(0, 3, (101, 2)).astype(np.float32)
    exclude = random.integers(-1, 101, 40).astype(np.int32)
    squared, indices = search(x, y, exclude, k=9, rows=16)
    whole = np.square(x[:, None] - y[None]).sum(-1)
    whole[np.arange(101)[None] == exclude[:, None]] = np.inf
    order = np.argsort(whole, axis=1, kind="stable")[:, :9]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(squared, np.take_along_axis(whole, order, 1))


def test_an_excluded_row_is_never_matched():
    data = points(0, 30)
    matrix = cdist(data, data)
    np.fill_diagonal(matrix, np.inf)
    distances, indices = nearest(data, data, k=29, exclude=np.arange(30))
    np.testing.assert_array_equal(indices, matrix.argsort(1)[:, :29])
    np.testing.assert_allclose(distances, np.sort(matrix, 1)[:, :29], rtol=1e-12)
    exclude = np.random.default_rng(1).integers(-1, 30, 30)
    _, indices = nearest(data, data, exclude=exclude)
    own = exclude == np.arange(30)
    np.testing.assert_array_equal(indices[~own, 0], np.arange(30)[~own])
    assert own.any()
    np.testing.assert_array_equal(indices[own, 0], matrix.argmin(1)[own])


@pytest.mark.parametrize("rows", [7, 64])
def test_chunks_do_not_change_the_result(rows):
    queries, data = points(0, 65), points(1, 50)
    expected = nearest(queries, data, k=4)
    found = nearest(queries, data, k=4, rows=rows)
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)


def test_a_copy_is_at_distance_zero_and_a_near_copy_at_its_own():
    data = points(1, 2000, 64, np.float32) + np.float32(100)
    queries = data[::-1].copy()
    queries[:1000, 0] += np.float32(2**-10)
    distances, indices = nearest(queries, data)
    np.testing.assert_array_equal(indices[:, 0], np.arange(2000)[::-1])
    np.testing.assert_array_equal(distances[1000:], 0)
    np.testing.assert_allclose(distances[:1000], np.abs(queries - data[::-1])[:1000, :1], rtol=1e-3)


def test_float64_tells_points_apart_that_float32_does_not():
    data = np.zeros((3, 2))
    data[:, 0] = 1, 1 + 1e-12, -2
    distances, indices = nearest(data, data, k=1, exclude=np.arange(3))
    np.testing.assert_allclose(distances[:, 0], [1e-12, 1e-12, 3], rtol=1e-3)
    np.testing.assert_array_equal(indices[:, 0], [1, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimensions", [2, 64, 2048])
def test_the_product_form_finds_distances_to_a_few_roundings_and_exact_zeros(dimensions, dtype):
    x = points(0, 100, dimensions, dtype)
    with jax.enable_x64(dtype == np.float64):
        found = np.asarray(jax.jit(squared_distances)(x, np.concatenate([x, x[::-1]])))
    exact = cdist(x.astype(np.float64), x.astype(np.float64)) ** 2
    np.testing.assert_array_equal(found[:, :100].diagonal(), 0)
    np.testing.assert_array_equal(found[:, :99:-1].diagonal(), 0)
    np.testing.assert_allclose(found[:, :100], exact, rtol=0, atol=20 * np.finfo(dtype).eps * exact.max())


def test_centring_moves_all_sets_by_the_mean_of_the_first():
    x, y = points(0, 10), points(1, 20).astype(np.float32)
    moved = centred(x, y)
    np.testing.assert_allclose(moved[0], x - x.mean(0))
    np.testing.assert_allclose(moved[1], y - x.mean(0))
    assert {array.dtype.type for array in moved} == {np.float64}
    assert {array.dtype.type for array in centred(y, np.ones((3, 5), np.uint8))} == {np.float32}


def test_unfit_points_are_refused():
    x = points(0, 10)
    with pytest.raises(ValueError, match=r"one D.*\(10, 5\), \(10, 4\)"):
        centred(x, x[:, :4])
    with pytest.raises(ValueError, match="not finite"):
        nearest(x, np.where(x > 1, np.nan, x))
    with pytest.raises(ValueError, match="k=11 must be between 1 and the 10 rows"):
        nearest(x, x, k=11)
    with pytest.raises(ValueError, match="k=10 must be between 1 and the 9 rows"):
        nearest(x, x, k=10, exclude=np.arange(10))


def test_chunks_hold_all_rows_in_order():
    x = np.arange(14).reshape(7, 2)
    found = np.asarray(in_chunks(jnp.asarray(x), 3, fill=-1))
    assert found.shape == (3, 3, 2)
    np.testing.assert_array_equal(found.reshape(9, 2)[:7], x)
    np.testing.assert_array_equal(found[2, 1:], -1)


def test_the_whole_matrix_is_never_in_memory():
    size = 50_000
    queries = jax.ShapeDtypeStruct((size, 16), jnp.float32)
    exclude = jax.ShapeDtypeStruct((size,), jnp.int32)
    compiled = search.lower(queries, queries, exclude, k=5, rows=rows_for(size)).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 200e6 < 4 * size**2
