"""gengen's convolutions equal flax's, on every path, in every order of differentiation."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gengen.networks.layers import convolutions, windows
from gengen.networks.layers.conv import Conv, ConvTranspose
from gengen.networks.layers.native_convolutions import native_convolution

EQUAL = functools.partial(chex.assert_trees_all_close, rtol=2e-5, atol=1e-4)
COMPILE = functools.partial(jax.jit, compiler_options={"xla_llvm_disable_expensive_passes": True})  # quick

# kernel size, strides, padding, image (height, width, channels), features
GRID = [
    ((4, 4), 2, "SAME", (8, 8, 3), 5),  # DCGAN
    ((4, 4), 2, ((1, 1), (1, 1)), (8, 6, 40), 3),
    ((4, 4), 1, "VALID", (4, 4, 6), 2),  # DCGAN's last layer: one window
    ((4, 4), 1, "VALID", (1, 1, 6), 2),  # DCGAN's first, transposed
    ((3, 3), 1, "SAME", (7, 6, 4), 5),
    ((3, 3), 2, "SAME", (7, 6, 4), 5),
    ((3, 3), 1, "VALID", (7, 6, 70), 5),  # wide slices: one product each
    ((3, 3), 2, "VALID", (7, 7, 1), 1),
    ((5, 3), (2, 1), "SAME", (9, 6, 3), 4),
    ((2, 5), (1, 2), ((0, 1), (3, 2)), (6, 8, 3), 4),
    ((5, 4), (3, 2), ((2, 0), (1, 3)), (10, 9, 2), 3),
    ((1, 1), 1, "SAME", (5, 5, 4), 3),
    ((1, 1), 2, "VALID", (5, 6, 4), 3),
    ((2, 2), 3, "SAME", (7, 8, 4), 3),  # steps larger than the kernel
    ((3, 3), 2, 1, (8, 8, 3), 4),
    ((4, 3), 2, ((-1, 2), (1, -1)), (9, 9, 3), 4),  # negative padding crops
]

GROUPED = [
    ((3, 3), 1, "SAME", (5, 6, 12), 9, 3),
    ((4, 3), 2, ((2, 1), (0, 1)), (6, 7, 4), 8, 2),
    ((3, 3), 1, "SAME", (4, 4, 5), 5, 5),  # one channel each
]
"""The same, and the number of groups."""


def _theirs(layer, strides):
    """The flax layer of the same fields."""
    if isinstance(layer, Conv):
        return nn.Conv(layer.features, layer.kernel_size, strides, layer.padding, use_bias=layer.use_bias)
    pair = (strides, strides) if isinstance(strides, int) else strides
    return nn.ConvTranspose(layer.features, layer.kernel_size, pair, layer.padding, use_bias=layer.use_bias)


def _run(layer, weight, variables, x):
    """Output and gradients of a scalar that weighs every output pixel differently."""
    loss = lambda variables, x: jnp.vdot(layer.apply(variables, x), weight)  # noqa: E731
    return layer.apply(variables, x), *jax.grad(loss, (0, 1))(variables, x)


def _case(kind, row, use_bias=True):
    """A layer, flax's twin, its variables, an input and a weight for the outputs; None where no output is left."""
    kernel_size, strides, padding, image, features = row
    layer = kind(features, kernel_size, strides, padding, use_bias)
    theirs = _theirs(layer, strides)
    draw = lambda shape: np.random.default_rng(0).normal(scale=0.3, size=shape).astype(np.float32)  # noqa: E731
    x = draw((2, *image))
    try:
        variables = jax.eval_shape(layer.init, jax.random.key(0), x)
    except ValueError:
        return None
    y = jax.eval_shape(theirs.apply, variables, x)
    return layer, theirs, jax.tree.map(lambda leaf: draw(leaf.shape), variables), x, draw(y.shape)


@pytest.mark.parametrize("row", GRID, ids=str)
@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_values_and_gradients_equal_flax(kind, row):
    case = _case(kind, row)
    if case is None:
        assert kind is Conv and row[3][:2] == (1, 1)  # a 4 x 4 kernel has no place on a 1 x 1 image
        return
    layer, theirs, variables, x, weight = case
    both = lambda variables, x: [_run(module, weight, variables, x) for module in (layer, theirs)]  # noqa: E731
    EQUAL(*COMPILE(both)(variables, x))


