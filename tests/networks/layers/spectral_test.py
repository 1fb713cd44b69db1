"""Spectral normalisation finds the singular value that NumPy finds, and has the gradient of the paper."""

import functools

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.spectral import COLLECTION, Spectral, power_iteration, singular_value

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

LAYERS = {
    "dense": (nn.Dense(5), (3, 7)),
    "convolution": (Conv(5, (2, 2), strides=2), (3, 4, 6, 2)),  # windows side by side: one matrix for each
}


class Network(nn.Module):
    """One normalised layer."""

    layer: nn.Module

    @nn.compact
    def __call__(self, x, train):
        return Spectral(self.layer)(x, train)


def made(layer, x):
    return QUICK(lambda key: Network(layer).init(key, x, train=False))(jax.random.key(0))


def kernel_of(variables):
    return variables["params"]["layer"]["kernel"]


def vector_of(variables):
    return variables[COLLECTION]["Spectral_0"]["u"]


def passed(network, variables, x, passes):
    """The vector after training passes."""

    def one(carried, _):
        return network.apply({**variables, COLLECTION: carried}, x, train=True, mutable=[COLLECTION])[1][COLLECTION], _

    run = QUICK(lambda carried: jax.lax.scan(one, carried, length=passes)[0])
    return run(variables[COLLECTION])["Spectral_0"]["u"]


def largest(kernel):
    return np.linalg.svd(np.asarray(kernel).reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@functools.cache
def drawn(name):
    layer, shape = LAYERS[name]
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    return Network(layer), made(layer, x), x


@pytest.fixture(params=LAYERS)
def case(request):
    """A network of one layer, its variables and an input."""
    return drawn(request.param)


def evaluated(network, variables, x):
    return QUICK(lambda variables, x: network.apply(variables, x, train=False))(variables, x)


def trained(network, variables, x):
    """The output in training mode and the vector that is carried on."""
    run = QUICK(lambda variables, x: network.apply(variables, x, train=True, mutable=[COLLECTION]))
    y, carried = run(variables, x)
    return y, carried[COLLECTION]["Spectral_0"]["u"]


def with_vector(variables, u):
    return {**variables, COLLECTION: {"Spectral_0": {"u": jnp.asarray(u)}}}


def test_training_converges_to_the_largest_singular_value(case):
    network, variables, x = case
    poor = with_vector(variables, np.eye(5, dtype=np.float32)[0])  # the first one is too good to show anything
    matrix = kernel_of(variables).reshape(-1, 5)
    value = QUICK(singular_value)
    found = [float(value(matrix, passed(network, poor, x, passes))) for passes in (1, 4, 100)]
    assert found[0] < found[1] < found[2]
    assert found[2] == pytest.approx(largest(matrix), rel=1e-5)


def test_the_first_vector_is_good_already():
    """A 256 x 128 Gaussian matrix, of which one iteration finds less than 0.9 of the singular value."""
    variables = made(nn.Dense(128), np.zeros((1, 256), np.float32))
    kernel = kernel_of(variables)
    start = np.random.default_rng(3).normal(size=128).astype(np.float32)
    once, first = QUICK(
        lambda: [singular_value(kernel, u) for u in (power_iteration(kernel, start), vector_of(variables))]
    )()
    truth = largest(kernel)
    assert float(once) < 0.9 * truth
    assert 0.98 * truth < float(first) < 1.0001 * truth


def test_the_layer_has_lipschitz_constant_one(case):
    network, variables, x = case
    variables = with_vector(variables, passed(network, variables, x, 100))
    run = QUICK(jax.jacobian(lambda x: network.apply(variables, x[None], train=False).ravel()))
    jacobian = np.asarray(run(x[0])).reshape(-1, x[0].size)
    assert np.linalg.norm(jacobian, 2) == pytest.approx(1, rel=1e-4)


def test_the_result_is_the_layers_with_a_divided_kernel(case):
    network, variables, x = case
    kernel, u = (np.asarray(value) for value in (kernel_of(variables), vector_of(variables)))
    bias = np.arange(5, dtype=np.float32)
    sigma = np.linalg.norm(kernel.reshape(-1, 5) @ u)
    expected = QUICK(network.layer.apply)({"params": {"kernel": kernel / sigma, "bias": bias}}, x)
    ours = evaluated(network, {**variables, "params": {"layer": {"kernel": kernel, "bias": bias}}}, x)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_the_parameters_are_the_layers_own(case):
    network, variables, x = case
    own = jax.eval_shape(network.layer.init, jax.random.key(0), x)["params"]
    chex.assert_trees_all_equal_shapes_and_dtypes(variables["params"]["layer"], own)
    assert set(variables) == {"params", COLLECTION}


def gradients(case, u):
    """Gradients with respect to W of <y, C> for a random C: normalised by u; not at all; and by the true sigma."""
    network, variables, x = case
    kernel, bias = kernel_of(variables), jnp.zeros(5)

    def plain(kernel):
        y = network.layer.apply({"params": {"kernel": kernel, "bias": bias}}, x)
        return jnp.vdot(y, np.random.default_rng(2).normal(size=y.shape).astype(np.float32))

    def normalised(kernel):
        params = {"layer": {"kernel": kernel, "bias": bias}}
        y = network.apply(with_vector({"params": params}, u), x, train=False)
        return jnp.vdot(y, np.random.default_rng(2).normal(size=y.shape).astype(np.float32))

    def truly(kernel):
        return plain(kernel / jnp.linalg.norm(kernel.reshape(-1, 5), 2))

    found = QUICK(lambda kernel: [jax.grad(f)(kernel) for f in (normalised, plain, truly)])(kernel)
    return [np.asarray(gradient).reshape(-1, 5) for gradient in found]


def test_the_gradient_is_the_papers_for_any_vector(case):
    """(G - <G, W / sigma> v u^T) / sigma, where G is the gradient with respect to the divided kernel."""
    u = np.full(5, 1 / np.sqrt(5), np.float32)
    ours, g, _ = gradients(case, u)
    matrix = np.asarray(kernel_of(case[1])).reshape(-1, 5)
    sigma = np.linalg.norm(matrix @ u)
    v = matrix @ u / sigma
    expected = (g - (g * matrix).sum() / sigma * np.outer(v, u)) / sigma
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


def test_the_gradient_of_a_converged_vector_is_that_of_the_true_singular_value(case):
    ours, _, true = gradients(case, passed(*case, 100))
    np.testing.assert_allclose(ours, true, rtol=1e-3, atol=1e-3)


def test_training_takes_one_iteration_and_evaluation_leaves_no_trace(case):
    network, variables, x = case
    variables = with_vector(variables, np.eye(5, dtype=np.float32)[0])
    run = QUICK(lambda v, x: network.apply(v, x, train=False, mutable=[COLLECTION]))
    chex.assert_trees_all_equal(run(variables, x)[1][COLLECTION], variables[COLLECTION])
    matrix = np.asarray(kernel_of(variables)).reshape(-1, 5)
    expected = matrix.T @ matrix[:, 0]
    _, u = trained(network, variables, x)
    np.testing.assert_allclose(u, expected / np.linalg.norm(expected), rtol=1e-4, atol=1e-5)


def test_every_replica_carries_the_same_vector(case):
    network, variables, x = case
    variables = with_vector(variables, np.eye(5, dtype=np.float32)[0])
    step = lambda x: network.apply(variables, x, train=True, mutable=[COLLECTION])  # noqa: E731
    y, carried = QUICK(jax.vmap(step, axis_name=AXIS))(np.stack([x, 3 * x, -x]))
    u = np.asarray(vector_of(carried))
    assert np.abs(np.diff(y, axis=0)).max() > 0.1
    np.testing.assert_array_equal(u, np.stack([u[0]] * 3))
    assert np.abs(u[0] - vector_of(variables)).max() > 0


def test_a_gradient_penalty_goes_through():
    """The gradient of a linear critic x -> x w / |w| is w / |w|, whatever the size of w."""
    w, a = np.random.default_rng(1).normal(size=(2, 6, 1)).astype(np.float32)
    network = Network(nn.Dense(1, use_bias=False))

    def slope(w):
        variables = with_vector({"params": {"layer": {"kernel": w}}}, np.ones(1, np.float32))
        return jax.grad(lambda x: network.apply(variables, x, train=False).sum())(jnp.ones((1, 6)))[0]

    def both(w):
        return jax.grad(lambda w: jnp.square(slope(w)).sum())(w), jax.grad(lambda w: jnp.vdot(slope(w), a[:, 0]))(w)

    of_size, of_product = QUICK(both)(w)
    np.testing.assert_allclose(of_size, np.zeros((6, 1)), atol=1e-5)
    size = np.linalg.norm(w)
    np.testing.assert_allclose(of_product, (a - (a * w).sum() * w / size**2) / size, rtol=1e-4, atol=1e-5)


def test_a_kernel_of_zeros_stays_and_has_a_gradient():
    network, x = Network(nn.Dense(5, kernel_init=nn.initializers.zeros)), np.ones((2, 7), np.float32)
    variables = made(network.layer, x)
    y, u = trained(network, variables, x)
    loss = lambda v: network.apply(v, x, train=True, mutable=[COLLECTION])[0].sum()  # noqa: E731
    gradient = QUICK(jax.grad(loss))(variables)
    assert not np.asarray(y).any()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((u, gradient["params"])))


