"""Networks that grow: each level is the one below, larger, until it is faded in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.downsample import average_pooled
from gengen.networks.layers.upsample import nearest
from gengen.networks.progan import GROWTH, LEVEL, NOW, Critic, Generator, has_a_part

GENERATOR = Generator((16, 16, 2), width=8, wide=2)
CRITIC = Critic(width=8, wide=2)
LATENT = jax.random.normal(jax.random.key(0), (4, 5))
IMAGES = jax.random.normal(jax.random.key(1), (4, 16, 16, 2))


@pytest.fixture(scope="module")
def variables():
    """Of both networks."""
    generator = jax.jit(lambda: GENERATOR.init(jax.random.key(2), LATENT, train=False))()
    critic = jax.jit(lambda: CRITIC.init(jax.random.key(3), IMAGES, train=False))()
    return {"generator": generator, "critic": critic}


def at(variables, growth):
    return {**variables, GROWTH: {NOW: jnp.int32(growth * LEVEL)}}


def made(variables, growth, level=None):
    network = GENERATOR.clone(level=level)
    return np.asarray(network.apply(at(variables["generator"], growth), LATENT, train=True))


def judged(variables, growth, images, **changed):
    return CRITIC.clone(**changed).apply(at(variables["critic"], growth), images, train=True)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_levels_that_have_not_begun_make_the_same_image_larger(variables, level):
    small = made(variables, level, level)
    assert small.shape == (4, *[4 * 2**level] * 2, 2)
    for _ in range(2 - level):
        small = nearest(small)
    np.testing.assert_allclose(made(variables, level), small, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_levels_that_have_not_begun_judge_the_image_that_is_halved(variables, level):
    images = IMAGES
    for _ in range(2 - level):
        images = average_pooled(images)
    of_level, of_all = judged(variables, level, images), judged(variables, level, IMAGES)
    np.testing.assert_allclose(of_all.logit, of_level.logit, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(of_all.features, of_level.features, rtol=1e-4, atol=1e-5)


def test_a_level_is_faded_in_as_it_grows(variables):
    """Images are on a straight line between the two levels; a critic's logit leaves that of the level below."""
    below, half, above = (made(variables, growth) for growth in (1, 1.5, 2))
    np.testing.assert_allclose(half, (below + above) / 2, rtol=1e-4, atol=1e-5)
    assert np.abs(above - below).mean() > 0.1
    logits = [judged(variables, growth, IMAGES).logit for growth in (1, 1 + 2 / LEVEL, 1.5, 2)]
    np.testing.assert_allclose(logits[1], logits[0], atol=1e-3)
    assert np.abs(np.diff(np.stack(logits[1:]), axis=0)).min() > 1e-4


@pytest.mark.parametrize("level", [0, 1, 2])
def test_parameters_without_a_part_in_a_level_have_no_gradient_and_all_others_have_one(variables, level):
    growth = max(level - 0.5, 0)

    def of_images(params):
        network, known = GENERATOR.clone(level=level), at({"params": params}, growth)
        return jnp.square(network.apply(known, LATENT, train=True)).sum()

    def of_logits(params):
        images = IMAGES
        for _ in range(2 - level):
            images = average_pooled(images)
        return jnp.square(CRITIC.apply(at({"params": params}, growth), images, train=True).logit).sum()

    for name, loss in (("generator", of_images), ("critic", of_logits)):
        slopes = jax.grad(loss)(variables[name]["params"])
        for part, found in slopes.items():
            moves = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(found)) > 0
            assert moves == has_a_part(part, level), part


def test_a_deviation_sees_the_group_and_without_it_images_are_judged_alone(variables):
    alone = CRITIC.clone(deviation=False)
    assert alone.judges_alone and not CRITIC.judges_alone and CRITIC.allows_gradient_penalties
    known = jax.jit(lambda: alone.init(jax.random.key(3), IMAGES, train=False))()
    first = alone.apply(at(known, 2), IMAGES, train=True).logit
    np.testing.assert_allclose(alone.apply(at(known, 2), IMAGES[:2], train=True).logit, first[:2], atol=1e-5)
    changed = IMAGES.at[3].multiply(3)
    assert np.abs(judged(variables, 2, changed).logit[0] - judged(variables, 2, IMAGES).logit[0]) > 1e-4
    with pytest.raises(ValueError, match="none of these divides 5"):
        judged(variables, 2, jnp.zeros((5, 16, 16, 2)))


def test_products_of_bfloat16_give_nearly_the_same(variables):
    exact = made(variables, 2)
    rounded = GENERATOR.clone(dtype=jnp.bfloat16).apply(at(variables["generator"], 2), LATENT, train=True)
    assert rounded.dtype == jnp.float32
    assert np.abs(rounded - exact).mean() < 0.03 * np.abs(exact).mean()
    logit = judged(variables, 2, IMAGES, dtype=jnp.bfloat16).logit
    assert np.abs(logit - judged(variables, 2, IMAGES).logit).max() < 0.05


def test_images_are_cut_off_where_they_are_looked_at(variables):
    shown = GENERATOR.apply(at(variables["generator"], 2), LATENT, train=False)
    np.testing.assert_allclose(shown, np.clip(made(variables, 2), -1, 1))
    assert np.abs(shown).max() == 1