@pytest.mark.parametrize("cached", [1, 1 << 40], ids=["each image by itself", "all at once"])
@pytest.mark.parametrize("row", GROUPED, ids=str)
def test_groups_and_their_gradients_to_second_order_equal_flax(row, cached, monkeypatch):
    monkeypatch.setattr(convolutions, "CACHED", cached)
    kernel_size, strides, padding, image, features, groups = row
    layer = Conv(features, kernel_size, strides, padding, groups=groups)
    theirs = nn.Conv(features, kernel_size, (strides, strides), padding, feature_group_count=groups)
    draw = lambda shape: np.random.default_rng(0).normal(scale=0.3, size=shape).astype(np.float32)  # noqa: E731
    x = draw((2, *image))
    declared = [jax.eval_shape(module.init, jax.random.key(0), x) for module in (layer, theirs)]
    chex.assert_trees_all_equal_shapes(*declared)
    variables = jax.tree.map(lambda leaf: draw(leaf.shape), declared[0])
    weight = draw(jax.eval_shape(layer.apply, variables, x).shape)

    def run(module):
        def total(variables, x):
            return jnp.vdot(jnp.tanh(module.apply(variables, x)), weight)

        def penalty(variables, x):
            return jnp.square(jax.grad(total, 1)(variables, x)).sum()

        return module.apply(variables, x), *(jax.grad(f, (0, 1))(variables, x) for f in (total, penalty))

    EQUAL(*COMPILE(lambda: (run(layer), run(theirs)))(), rtol=2e-4)


def test_groups_in_bfloat16_are_those_of_float32_nearly_and_one_native_convolution_elsewhere():
    layer, x = Conv(8, (3, 3), groups=2), jax.random.normal(jax.random.key(0), (2, 4, 4, 12))
    variables, half = layer.init(jax.random.key(1), x), layer.clone(dtype=jnp.bfloat16)
    gradient = lambda module: jax.grad(lambda v: jnp.square(module.apply(v, x).astype(jnp.float32)).sum())(variables)  # noqa: E731
    chex.assert_trees_all_close(*COMPILE(lambda: (gradient(layer), gradient(half)))(), rtol=0.1, atol=0.3)
    lowered = jax.jit(layer.apply).trace(variables, x).lower(lowering_platforms=("cuda",)).as_text()
    assert lowered.count("convolution(") == 1
    assert "feature_group_count = 2" in lowered


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_parameters_equal_flax(kind):
    layer, x = kind(5, (3, 4), 2), jnp.ones((1, 6, 6, 2))
    ours, theirs = (jax.jit(module.init)(jax.random.key(3), x) for module in (layer, _theirs(layer, 2)))
    chex.assert_trees_all_equal(ours, theirs)
    assert set(kind(5, (3, 4), use_bias=False).init(jax.random.key(3), x)["params"]) == {"kernel"}


@pytest.mark.parametrize("row", [GRID[0], GRID[4]], ids=str)
@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_gradients_inside_scan(kind, row):
    layer, theirs, variables, x, weight = _case(kind, row, use_bias=False)

    def train(module):
        def step(variables, x):
            _, gradient, inner = _run(module, weight, variables, x)
            return jax.tree.map(lambda v, g: v - 0.01 * g, variables, gradient), inner

        return COMPILE(lambda variables: jax.lax.scan(step, variables, jnp.stack([x, 2 * x, -x])))(variables)

    EQUAL(train(layer), train(theirs))


@pytest.mark.parametrize("row", [GRID[0], GRID[2], GRID[6]], ids=str)
@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_gradient_penalty_has_the_same_gradient(kind, row):
    layer, theirs, variables, x, weight = _case(kind, row)

    def penalty(module, variables, x):
        norm = jax.grad(lambda x: jnp.vdot(jnp.tanh(module.apply(variables, x)), weight))(x)
        return jnp.sum(jnp.square(norm))

    def run(module):
        return COMPILE(jax.grad(functools.partial(penalty, module), (0, 1)))(variables, x)

    EQUAL(run(layer), run(theirs), rtol=2e-4, atol=2e-4)


def test_forward_mode():
    layer, theirs, variables, x, _ = _case(Conv, GRID[0])
    ours, other = (jax.jvp(functools.partial(m.apply, variables), (x,), (jnp.cos(x),)) for m in (layer, theirs))
    EQUAL(ours, other)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_bfloat16_is_as_close_to_float32_as_flax(kind):
    full, theirs, variables, x, weight = _case(kind, ((4, 4), 2, "SAME", (8, 8, 40), 6))
    half, theirs = full.clone(dtype=jnp.bfloat16), theirs.clone(dtype=jnp.bfloat16)
    run = lambda variables, x: [_run(m, weight.astype(m.dtype or x.dtype), variables, x) for m in (full, half, theirs)]  # noqa: E731
    exact, ours, others = COMPILE(run)(variables, x)
    assert ours[0].dtype == jnp.bfloat16
    chex.assert_trees_all_equal_dtypes(ours[1:], exact[1:])
    for a, b, c in zip(*map(jax.tree.leaves, (exact, ours, others)), strict=True):
        error, reference = (np.linalg.norm(np.asarray(half, np.float32) - a) / np.linalg.norm(a) for half in (b, c))
        assert error < max(0.01, 1.5 * reference)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("row", [GRID[0], GRID[2]], ids=str)
