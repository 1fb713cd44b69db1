"""Forms that XLA:CPU computes many times slower than others: they stay in `layers/`, which has the others."""

import ast

import pytest

from tests.imports_test import FILES, ids

pytestmark = pytest.mark.quick

SLOW = {
    "Conv": "a weight gradient inside scan takes 36 times as long as outside",
    "ConvTranspose": "so does this one",
    "ConvLocal": "one small product for each place",
    "conv": "as Conv",
    "conv_transpose": "as Conv",
    "conv_with_general_padding": "as Conv",
    "conv_general_dilated": "as Conv; with three dimensions six times as long for each operation as with two",
    "conv_general_dilated_local": "as ConvLocal",
    "conv_general_dilated_patches": "as Conv, and it multiplies by ones",
    "feature_group_count": "a depthwise convolution takes 40 times as long as shifted products",
    "batch_group_count": "as feature_group_count",
    "Dense": "a product of bfloat16 and its gradients are cast to float32 first",
    "DenseGeneral": "as Dense",
    "dot_product_attention": "as Dense",
}
"""Names of functions, classes and arguments of JAX and Flax, and what is slow about them in jax 0.10.2."""

OUTSIDE = [path for path in FILES if "layers" not in path.parts]


def used(tree):
    """Names that a file takes from outside of gengen, and the arguments that it gives by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword):
            yield node.arg
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("gengen"):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", OUTSIDE, ids=ids)
def test_only_the_layers_use_what_is_slow_on_a_cpu(path):
    for name in used(ast.parse(path.read_text(encoding="utf-8"))):
        assert name not in SLOW, f"{path}: {name}: {SLOW[name]}; gengen.networks.layers has another form"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_the_largest_numbers_are_found_among_float32(path):
    """`lax.top_k` sorts whole rows of integers, bfloat16 or float64, which takes hundreds of times as long."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in ("top_k", "approx_max_k", "approx_min_k"):
                assert ast.unparse(node.args[0]).endswith(".astype(jnp.float32)"), f"{path}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "source",
    [
        "lax.conv_general_dilated(x, w, (1, 1), 'SAME')",
        "from jax.lax import conv_transpose",
        "from flax.linen import Conv",
        "f(x, feature_group_count=8)",
    ],
)
def test_a_slow_form_is_found_however_it_is_written(source):
    assert set(used(ast.parse(source))) & set(SLOW)
    assert not set(used(ast.parse("from gengen.networks.layers.conv import Conv\nConv(3)(x)"))) & set(SLOW)
