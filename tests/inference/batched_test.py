"""One compiled function for many examples: each is shown once, and none knows of the others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.inference import batched
from gengen.inference.batched import SIZE, chosen, per_example


@pytest.mark.parametrize("number", [0, 1, 4, 5, 11])
def test_every_example_is_looked_at_once_and_in_its_order(number):
    asked = []
    found = batched.batched(lambda indices: asked.append(len(indices)) or {"square": indices**2}, number, 5)
    np.testing.assert_array_equal(found["square"], np.arange(number) ** 2)
    assert asked == [5] * max(1, -(-number // 5))


def test_no_examples_have_a_shape():
    assert chosen({"data": np.zeros((0, 3))}, np.zeros(4, int))["data"].shape == (4, 3)


def noisy(key, variables, data):
    return data * variables["gain"] + jax.random.normal(key, (1,))


@pytest.mark.parametrize("number", [1, 7, SIZE, SIZE + 3])
def test_an_example_depends_on_its_index_alone(number):
    each, key, variables = per_example(noisy), jax.random.key(4), {"gain": jnp.float32(2)}
    data, indices = np.linspace(0, 1, number, dtype=np.float32), np.arange(number)[::-1] + 5
    found = each(key, variables, indices, data)
    for index in {0, number // 2, number - 1}:
        alone = noisy(jax.random.fold_in(key, int(indices[index])), variables, data[index : index + 1])
        np.testing.assert_array_equal(found[index], alone[0])


def test_a_batch_is_compiled_once_and_is_smaller_where_examples_are_large(monkeypatch):
    monkeypatch.setattr(batched, "POSITIONS", 48)
    traced = []
    each = per_example(lambda key, variables, data: traced.append(data.shape) or data.sum((1, 2, 3)))
    for _ in range(2):
        assert each(jax.random.key(0), {}, np.arange(10), np.ones((10, 4, 4, 2), np.float32)).tolist() == [32] * 10
    assert traced == [(1, 4, 4, 2)]
