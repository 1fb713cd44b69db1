"""TarFlow and Jet: both ways, their determinants, who looks at whom, and that ways of sampling agree."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.bijectors.causal import Causal, standardising
from gengen.networks.bijectors.patches import Patches, PatchReader
from gengen.networks.flows.jet import Jet, split
from gengen.networks.flows.tarflow import TarFlow
from gengen.networks.transformer import Transformer

SHAPE, CLASSES = (4, 6, 1), 3
SMALL = {"patch": 2, "width": 8, "heads": 2, "layers": 1}
FLOWS = {
    "parallel": TarFlow(SHAPE, CLASSES, **SMALL, blocks=2, sampling="parallel", tolerance=1e-6),
    "jet": Jet(SHAPE, CLASSES, **SMALL, couplings=2),
    "sequential": TarFlow(SHAPE, CLASSES, **SMALL, blocks=2, sampling="sequential"),
}


def data(size=3):
    return _normal(np.random.default_rng(7), (size, *SHAPE))


def told(size=3, first=0):
    return np.eye(CLASSES, dtype=np.float32)[(first + np.arange(size)) % CLASSES]


@functools.partial(jax.jit, static_argnums=(0, 1))
def run(flow, method, variables, x, context):
    return flow.apply(variables, x, context, method=method)


@functools.cache
def made(flow, moved=0.1):
    """Parameters that have left the identity."""
    drawn = jax.jit(lambda x: flow.init(jax.random.key(0), x, told(), method="encode"))(data())["params"]
    rng = np.random.default_rng(1)
    return {"params": jax.tree.map(lambda leaf: np.asarray(leaf) + moved * _normal(rng, leaf.shape), drawn)}


def _normal(rng, shape):
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture(params=FLOWS)
def flow(request):
    return FLOWS[request.param]


@pytest.mark.slow
def test_it_begins_as_the_identity(flow):
    latents, log_det = run(flow, "encode", made(flow, 0.0), data(), told())
    assert latents.shape == (3, flow.size)
    np.testing.assert_allclose(np.sort(latents), np.sort(data().reshape(3, -1)), atol=1e-6)
    np.testing.assert_allclose(log_det, 0, atol=1e-6)


def test_both_ways_undo_each_other(flow):
    latents, log_det = run(flow, "encode", made(flow), data(), told())
    back, inverse = run(flow, "decode", made(flow), latents, told())
    np.testing.assert_allclose(back, data(), atol=1e-5)
    np.testing.assert_allclose(inverse, -log_det, atol=1e-4)
    assert np.abs(log_det).min() > 0.1


def test_determinants_are_those_of_the_jacobians(flow):
    @jax.jit
    def jacobians(variables, x, context):
        def way(method):
            def one(x):
                return flow.apply(variables, x[None], context, method=method)[0].reshape(-1)

            return lambda x: jnp.linalg.slogdet(jax.jacfwd(one)(x).reshape(flow.size, flow.size))[1]

        latents, log_det = flow.apply(variables, x, context, method="encode")
        _, inverse = flow.apply(variables, latents, context, method="decode")
        return way("encode")(x[0]), log_det[0], way("decode")(latents[0]), inverse[0]

    forth, log_det, back, inverse = jacobians(made(flow), data(1), told(1))
    assert float(forth) == pytest.approx(float(log_det), abs=1e-4)
    assert float(back) == pytest.approx(float(inverse), abs=1e-4)


def test_a_class_changes_latents_and_samples(flow):
    for method, x in (("encode", data()), ("decode", data().reshape(3, -1))):
        one, other = (np.asarray(run(flow, method, made(flow), x, told(first=first))[0]) for first in (0, 1))
        assert (np.abs(one - other).reshape(3, -1).max(1) > 1e-2).all()


def test_ways_of_sampling_agree():
    latents, variables = _normal(np.random.default_rng(3), (3, 24)), made(FLOWS["parallel"])
    samples = [run(FLOWS[name], "decode", variables, latents, told())[0] for name in ("parallel", "sequential")]
    np.testing.assert_allclose(*samples, atol=1e-4)


@pytest.mark.parametrize("window", [1, 2, 4])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_patch_depends_on_itself_and_on_earlier_ones_alone(backwards, window):
    length, numbers = 4, 2
    reader = PatchReader(Transformer(8, 2, 2), length, 2)
    layer = Causal(reader, standardising(), backwards, window, 0.0)
    x = _normal(np.random.default_rng(0), (1, length, numbers))
    shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), x, method="encode"))
    rng = np.random.default_rng(1)
    variables = jax.tree.map(lambda leaf: 0.4 * _normal(rng, leaf.shape), shapes)

    @jax.jit
    def both(x):
        ways = [lambda x, m=m: layer.apply(variables, x[None], method=m)[0][0] for m in ("encode", "decode")]
        return [jnp.abs(jax.jacfwd(way)(x)) for way in ways]

    expected = np.tril(np.ones((length, length), bool))
    for found in map(np.asarray, both(x[0])):
        np.testing.assert_array_equal(found.max((1, 3)) > 1e-6, expected.T if backwards else expected)
        for patch in range(length):
            assert not found[patch, :, patch][~np.eye(numbers, dtype=bool)].any()


def test_patches_are_in_reading_order():
    picture = jnp.arange(2 * 4 * 2, dtype=jnp.float32).reshape(1, 2, 4, 2)
    patches, _ = Patches((2, 4, 2), 2).apply({}, picture, method="encode")
    np.testing.assert_array_equal(patches[0, 0], [0, 1, 2, 3, 8, 9, 10, 11])
    np.testing.assert_array_equal(Patches((2, 4, 2), 2).apply({}, patches, method="decode")[0], picture)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_what_one_coupling_holds_the_next_one_moves(place):
    first, second = (np.asarray(split(6, 4, 3, place + odd)) for odd in (0, 1))
    assert first.sum() == 12
    np.testing.assert_array_equal(first, ~second)


@pytest.mark.parametrize(("wrong", "says"), [({"patch": 3}, "patch=3"), ({"heads": 3}, "heads=3 must divide width=8")])
def test_sizes_that_do_not_go_together_are_refused(flow, wrong, says):
    with pytest.raises(ValueError, match=says):
        jax.eval_shape(lambda x: flow.clone(**wrong).init(jax.random.key(0), x, told(), method="encode"), data())
