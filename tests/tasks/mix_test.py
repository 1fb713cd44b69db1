"""Styles of two samples mixed: of a model whose three layers are three pixels of its pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.tasks.mix import PARTS, mixtures, parts_of

BLACK = np.zeros((8, 1, 3, 1), np.uint8)


def layered(layers=3):
    """Pixel k is the first number of the style of layer k, which is the same in all layers of a sample."""

    def prior(key, variables, n, condition=None):
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n))
        style = jax.vmap(lambda key: jax.random.uniform(key, (2,), minval=-1.0))(keys)
        return jnp.repeat(style[:, None], layers, axis=1)

    def decode(key, variables, latents, condition=None):
        return latents[:, None, :, :1]

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), {"generator": {"params": {}}}, {})

    def step(key, state, batch, *, phase=None):
        return state, {}

    return GenerativeModel(init, step, prior=prior, decode=decode, layered=True)


@pytest.mark.quick
def test_each_part_is_of_the_picture_above_and_all_others_of_that_at_the_left(looked, sheets):
    path = looked("mix", layered(), BLACK, num=2)
    with np.load(path.with_suffix(".npz")) as arrays:
        left, above, mixed = arrays["left"], arrays["above"], arrays["mixed"]
        assert list(arrays["parts"]) == list(PARTS)
    assert mixed.shape == (3, 2, 2, 1, 3, 1)
    for part in range(3):
        for row in range(2):
            for column in range(2):
                expected = left[row].copy()
                expected[:, part] = above[column][:, part]
                np.testing.assert_array_equal(mixed[part, row, column], expected)
    assert [len(block.cells) for block in sheets[0].blocks] == [9, 9, 9]


@pytest.mark.parametrize("layers", [2, 3, 8, 18])
def test_each_layer_belongs_to_one_part_in_order(layers):
    places = [place for part in parts_of(layers) for place in range(layers)[part]]
    assert places == list(range(layers))
    left, above = np.zeros((1, layers, 2)), np.ones((1, layers, 2))
    assert sum(mixtures(left, above, part).sum() for part in parts_of(layers)) == 2 * layers


def test_a_model_without_layers_of_styles_is_refused_in_a_sentence(looked):
    with pytest.raises(Refusal, match="nothing can be mixed"):
        looked("mix", layered()._replace(layered=False), BLACK, num=2)
