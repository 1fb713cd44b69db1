"""A number of a sweep is, for each of its values, what the plain number is; where it cannot be, it says so."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.build.calls import check_value
from gengen.build.optimizers import RATE_SCHEDULES, adam
from gengen.build.swept import SeveralProgramsError, Swept
from gengen.core.refusal import Refusal
from gengen.values import Decay, Weight

VALUES = (0.001, 0.3, 2.0)
OPERATIONS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)


@pytest.fixture(autouse=True)
def standard_promotion():
    """As in a run: whole numbers meet floats."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def each(function, values=VALUES):
    """What a compiled function of a swept number gives for each value, and what it gives for the plain ones."""
    swept = jax.jit(lambda index: function(Swept("model.weight", values, index)))
    plain = [jax.jit(lambda value=value: function(value))() for value in values]
    return [swept(jnp.int32(index)) for index in range(len(values))], plain


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_calculates_with_arrays_as_the_plain_number_does_and_widens_nothing(operation, dtype):
    array = jnp.arange(1, 5).astype(dtype)
    for function in (lambda x: operation(x, array), lambda x: operation(array, x), lambda x: operation(1 - x, array)):
        for swept, plain in zip(*each(function), strict=True):
            assert swept.dtype == plain.dtype
            # XLA turns a division by a constant into a product with its rounded reciprocal.
            tolerance = 2e-7 if operation is operator.truediv else 0.0
            np.testing.assert_allclose(swept.astype("float32"), plain.astype("float32"), rtol=tolerance)


def test_it_calculates_with_pythons_numbers_in_their_precision():
    for swept, plain in zip(*each(lambda x: jnp.float32(1) * (1 - (1 - x / 3) ** 2 - -abs(x))), strict=True):
        assert swept == plain


def test_whole_numbers_stay_whole_and_one_that_is_not_makes_all_of_them_floats():
    for values in ((2, 3), (0, 0.5)):
        for swept, plain in zip(*each(lambda x: jnp.arange(3) * x, values), strict=True):
            np.testing.assert_array_equal(swept, plain)


def test_compiled_functions_and_numpys_arrays_take_it():
    functions = (
        lambda x: jax.jit(lambda a, b: a * b)(jnp.ones(3), x),
        lambda x: np.ones(3, np.float32) * x,
        lambda x: jnp.minimum(x, jnp.ones(3)),
        lambda x: jnp.where(jnp.arange(3) > 1, x, 0.0),
        lambda x: jax.nn.leaky_relu(-jnp.ones(3), x),
    )
    for function in functions:
        for swept, plain in zip(*each(function), strict=True):
            np.testing.assert_array_equal(swept, plain)


@pytest.mark.parametrize("name", RATE_SCHEDULES)
def test_schedules_and_adam_take_it(name):
    gradients = jnp.array([1.0, -2.0])

    def moved(x):
        rate = RATE_SCHEDULES[name](x, 10)
        transform = adam(b1=x / 4, b2=1 - x / 8)
        state = transform.init(gradients)
        for _ in range(3):
            updates, state = transform.update(gradients, state)
        return updates * (rate(jnp.float32(7)) if callable(rate) else rate)

    for swept, plain in zip(*each(moved), strict=True):
        np.testing.assert_allclose(swept, plain, rtol=1e-6)


def test_python_decides_by_it_where_all_values_agree_and_is_refused_where_they_do_not():
    number = Swept("model.weight", VALUES, 0)
    assert number
    assert number > 0
    assert 0 <= number < float("inf")
    assert number != 5
    assert number is not None
    assert number != "linear"
    assert max(1e-9, number) is number
    assert f"{number:g}" == "0.001 / 0.3 / 2"
    switch = Swept("a.b", (0.0, 1.0), 0)
    for decide in (lambda: number > 1, lambda: bool(switch), lambda: float(number), lambda: number == 2):
        with pytest.raises(SeveralProgramsError, match=r"config\.(model\.weight|a\.b) decides what the program is"):
            decide()


def test_every_value_is_held_to_the_range_of_its_key():
    check_value(Swept("model.weight", VALUES, 0), Weight, "model.weight")
    with pytest.raises(Refusal, match=r"config\.model\.b1=2\.0 must be a number in \[0, 1\)"):
        check_value(Swept("model.b1", VALUES, 0), Decay, "model.b1")
