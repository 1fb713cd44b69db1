"""Directions along which a decoder changes most, beside what linear algebra says of linear ones."""

import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.model import GenerativeModel
from gengen.inference.jacobians import steepest


def orthonormal(rows, columns, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(rows, columns)))[0].astype(np.float32)


def decoding(matrix):
    """A model that decodes latents of any shape linearly."""

    def decode(key, variables, latents, condition=None):
        del key, condition
        return latents.reshape(len(latents), -1) @ variables["decoder"]["matrix"].T

    return GenerativeModel(None, None, decode=decode), {"decoder": {"matrix": jnp.asarray(matrix)}}


def latents(*shape):
    return np.random.default_rng(3).normal(size=(4, *shape)).astype(np.float32)


@pytest.mark.parametrize("size", [6, 40], ids=["the whole space", "a subspace"])
def test_directions_of_a_linear_decoder_are_its_right_singular_vectors(size):
    values = 0.5 ** np.arange(size, dtype=np.float32)
    right = orthonormal(size, size, 1)
    model, variables = decoding(orthonormal(50, size, 0) * values @ right.T)
    found = steepest(model, variables, latents(size), {}, number=3, seed=0)
    np.testing.assert_allclose(np.abs(found.directions @ right[:, :3]), np.eye(3), atol=1e-3)
    np.testing.assert_allclose(found.gains, values[:3], rtol=1e-3)
    assert (np.take_along_axis(found.directions, np.abs(found.directions).argmax(1)[:, None], 1) > 0).all()
    if size == 6:
        np.testing.assert_allclose(found.mean, np.sqrt(np.square(values).mean()), rtol=1e-4)


def test_they_are_those_of_the_first_layer_where_the_rest_is_linear_and_keeps_lengths():
    """As SeFa (Shen and Zhou 2021) has them: the eigenvectors of A^T A."""
    first = np.random.default_rng(2).normal(size=(20, 8)).astype(np.float32)
    model, variables = decoding(orthonormal(30, 20, 5) @ first)
    _, vectors = np.linalg.eigh(first.T @ first)
    found = steepest(model, variables, latents(8), {}, number=4, seed=0)
    np.testing.assert_allclose(np.abs((found.directions * vectors[:, :-5:-1].T).sum(1)), 1, atol=1e-4)


def test_directions_have_the_shape_of_latents_and_leave_numbers_alone_that_do_not_differ():
    model, variables = decoding(np.diag(np.arange(6, 0, -1, dtype=np.float32)))
    fixed = latents(3, 2)
    fixed[:, 0, 0] = 1
    found = steepest(model, variables, fixed, {}, number=2, seed=0)
    np.testing.assert_allclose(found.directions, np.eye(6)[1:3].reshape(2, 3, 2), atol=1e-5)
    np.testing.assert_allclose(found.gains, [5, 4], rtol=1e-5)