@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_products_on_cpu_and_native_elsewhere(kind, row, dtype):
    layer, _, variables, x, _ = _case(kind, row)
    loss = lambda variables, x: jnp.sum(jnp.square(layer.clone(dtype=dtype).apply(variables, x)))  # noqa: E731
    traced = jax.jit(jax.grad(loss, (0, 1))).trace(variables, x)
    convolutions = {p: traced.lower(lowering_platforms=(p,)).as_text().count("convolution(") for p in ("cpu", "cuda")}
    assert convolutions == {"cpu": 0, "cuda": 3}


@pytest.mark.parametrize("row", GRID, ids=str)
def test_products_and_native_convolutions_are_the_same_three_maps(row):
    window, strides, padding, (h, w, c), f = row
    strides = (strides, strides) if isinstance(strides, int) else strides
    if isinstance(padding, str):
        pads = tuple(jax.lax.padtype_to_pads((h, w), window, strides, padding))
    else:
        pads = ((padding, padding),) * 2 if isinstance(padding, int) else padding
    try:
        size = windows.output_size((h, w), window, strides, pads)
    except ValueError:
        return
    draw = lambda *shape: np.random.default_rng(0).normal(scale=0.3, size=shape).astype(np.float32)  # noqa: E731
    x, kernel, g = draw(2, h, w, c), draw(*window, c, f), draw(2, *size, f)
    settings = {"strides": strides, "pads": pads, "image": (h, w), "window": window, "groups": 1}
    settings |= {"dtype": jnp.dtype("float32")}
    for of, a, b in (("output", x, kernel), ("image", g, kernel), ("kernel", x, g)):
        ours, theirs = (
            COMPILE(functools.partial(run, of=of, **settings))(a, b)
            for run in (convolutions._as_products, native_convolution)
        )
        EQUAL(ours, theirs)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
@pytest.mark.parametrize(("columns", "memory"), [(1, 0), (10**6, 0), (1, 1 << 40)])
def test_grouping_and_memory_rule_change_nothing(kind, columns, memory, monkeypatch):
    layer, theirs, variables, x, weight = _case(kind, GRID[1])
    expected = COMPILE(functools.partial(_run, theirs, weight))(variables, x)
    monkeypatch.setattr(windows, "COLUMNS", columns)
    monkeypatch.setattr(windows, "NARROW", columns)
    monkeypatch.setattr(windows, "MEMORY", memory)
    EQUAL(COMPILE(functools.partial(_run, layer, weight))(variables, x), expected)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_no_images_become_no_images(kind):
    layer, x = kind(5, (3, 3), 2), jnp.ones((0, 6, 6, 2))
    variables = jax.eval_shape(layer.init, jax.random.key(0), x)
    y = jax.eval_shape(_theirs(layer, 2).apply, variables, x)
    ones, weight = (jax.tree.map(lambda leaf: jnp.ones(leaf.shape), tree) for tree in (variables, y))
    out, gradient, _ = COMPILE(functools.partial(_run, layer, weight))(ones, x)
    assert out.shape == y.shape
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradient))


def test_no_windows_are_kept_for_the_gradient():
    layer, x = Conv(8, (3, 3)), jnp.ones((2, 16, 16, 64))
    variables = jax.jit(layer.init)(jax.random.key(0), x)
    _, pullback = jax.vjp(lambda variables: layer.apply(variables, x), variables)
    kept = sum(leaf.size for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "size"))
    assert kept <= x.size + sum(leaf.size for leaf in jax.tree.leaves(variables))


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (Conv(2, (3, 3)), (8, 8, 3), "takes images"),
        (Conv(2, (3, 3), padding="REFLECT"), (1, 8, 8, 3), "REFLECT"),
        (Conv(2, (4, 4), padding="VALID"), (1, 3, 8, 3), "larger than an image"),
        (Conv(4, (3, 3), groups=2), (1, 8, 8, 3), "3 channels and 4 features do not fall into groups=2"),
        (Conv(4, (3, 3), groups=0), (1, 8, 8, 3), "groups=0"),
        (ConvTranspose(2, (3, 3)), (8, 3), "takes images"),
        (ConvTranspose(2, (3, 3), padding="CIRCULAR"), (1, 8, 8, 3), "CIRCULAR"),
        (ConvTranspose(2, (4, 4), padding=((0, 0), (0, 0))), (1, 2, 8, 3), "leaves no pixel"),
    ],
)
def test_refusals(layer, shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        layer.init(jax.random.key(0), jnp.ones(shape))
