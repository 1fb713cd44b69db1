"""The codebook: its averages against plain NumPy, its gradient, its choices, its restarts on any number of replicas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.layers.codebook import (
    EPSILON,
    first_codebook,
    followed,
    nearest,
    perplexity,
    restarted,
    straight_through,
    vectors_of,
)

K, D, N = 5, 3, 24


def points(seed, size=N):
    return np.random.default_rng(seed).normal(size=(size, D)).astype(np.float32)


def book(seed=0):
    """A codebook that has been in use for a while."""
    rng = np.random.default_rng(seed)
    counts = rng.uniform(0.5, 5, K).astype(np.float32)
    vectors = rng.normal(size=(K, D)).astype(np.float32)
    return {"vectors": vectors, "counts": counts, "sums": vectors * counts[:, None]}


def on_replicas(function, replicas, *split):
    """Calls a function of arrays [N, ...] that lie on so many replicas; returns what each of them gets."""
    parts = [jnp.asarray(array).reshape(replicas, -1, *array.shape[1:]) for array in split]
    return jax.device_get(jax.jit(jax.vmap(function, axis_name=AXIS))(*parts))


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_vectors_follow_the_averages_of_the_paper(replicas):
    codebook = expected = book()
    for step in range(5):
        flat = points(step)
        chosen = np.argmin(((flat[:, None] - expected["vectors"]) ** 2).sum(-1), 1)
        one_hot = np.eye(K)[chosen]
        counts = 0.9 * expected["counts"] + 0.1 * one_hot.sum(0)
        sums = 0.9 * expected["sums"] + 0.1 * one_hot.T @ flat
        smoothed = (counts + EPSILON) / (counts.sum() + K * EPSILON) * counts.sum()
        expected = {"vectors": sums / smoothed[:, None], "counts": counts, "sums": sums}

        def move(part, codebook=codebook):
            return followed(codebook, part, nearest(codebook["vectors"], part), decay=0.9)

        everywhere, usage = on_replicas(move, replicas, flat)
        codebook = jax.tree.map(lambda leaf: leaf[0], everywhere)
        np.testing.assert_array_equal(usage[0], one_hot.sum(0))
        for name, value in expected.items():
            np.testing.assert_allclose(codebook[name], value, rtol=2e-5, atol=1e-6)
            np.testing.assert_array_equal(everywhere[name], np.stack([codebook[name]] * replicas))


def test_averages_of_points_that_stay_become_their_means():
    flat = np.concatenate([points(0, 8) + 10, points(1, 16) - 10])
    codebook = {name: jnp.asarray(leaf) for name, leaf in book().items()}
    codebook["vectors"] = codebook["vectors"].at[:2].set(jnp.asarray([[9.0] * D, [-9.0] * D]))

    def many(part):
        def move(codebook, _):
            return followed(codebook, part, nearest(codebook["vectors"], part), decay=0.5)[0], None

        return jax.lax.scan(move, codebook, None, length=60)[0]

    vectors = on_replicas(many, 1, flat)["vectors"][0]
    np.testing.assert_allclose(vectors[:2], [flat[:8].mean(0), flat[8:].mean(0)], rtol=1e-4)


def test_the_nearest_vector_is_chosen_and_the_first_of_two_that_are_the_same():
    vectors, flat = points(0, K), points(1)
    expected = np.argmin(np.linalg.norm(flat[:, None] - vectors, axis=-1), 1)
    shaped = flat.reshape(2, 3, 4, D)
    np.testing.assert_array_equal(nearest(vectors, shaped), expected.reshape(2, 3, 4))
    twice = np.concatenate([vectors, vectors])
    np.testing.assert_array_equal(nearest(twice, flat), expected)
    np.testing.assert_array_equal(nearest(vectors, vectors), np.arange(K))


def test_gradients_pass_the_quantisation_as_if_it_were_not_there():
    flat, vectors = jnp.asarray(points(0)), jnp.asarray(points(1, K))
    weight = jnp.asarray(points(2))

    def through(flat):
        return straight_through(flat, vectors[nearest(vectors, flat)])

    np.testing.assert_allclose(through(flat), vectors[nearest(vectors, flat)], atol=1e-6)
    np.testing.assert_array_equal(jax.grad(lambda flat: (weight * through(flat)).sum())(flat), weight)


def test_no_gradient_reaches_points_through_the_codebook():
    codebook, flat = book(), points(0)

    def moved(part):
        after, _ = restarted(jax.random.key(0), codebook, part, 1.0)
        after, _ = followed(after, part, nearest(after["vectors"], part))
        return sum(leaf.sum() for leaf in after.values())

    assert not on_replicas(jax.grad(moved), 2, flat).any()


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_dead_codes_alone_become_points_of_the_whole_batch_the_same_on_all_replicas(replicas):
    codebook, flat = book(), points(0)
    codebook["counts"][[1, 4]] = [0.2, 0.5]

    def renew(part):
        return restarted(jax.random.key(3), codebook, part, 0.5)

    after, number = on_replicas(renew, replicas, flat)
    np.testing.assert_array_equal(number, [2.0] * replicas)
    for name, before in codebook.items():
        np.testing.assert_array_equal(after[name], np.stack([after[name][0]] * replicas))
        np.testing.assert_array_equal(after[name][0, [0, 2, 3]], before[[0, 2, 3]])
    one = on_replicas(renew, 1, flat)[0]
    np.testing.assert_array_equal(after["vectors"][0], one["vectors"][0])
    for code in (1, 4):
        assert (after["vectors"][0, code] == flat).all(1).any()
        assert after["counts"][0, code] == 1
        np.testing.assert_array_equal(after["sums"][0, code], after["vectors"][0, code])


def test_every_point_of_the_batch_can_be_drawn_and_about_as_often():
    flat = points(0)
    fresh = first_codebook(jax.random.key(0), K, D)

    def many(part):
        return jax.lax.map(lambda key: restarted(key, fresh, part, 0.0)[0]["vectors"], keys)

    keys = jax.random.split(jax.random.key(1), 1000)
    drawn = on_replicas(many, 2, flat)[0].reshape(-1, D)
    indices = (drawn[:, None] == flat).all(-1).argmax(1)
    shares = np.bincount(indices, minlength=N) / len(indices)
    np.testing.assert_allclose(shares, 1 / N, atol=5 * np.sqrt(1 / N / len(indices)))
    # Codes of one restart are different points: there are more of those than codes.
    assert min(len(set(row)) for row in indices.reshape(-1, K).tolist()) >= K - 1


def test_a_new_codebook_takes_every_vector_from_the_data_and_a_used_one_none():
    flat = points(0) + 100
    fresh = first_codebook(jax.random.key(0), K, D)
    assert np.unique(np.asarray(fresh["vectors"]), axis=0).shape == (K, D)
    after, number = on_replicas(lambda part: restarted(jax.random.key(1), fresh, part, 0.0), 2, flat)
    assert number[0] == K
    assert after["vectors"].min() > 90
    assert on_replicas(lambda part: restarted(jax.random.key(1), book(), part, 0.0), 2, flat)[1][0] == 0


def test_perplexity_counts_the_codes_in_use():
    assert float(perplexity(jnp.asarray([3.0, 0.0, 3.0, 3.0, 0.0]))) == pytest.approx(3)
    assert float(perplexity(jnp.asarray([7.0, 0.0]))) == pytest.approx(1)
    shares = np.asarray([0.5, 0.25, 0.25])
    assert float(perplexity(jnp.asarray([2.0, 1.0, 1.0]))) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


def test_vectors_are_looked_up_at_every_place():
    codebook = book()
    code = np.asarray([[0, 4], [2, 2]], np.int32)
    np.testing.assert_array_equal(vectors_of(codebook, jnp.asarray(code)), codebook["vectors"][code])
