import jax
import jax.numpy as jnp
import numpy as np

from gengen.samplers.guidance import guided, limited
from gengen.samplers.predictions import converted
from gengen.samplers.probability_paths import PATHS
from tests.samplers.exact import of_mixture

PATH = PATHS["cosine"]
BETTER, WORSE = of_mixture(PATH, [[1.0, 2.0]], [1.0], 0.3), of_mixture(PATH, [[-1.0, 0.0]], [1.0], 0.9)
X, T = jax.random.normal(jax.random.key(0), (4, 2)), jnp.array([0.1, 0.3, 0.7, 1.0])


def test_weights_0_and_1_are_the_denoisers_themselves():
    np.testing.assert_array_equal(guided(BETTER, WORSE, 0.0)(X, T), WORSE(X, T))
    np.testing.assert_array_equal(guided(BETTER, WORSE, 1.0)(X, T), BETTER(X, T))


def test_guidance_goes_on_from_worse_through_better_whatever_is_predicted():
    np.testing.assert_allclose(guided(BETTER, WORSE, 3.0)(X, T), 3 * BETTER(X, T) - 2 * WORSE(X, T), rtol=1e-5)
    x, t = X[:3], T[:3]
    scores = [converted(of(x, t), "data", "score", PATH, x, t) for of in (BETTER, WORSE, guided(BETTER, WORSE, 3.0))]
    np.testing.assert_allclose(scores[2], 3 * scores[0] - 2 * scores[1], rtol=1e-3, atol=1e-3)


def test_guidance_keeps_to_its_interval_and_takes_a_weight_for_each():
    answers = guided(BETTER, WORSE, 2.0, (0.3, 0.7))(X, T)
    np.testing.assert_array_equal(answers[jnp.array([0, 3])], BETTER(X, T)[jnp.array([0, 3])])
    np.testing.assert_array_equal(answers[1:3], guided(BETTER, WORSE, 2.0)(X, T)[1:3])
    each = guided(BETTER, WORSE, jnp.array([0.0, 1.0, 2.0, 5.0]))(X, T)
    np.testing.assert_array_equal(each[2], guided(BETTER, WORSE, 2.0)(X, T)[2])
    np.testing.assert_array_equal(each[0], WORSE(X, T)[0])


def test_limits_hold_and_change_nothing_within():
    wide, narrow = limited(BETTER, -9.0, 9.0)(X, T), limited(BETTER, -1.0, 1.0)(X, T)
    np.testing.assert_array_equal(wide, BETTER(X, T))
    assert jnp.abs(narrow).max() == 1