def test_bfloat16_iterates_in_float32(case):
    network, variables, x = case
    short = Network(network.layer.clone(dtype=jnp.bfloat16))
    y, u = trained(network, variables, x)
    short_y, short_u = trained(short, variables, x.astype(jnp.bfloat16))
    assert short_y.dtype == jnp.bfloat16
    np.testing.assert_array_equal(short_u, u)
    np.testing.assert_allclose(np.asarray(short_y, np.float32), y, atol=0.03)


@pytest.mark.parametrize("size", [1, 3])
def test_the_norm_of_a_convolution_is_not_that_of_its_kernel_and_at_most_the_root_of_its_places_larger(size):
    """Of the matrix that takes images to maps, a column for each image with a single 1; windows overlap."""
    kernel = np.random.default_rng(0).normal(size=(size, size, 2, 3)).astype(np.float32)
    kernel += 1  # of one sign, so that what overlapping windows say adds up
    units = np.eye(6 * 6 * 2, dtype=np.float32).reshape(-1, 6, 6, 2)
    layer = Conv(3, (size, size), use_bias=False)
    matrix = np.asarray(QUICK(lambda: layer.apply({"params": {"kernel": kernel}}, units))()).reshape(len(units), -1)
    norm, reshaped = np.linalg.svd(matrix, compute_uv=False)[0], largest(kernel)
    assert norm <= size * reshaped * (1 + 1e-5)
    if size == 1:
        assert norm == pytest.approx(reshaped, rel=1e-5)
    else:
        assert norm > 1.5 * reshaped, "a normalised convolution can still lengthen a map"


def test_a_vector_that_an_average_has_made_shorter_counts_as_a_unit_vector():
    layer, shape = LAYERS["dense"]
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    variables = made(layer, x)
    shorter = {**variables, COLLECTION: jax.tree.map(lambda u: 0.7 * u, variables[COLLECTION])}
    run = QUICK(lambda variables: Network(layer).apply(variables, x, train=False))
    np.testing.assert_allclose(run(shorter), run(variables), rtol=1e-5)
