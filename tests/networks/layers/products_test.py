"""Products of rounded factors: values, derivatives of both orders and modes, and the form they are compiled to."""

import re
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.attention import attend
from gengen.networks.layers.conv import Conv, ConvTranspose
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.products import FORMS, product

HALF = jnp.dtype(jnp.bfloat16)
CLOSE = partial(chex.assert_trees_all_close, rtol=1e-5, atol=1e-5)
EXACT = {"NN": lambda a, b: a @ b, "NT": lambda a, b: a @ b.T, "TN": lambda a, b: a.T @ b}


def drawn(*shapes):
    """Arrays whose numbers bfloat16 has: products of them are the same however they are rounded."""
    numbers = np.random.default_rng(0)
    return [jnp.asarray(numbers.normal(size=shape), HALF).astype(jnp.float32) for shape in shapes]


def factors(form, m=5, k=7, n=3):
    return drawn((k, m) if form == "TN" else (m, k), (n, k) if form == "NT" else (k, n), (m, n))


@pytest.mark.parametrize("form", FORMS)
def test_factors_are_rounded_and_sums_are_float32(form):
    a, b, _ = (x * (1 + 1e-3) for x in factors(form))
    rounded = [x.astype(HALF).astype(jnp.float32) for x in (a, b)]
    CLOSE(product(a, b, HALF, form), EXACT[form](*rounded))
    CLOSE(product(a, b, jnp.float32, form), EXACT[form](a, b))
    assert product(a.astype(HALF), b, HALF, form).dtype == jnp.float32


@pytest.mark.parametrize("size", [(5, 7, 3), (1, 7, 3), (5, 7, 1), (5, 1, 3), (40, 7, 3), (3, 7, 40)])
@pytest.mark.parametrize("form", FORMS)
def test_first_and_second_derivatives_in_both_modes(form, size):
    a, b, g = factors(form, *size)
    ta, tb = drawn(a.shape, b.shape)

    def weighed(one, a, b):
        return jnp.vdot(one(a, b), g)

    def derivatives(one):
        first = jax.grad(partial(weighed, one), (0, 1))
        through = lambda a, b: sum(jnp.vdot(x, t) for x, t in zip(first(a, b), (ta, tb), strict=True))  # noqa: E731
        return {
            "forward": jax.jvp(one, (a, b), (ta, tb)),
            "reverse": first(a, b),
            "reverse of reverse": jax.grad(through, (0, 1))(a, b),
            "forward of reverse": jax.jvp(first, (a, b), (ta, tb)),
        }

    CLOSE(*(jax.jit(partial(derivatives, one))() for one in (partial(product, dtype=HALF, form=form), EXACT[form])))


@pytest.mark.parametrize("places", [(0, 0), (1, None), (None, 0)])
@pytest.mark.parametrize("form", FORMS)
def test_products_of_several_matrices(form, places):
    a, b, _ = factors(form)
    many = [x if place is None else jnp.stack([x, 2 * x, -x], place) for x, place in zip((a, b), places, strict=True)]
    run = lambda one: jax.jit(jax.vmap(jax.value_and_grad(lambda *ab: one(*ab).sum(), (0, 1)), places))(*many)  # noqa: E731
    CLOSE(run(partial(product, dtype=HALF, form=form)), run(EXACT[form]))


@pytest.mark.parametrize(
    ("a", "b", "form"),
    [
        ((3, 4), (5, 6), "NN"),
        ((3, 4), (4, 5), "NT"),
        ((3, 4), (4, 5), "TN"),
        ((4,), (4, 5), "NN"),
        ((3, 4), (4, 5), "TT"),
    ],
)
@pytest.mark.parametrize("dtype", [HALF, jnp.float32])
def test_what_cannot_be_multiplied_is_refused_when_traced(a, b, form, dtype):
    with pytest.raises(ValueError, match="there is no product"):
        jax.eval_shape(partial(product, dtype=dtype, form=form), *map(jnp.ones, (a, b)))


