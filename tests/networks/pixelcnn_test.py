"""The gated PixelCNN: what depends on what, and that bit by bit it says the same as in one pass."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.pixelcnn import PixelCNN, Predictions, draw

SIZE, CLASSES, P = 2, 3, 2
NETWORKS = {
    "grey": Predictions(PixelCNN((6, 5, 1), width=6, dilations=(1, 2), reach=2, hidden=16), P),
    "colour": Predictions(PixelCNN((4, 4, 3), width=6, dilations=(2, 1), reach=1, hidden=16, waves=(0,)), P),
    "told": Predictions(PixelCNN((6, 5, 1), width=6, dilations=(1, 2), reach=2, hidden=16, classes=CLASSES), P),
}


def maps(network, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(SIZE, *network.body.shape)), jnp.float32)


def context(network, first=0):
    return jax.nn.one_hot((first + jnp.arange(SIZE)) % CLASSES, CLASSES) if network.body.classes else None


@functools.cache
def made(name):
    """First variables, all drawn alike, so that nothing is 0."""
    network = NETWORKS[name]
    shapes = jax.eval_shape(network.init, jax.random.key(0), maps(network), context(network))
    leaves, structure = jax.tree.flatten(shapes)
    drawn = np.random.default_rng(1)
    return structure.unflatten([jnp.asarray(0.4 * drawn.normal(size=leaf.shape), jnp.float32) for leaf in leaves])


@functools.partial(jax.jit, static_argnums=0)
def said(name, variables, x, told):
    return NETWORKS[name].apply(variables, x, told)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_number_hears_of_all_numbers_before_it_that_are_in_reach_and_of_no_others(name):
    network, variables = NETWORKS[name], made(name)
    told, size = context(network), int(np.prod(network.body.shape))
    one = None if told is None else told[:1]

    @jax.jit
    @jax.vmap
    def matrices(x):
        def flat(x):
            return network.apply(variables, x[None], one).reshape(-1, P).sum(-1)

        return jax.jacrev(flat)(x).reshape(size, size)

    several = jnp.concatenate([maps(network, seed) for seed in range(4)])  # at one alone, all ReLUs may be off
    matrix = abs(np.asarray(matrices(several))).sum(0)
    assert not np.triu(matrix).any()
    rows, columns, _ = (place.ravel() for place in np.indices(network.body.shape))
    above, aside = rows[:, None] - rows[None], columns[:, None] - columns[None]
    near = (above <= network.body.reach) & (abs(aside) <= network.body.reach)
    before = np.tril(np.ones((size, size), bool), -1)
    assert (matrix[near & before] != 0).all()
    far = (above <= 3) & (abs(aside) <= 3)  # by dilated layers on top
    assert (matrix[far & before] != 0).mean() > 0.95


@pytest.mark.parametrize("name", NETWORKS)
def test_drawn_number_by_number_parameters_are_those_of_one_pass(name):
    network, variables = NETWORKS[name], made(name)
    noise = maps(network, 2).reshape(SIZE, -1)

    def choose(parameters, place):
        assert parameters.shape == (SIZE, P)
        return jnp.tanh(parameters[:, 0]) + noise[:, place] * jnp.exp(0.3 * parameters[:, 1])

    drawn = jax.jit(lambda told: draw(network, variables, choose, SIZE, told))(context(network))
    parameters = said(name, variables, drawn, context(network)).reshape(SIZE, -1, P)
    again = jnp.tanh(parameters[..., 0]) + noise * jnp.exp(0.3 * parameters[..., 1])
    np.testing.assert_allclose(drawn.reshape(SIZE, -1), again, atol=1e-5)
    assert np.asarray(parameters).std() > 0.1


def test_every_number_hears_of_the_class_and_no_example_of_another():
    network, variables = NETWORKS["told"], made("told")
    one, other = (said("told", variables, maps(network), context(network, first)) for first in (0, 1))
    assert (abs(np.asarray(one - other)).max(-1) > 1e-4).all()
    alone = said("told", variables, maps(network)[1:], context(network)[1:])
    np.testing.assert_allclose(alone[0], one[1], atol=1e-5)


@pytest.mark.slow
def test_at_first_nothing_is_said():
    network = NETWORKS["colour"]
    variables = network.init(jax.random.key(0), maps(network))
    assert not np.asarray(said("colour", variables, maps(network), None)).any()
