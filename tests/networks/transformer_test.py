"""The prior over codes: what it may look at, that remembering changes nothing, and that draws follow its chances."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.forward import eval_mode, init_network
from gengen.networks.transformer import CodePrior, Transformer, draw_codes, log_probability

SIZE, HEIGHT, WIDE, K, CLASSES = 3, 2, 3, 5, 4
PRIORS = {
    "plain": CodePrior(Transformer(8, 2, 2), K),
    "told": CodePrior(Transformer(8, 2, 2, CLASSES), K),
}


def codes(seed=0):
    return np.random.default_rng(seed).integers(0, K, (SIZE, HEIGHT, WIDE)).astype(np.int32)


@functools.partial(jax.jit, static_argnums=0)
def logits_of(prior, variables, *inputs):
    """Logits [B, T, K] in reading order."""
    return eval_mode(prior, variables, *inputs).reshape(len(inputs[0]), -1, K)


def labels(prior, first=0):
    return ((first + np.arange(SIZE, dtype=np.int32)) % CLASSES,) if prior.body.classes else ()


def made(prior, *inputs, scale=1.0):
    """First variables, all drawn alike: scales and biases as well, so that nothing cancels."""
    shapes = jax.eval_shape(lambda key: init_network(prior, key, *inputs), jax.random.key(0))
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: (scale * rng.normal(size=leaf.shape)).astype(np.float32), shapes)


@pytest.fixture(params=PRIORS)
def prior(request):
    return PRIORS[request.param]


@pytest.fixture
def variables(prior):
    return made(prior, codes(), *labels(prior))


def test_logits_depend_on_earlier_codes_alone(prior, variables):
    before = logits_of(prior, variables, codes(), *labels(prior))
    assert before.dtype == jnp.float32
    for place in range(HEIGHT * WIDE):
        changed = codes().reshape(SIZE, -1)
        changed[:, place] = (changed[:, place] + 1) % K
        after = logits_of(prior, variables, changed.reshape(codes().shape), *labels(prior))
        moved = np.abs(np.asarray(after) - np.asarray(before)).max((0, 2))
        assert not moved[: place + 1].any()
        assert (moved[place + 1 :] > 1e-3).all()


def test_examples_do_not_look_at_each_other(prior, variables):
    whole = logits_of(prior, variables, codes(), *labels(prior))
    alone = logits_of(prior, variables, codes()[1:2], *(label[1:2] for label in labels(prior)))
    np.testing.assert_allclose(np.asarray(alone)[0], np.asarray(whole)[1], rtol=1e-4, atol=1e-5)


def test_every_place_hears_of_the_class():
    prior = PRIORS["told"]
    variables = made(prior, codes(), *labels(prior), scale=0.3)
    one, other = (logits_of(prior, variables, codes(), *labels(prior, first)) for first in (0, 1))
    assert (np.abs(np.asarray(one) - np.asarray(other)).max(-1) > 1e-3).all()


def test_remembering_gives_the_logits_of_reading_everything_again(prior, variables):
    past, told = prior.body.nothing(SIZE, HEIGHT * WIDE), labels(prior)
    step = jax.jit(lambda past, place: prior.apply(variables, codes(), *told, train=False, past=past, place=place))
    expected = np.asarray(logits_of(prior, variables, codes(), *told))
    for place in range(HEIGHT * WIDE):
        logits, past = step(past, np.int32(place))
        np.testing.assert_allclose(logits, expected[:, place], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("label", [None, 1])
def test_draws_are_as_frequent_as_the_chances_of_every_map_say(label):
    draws = 6000
    prior = CodePrior(Transformer(4, 2, 1, CLASSES if label else 0), 3)
    every = np.asarray(list(itertools.product(range(3), repeat=2)), np.int32).reshape(-1, 1, 2)

    def told(size):
        return () if label is None else (np.full((size,), label, np.int32),)

    variables = made(prior, every, *told(9), scale=0.7)
    nats = jax.jit(lambda variables: log_probability(eval_mode(prior, variables, every, *told(9)), every))(variables)
    chances = np.exp(np.asarray(nats, np.float64).sum((1, 2)))
    assert chances.sum() == pytest.approx(1, abs=1e-5)
    assert chances.max() > 3 * chances.min()
    keys = jax.random.split(jax.random.key(2), draws)
    drawn = np.asarray(jax.jit(lambda: draw_codes(prior, variables, keys, *told(draws)))()).reshape(draws, 2)
    shares = np.bincount(3 * drawn[:, 0] + drawn[:, 1], minlength=9) / draws
    # Pearson's statistic of 8 degrees of freedom lies below 26.1 in 999 of 1,000 cases.
    assert draws * ((shares - chances) ** 2 / chances).sum() < 26.1


def test_a_draw_depends_on_its_key_and_its_class_alone(prior, variables):
    keys = jax.random.split(jax.random.key(3), SIZE)
    draw = jax.jit(lambda keys, *told: draw_codes(prior, variables, keys, *told))
    whole = draw(keys, *labels(prior))
    assert (whole.shape, whole.dtype) == ((SIZE, HEIGHT, WIDE), jnp.int32)
    np.testing.assert_array_equal(draw(keys[2:], *(label[2:] for label in labels(prior))), np.asarray(whole)[2:])
    assert len(np.unique(np.asarray(whole), axis=0)) > 1


def test_log_probabilities_are_those_of_the_softmax():
    logits, code = np.random.default_rng(0).normal(size=(2, 3, K)), np.asarray([[0, 4, 2], [1, 1, 3]], np.int32)
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = np.log(np.take_along_axis(chances, code[..., None], -1)[..., 0])
    np.testing.assert_allclose(
        log_probability(jnp.asarray(logits, jnp.float32), jnp.asarray(code)), expected, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"width": 0}, "width=0"),
        ({"layers": 0}, "layers=0"),
        ({"width": 10, "heads": 3}, "heads=3 must divide width=10"),
        ({"classes": 1}, "classes=1"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(wrong, says):
    prior = CodePrior(Transformer(**wrong), K)
    with pytest.raises(ValueError, match=says):
        jax.eval_shape(lambda key: init_network(prior, key, codes()), jax.random.key(0))


def test_bfloat16_computes_close_to_float32(prior):
    variables = jax.jit(lambda: init_network(prior, jax.random.key(0), codes(), *labels(prior)))()
    short = CodePrior(prior.body.clone(dtype=jnp.bfloat16), K)
    both = jax.jit(lambda: [eval_mode(network, variables, codes(), *labels(prior)) for network in (prior, short)])
    exact, rounded = both()
    assert rounded.dtype == jnp.float32
    np.testing.assert_allclose(rounded, exact, atol=0.1)
    keys = jax.random.split(jax.random.key(0), SIZE)
    drawn = jax.eval_shape(lambda variables: draw_codes(short, variables, keys, *labels(prior)), variables)
    assert (drawn.shape, drawn.dtype) == (codes().shape, jnp.int32)
