"""What a text says depends on its words and on their order, and not on what fills it up."""

import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.text_encoder import NEAR, TextEncoder, neighbours


def test_a_token_sees_itself_and_those_near_it_of_its_own_text_alone():
    x = np.arange(1.0, 13.0, dtype=np.float32).reshape(2, 6, 1)
    present = np.array([[True] * 6, [True] * 4 + [False] * 2])
    rows = np.asarray(neighbours(x, present))
    assert rows.shape == (2, 6, 2 * NEAR + 1)
    np.testing.assert_array_equal(rows[0, 0], [0, 0, 1, 2, 3])
    np.testing.assert_array_equal(rows[0, 3], [2, 3, 4, 5, 6])
    np.testing.assert_array_equal(rows[1, 3], [8, 9, 10, 0, 0])  # what fills up is nothing


def test_order_counts_from_the_first_step_and_filling_never_does():
    encoder = TextEncoder(8, 7, layers=1, heads=2)
    texts = jnp.array([[1, 2, 3, 0], [3, 2, 1, 0]])
    variables = encoder.init(jax.random.key(0), texts)
    said = encoder.apply(variables, texts)
    assert float(jnp.abs(said.whole[0] - said.whole[1]).max()) > 0.1
    longer = encoder.apply(variables, jnp.pad(texts, ((0, 0), (0, 3))))
    np.testing.assert_allclose(longer.whole, said.whole, atol=1e-5)
    np.testing.assert_allclose(longer.tokens[:, :3], said.tokens[:, :3], atol=1e-5)