def test_gradients_have_the_dtype_of_what_they_are_of():
    a, b, _ = factors("NN")
    found = jax.grad(lambda a, b: product(a, b, HALF).sum(), (0, 1))(a.astype(HALF), b)
    assert [x.dtype for x in found] == [HALF, jnp.float32]


def test_a_penalty_of_a_rounded_dense_layer_has_a_gradient_of_float32_size():
    layer, (x, w) = Dense(6, dtype=HALF), drawn((4, 8), (4, 6))
    variables = layer.init(jax.random.key(0), x)

    def penalty(dtype, variables):
        one = lambda x: jnp.vdot(jnp.tanh(layer.clone(dtype=dtype).apply(variables, x)), w)  # noqa: E731
        return jnp.sum(jnp.square(jax.grad(one)(x)))

    both = jax.jit(
        lambda v: [jax.grad(partial(penalty, dtype))(v)["params"]["kernel"] for dtype in (jnp.float32, HALF)]
    )
    full, half = map(np.asarray, both(variables))
    assert np.linalg.norm(half - full) < 0.03 * np.linalg.norm(full)


def test_attention_is_the_softmax_of_scaled_products():
    query, keys, values = drawn((2, 6, 3, 4), (2, 6, 3, 4), (2, 6, 3, 4))

    @jax.jit
    def all_of(query, keys, values):
        theirs = jax.nn.dot_product_attention(query, keys, values, is_causal=True)
        ours = [attend(query, keys, values, dtype=dtype) for dtype in (jnp.float32, HALF)]
        shown = jax.nn.dot_product_attention(query[:, :1], keys[:, :3], values[:, :3])
        return theirs, ours, attend(query[:, :1], keys, values, np.arange(6)[None] < 3, dtype=jnp.float32), shown

    theirs, (exact, rounded), seen, shown = jax.device_get(all_of(query, keys, values))
    CLOSE(exact, theirs)
    assert np.abs(rounded - theirs).max() < 0.02
    CLOSE(seen, shown)
    with pytest.raises(ValueError, match="of 6 places, 1 ask"):
        attend(query[:, :1], keys, values, dtype=jnp.float32)


def products_of(function, *arguments):
    """The dtypes of the factors and the result of each product in the compiled program."""
    text = jax.jit(function).lower(*arguments).compile().as_text()
    dtypes = dict(re.findall(r"%?(\S+) = (\w+)\[", text))
    found = re.findall(r"= (\w+)\[[^=]*? dot\(%?([^,\s]+), %?([^)\s]+)\)", text)
    return [(dtypes[a], dtypes[b], result) for result, a, b in found]


FAST = ("bf16", "bf16", "f32")


@pytest.fixture(scope="module")
def unit(quick_compilation):
    """A chip that multiplies bfloat16, and programs compiled as a training is."""
    jax.config.update("jax_disable_most_optimizations", False)
    a = jnp.ones((64, 64), HALF)
    plain = partial(jax.lax.dot_general, dimension_numbers=(((1,), (0,)), ((), ())), preferred_element_type=jnp.float32)
    if products_of(plain, a, a) != [FAST]:
        pytest.skip("XLA multiplies in float32 on this chip")


@pytest.mark.parametrize(
    ("layer", "shape", "count"),
    [
        (Dense(48, dtype=HALF), (64, 96), 3),
        (Conv(48, (4, 4), 2, dtype=HALF), (16, 16, 16, 32), 3),
        (Conv(48, (3, 3), dtype=HALF), (8, 8, 8, 32), 3),
        (Conv(48, (1, 1), dtype=HALF), (16, 16, 16, 32), 3),
        (ConvTranspose(48, (4, 4), 2, dtype=HALF), (16, 8, 8, 32), 3),
    ],
    ids=str,
)
def test_a_layer_and_its_gradients_are_compiled_in_the_fast_form(unit, layer, shape, count):
    x = jnp.ones(shape)
    variables = jax.eval_shape(layer.init, jax.random.key(0), x)

    def loss(variables, x):
        return jnp.square(layer.apply(variables, jnp.tanh(x))).astype(jnp.float32).sum()

    found = products_of(jax.value_and_grad(loss, (0, 1)), variables, x)
    assert len(found) >= count
    assert set(found) == {FAST}
