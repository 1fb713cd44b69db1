"""Bayes' rule over classes whose densities are normal: posteriors and sums are those of SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from gengen.models.bayes import by_bayes, of_any_class, of_found_class

MEANS = np.float32([-2.0, 0.5, 1.0])
DATA = np.float32([[-2.5, -1.0], [0.4, 0.6], [1.5, 3.0], [0.0, 0.0]])


def log_likelihood(key, variables, data, condition=None, samples=1):
    """Of normal numbers about the mean of the class, with what it was asked for added."""
    mean = jnp.zeros(len(data)) if condition is None else jnp.asarray(MEANS)[condition["label"]]
    found = jax.scipy.stats.norm.logpdf(data, mean[:, None], variables["scale"]).sum(1)
    return found + jax.random.normal(key) + 10 * samples


def each():
    return stats.norm(MEANS[:, None, None], 0.7).logpdf(DATA).sum(-1)


VARIABLES, KEY = {"scale": jnp.float32(0.7)}, jax.random.key(3)


def test_the_class_is_that_of_bayes_and_noise_is_the_same_for_all_classes():
    found = jax.jit(by_bayes(log_likelihood, 3))(KEY, VARIABLES, DATA)
    np.testing.assert_allclose(found["label"], (each() - special.logsumexp(each(), 0)).T, rtol=1e-3, atol=1e-5)
    assert by_bayes(log_likelihood, 0) is None


def test_a_class_that_is_told_is_taken_and_others_are_summed_over():
    nats = of_any_class(log_likelihood, 3)
    more = float(jax.random.normal(KEY)) + 50
    labels = np.int32([0, 2, 1, 1])
    told = nats(KEY, VARIABLES, DATA, {"label": labels}, 5)
    np.testing.assert_allclose(told, each()[labels, np.arange(4)] + more, rtol=1e-5)
    summed = nats(KEY, VARIABLES, DATA, None, 5)
    np.testing.assert_allclose(summed, special.logsumexp(each(), 0) - np.log(3) + more, rtol=1e-5)
    none = of_any_class(log_likelihood, 0)(KEY, VARIABLES, DATA, None, 5)
    np.testing.assert_array_equal(none, log_likelihood(KEY, VARIABLES, DATA, None, 5))


def test_memory_is_that_of_one_class():
    """What one class takes, a matrix of a thousand numbers for each example, is never there for all classes."""

    def large(key, variables, data, condition=None, samples=1):
        return jnp.square(jnp.tile(data, (1, 500)) + condition["label"].astype(jnp.float32)[:, None]).sum(1)

    text = jax.jit(by_bayes(large, 64)).lower(KEY, VARIABLES, DATA).as_text()
    assert "4x1000xf32" in text and "64x4x1000" not in text


@pytest.mark.parametrize("condition", [None, {}, {"label": np.int32([2, 2, 2, 2])}], ids=str)
def test_codes_are_those_of_the_class_that_is_told_or_found(condition):
    encode = of_found_class(lambda key, variables, data, condition: condition["label"], by_bayes(log_likelihood, 3))
    expected = each().argmax(0) if not condition else condition["label"]
    np.testing.assert_array_equal(encode(KEY, VARIABLES, DATA, condition), expected)
