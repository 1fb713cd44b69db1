"""What a step costs at the least, against what can be counted by hand."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from gengen.core.game import Player, Turn, begin, every, period, play
from gengen.core.mean import mean_of
from gengen.core.model import GenerativeModel
from gengen.core.transforms import clip_parameters
from gengen.networks.layers import convolutions
from gengen.training.floor import Work, product_operations, work

N, K, M = 8, 5, 3
PRODUCT = 2.0 * N * K * M


def counted(function, *arguments):
    return product_operations(jax.make_jaxpr(function)(*arguments))


@pytest.fixture
def matrices():
    return jnp.ones((N, K)), jnp.ones((K, M))


def test_a_product_and_its_gradients_are_three(matrices):
    a, b = matrices
    assert counted(jnp.matmul, a, b) == {"float32": PRODUCT}
    both = jax.grad(lambda a, b: jnp.square(a @ b).sum(), argnums=(0, 1))
    assert counted(both, a, b) == {"float32": 3 * PRODUCT}
    assert counted(lambda a, b: both(a, b)[1], a, b) == {"float32": 2 * PRODUCT}, "nothing comes of the other gradient"


def test_what_is_computed_twice_counts_once(matrices):
    a, b = matrices

    def twice(a, b):
        return jax.jit(jnp.matmul)(a, b) + jax.jit(lambda a, b: jnp.matmul(a, b))(a, b)

    assert counted(twice, a, b) == {"float32": PRODUCT}
    assert counted(lambda a, b: a @ b + (a + 1) @ b, a, b) == {"float32": 2 * PRODUCT}


def test_loops_count_as_often_as_they_turn_and_branches_as_the_dearest(matrices):
    a, b = matrices

    def turned(a, b):
        return lax.scan(lambda total, _: (total + jnp.sum((a + total) @ b), None), jnp.zeros(()), None, length=7)

    assert counted(turned, a, b) == {"float32": 7 * PRODUCT}

    def branch(a, b):
        return lax.cond(a[0, 0] > 0, lambda: (a @ b) @ b.T @ b, lambda: a @ b)

    assert counted(branch, a, b) == {"float32": 3 * PRODUCT}


def test_operations_are_told_by_the_arithmetic_of_the_operands(matrices):
    a, b = matrices

    def mixed(a, b):
        rounded = lax.dot(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), preferred_element_type=jnp.float32)
        return rounded + a @ b

    assert counted(mixed, a, b) == {"bfloat16": PRODUCT, "float32": PRODUCT}


def test_a_convolution_is_the_product_that_it_could_be():
    x, kernel = jnp.ones((2, 8, 8, 3)), jnp.ones((4, 4, 3, 6))
    layout = ("NHWC", "HWIO", "NHWC")
    strided = counted(lambda x, k: lax.conv_general_dilated(x, k, (2, 2), "SAME", dimension_numbers=layout), x, kernel)
    assert strided == {"float32": 2.0 * (2 * 4 * 4) * (4 * 4 * 3) * 6}
    transposed = counted(lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"), x, kernel)
    assert transposed == {"float32": 2.0 * (2 * 16 * 16 * 6) * (4 * 4 * 3) / 4}, "three of four taps meet a zero"


def test_the_products_of_the_layers_count_as_what_they_compute(matrices):
    a, b = matrices

    def loss(a, b):
        return jnp.square(convolutions.product(a, b, jnp.bfloat16)).sum()

    assert counted(jax.grad(loss, argnums=(0, 1)), a, b) == {"bfloat16": 3 * PRODUCT}
    assert counted(jax.vmap(loss), jnp.stack([a, a]), jnp.stack([b, b])) == {"bfloat16": 2 * PRODUCT}
    x, kernel = jnp.ones((2, 8, 8, 3)), jnp.ones((4, 4, 3, 6))
    pads, convolution = ((1, 1), (1, 1)), 2.0 * (2 * 4 * 4) * (4 * 4 * 3) * 6

    def convolved(x, kernel):
        return jnp.square(convolutions.convolve(x, kernel, (2, 2), pads, jnp.float32)).sum()

    assert counted(jax.grad(convolved, argnums=(0, 1)), x, kernel) == {"float32": 3 * convolution}


def test_a_step_moves_what_it_reads_and_what_it_changes():
    """Two players of one product each, of whom the second waits: the other's weights are read and not written."""

    def loss(own):
        def value(key, state, batch):
            weights = {name: state.variables[name]["params"]["w"] for name in ("first", "second")}
            found = jnp.mean(batch["data"] @ (weights["first"] + weights["second"]))
            return found, ({"loss": mean_of(found)}, {})

        return value

    players = [Player(name, (name,), clip_parameters(1.0)) for name in ("first", "second")]
    turns = [Turn("first", players[0], loss("first")), Turn("second", players[1], loss("second"), every(4, offset=3))]
    start = begin(lambda key, batch: {p.name: {"params": {"w": jnp.zeros((K, M))}} for p in players}, players)
    model = GenerativeModel(start, play(turns, lambda key, state, batch: batch), period=period(turns))
    batch = {"data": jnp.ones((N, K))}
    needed = work(model, jax.eval_shape(start, jax.random.key(0), batch), batch)
    weights, steps, data = 4 * K * M, 2 * 4, 4 * N * K
    # Both are read at each of four steps; the first is written at each, the second at one; a step counter is both.
    assert needed.moved == pytest.approx(data + steps + 2 * weights + weights + weights / 4, abs=1)


def test_the_floor_adds_products_and_bytes():
    assert Work({"float32": 6.0, "bfloat16": 8.0}, 10.0).floor({"float32": 2.0, "bfloat16": 4.0}, 5.0) == 3 + 2 + 2
