"""What samples are told: the distributions of labels and codes, and what generator and critic see of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from gengen.core.model import Condition
from gengen.core.parallel import example_keys
from gengen.models.conditioning import Codes, Labels, Nothing

NUMBER = 4000


def drawn(conditioning, number=NUMBER, seed=0):
    return jax.jit(lambda key: conditioning.drawn(example_keys(key, number)))(jax.random.key(seed))


@pytest.mark.parametrize(
    ("conditioning", "name"), [(Labels(6), "label"), (Codes(6, 0), "category"), (Codes(6, 2), "category")]
)
def test_classes_are_drawn_all_alike(conditioning, name):
    classes = drawn(conditioning)[name]
    assert classes.dtype == jnp.int32
    assert scipy.stats.chisquare(np.bincount(classes, minlength=6)).pvalue > 1e-3


def test_numbers_are_uniform_between_minus_one_and_one_and_independent():
    codes = drawn(Codes(6, 2))
    numbers = np.asarray(codes["continuous"])
    assert numbers.shape == (NUMBER, 2)
    for column in numbers.T:
        assert scipy.stats.kstest(column, scipy.stats.uniform(-1, 2).cdf).pvalue > 1e-3
    together = np.corrcoef([*numbers.T, np.asarray(codes["category"])])
    assert np.abs(together - np.eye(3)).max() < 5 / np.sqrt(NUMBER)


@pytest.mark.parametrize("conditioning", [Labels(6), Codes(6, 2)])
def test_a_condition_depends_on_its_key_alone(conditioning):
    few, many, other = drawn(conditioning, 5), drawn(conditioning, 50), drawn(conditioning, 50, seed=1)
    for name in conditioning.conditions:
        np.testing.assert_array_equal(few[name], many[name][:5])
        assert (np.asarray(many[name]) != np.asarray(other[name])).any()


def test_conditions_say_what_can_be_asked_for():
    assert Nothing().conditions == {}
    assert Labels(6).conditions == {"label": Condition(classes=6)}
    assert Codes(6, 2).conditions == {"category": Condition(classes=6), "continuous": Condition(size=2)}
    assert Codes(6, 0).conditions == {"category": Condition(classes=6)}


def test_labels_are_those_of_the_data_and_codes_are_made_up():
    keys, label = example_keys(jax.random.key(0), 3), jnp.asarray([4, 0, 2], jnp.int32)
    assert Nothing().of(keys, {"label": label}) == {}
    np.testing.assert_array_equal(Labels(6).of(keys, {"label": label})["label"], label)
    codes = Codes(6, 2)
    for name, values in codes.of(keys, {"label": label}).items():
        np.testing.assert_array_equal(values, codes.drawn(keys)[name])


def test_what_generator_and_critic_see():
    latent, image = jnp.full((2, 3), 7.0), jnp.zeros((2, 4, 4, 1))
    label, numbers = jnp.asarray([1, 0], jnp.int32), jnp.asarray([[0.5, -0.5], [1.0, 0.0]])
    assert Nothing().latent_inputs(latent, {}) == (latent,)
    assert Nothing().data_inputs(image, {}) == (image,)
    assert Labels(6).latent_inputs(latent, {"label": label}) == (latent, label)
    assert Labels(6).data_inputs(image, {"label": label}) == (image, label)
    codes = {"category": label, "continuous": numbers}
    (row,) = Codes(3, 2).latent_inputs(latent, codes)
    np.testing.assert_array_equal(row, [[7, 7, 7, 0, 1, 0, 0.5, -0.5], [7, 7, 7, 1, 0, 0, 1, 0]])
    (row,) = Codes(3, 0).latent_inputs(latent, {"category": label})
    np.testing.assert_array_equal(row, [[7, 7, 7, 0, 1, 0], [7, 7, 7, 1, 0, 0]])
    assert Codes(3, 2).data_inputs(image, codes) == (image,)


def test_a_code_is_read_as_log_probabilities_and_means():
    code = np.random.default_rng(0).normal(0, 2, (4, 5)).astype(np.float32)
    said = Codes(3, 2).read(jnp.asarray(code))
    exp = np.exp(code[:, :3].astype(np.float64))
    np.testing.assert_allclose(said["category"], np.log(exp / exp.sum(1, keepdims=True)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(said["continuous"], code[:, 3:])
    assert set(Codes(5, 0).read(jnp.asarray(code))) == {"category"}
