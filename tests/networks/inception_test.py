"""The Inception-v3 of the public scores equals torch-fidelity's, whose numbers for random weights are stored."""

import json
import pathlib
import runpy
import types

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks import inception, inception_weights
from gengen.networks.inception import Inception, network_input, resize_like_tensorflow_1
from gengen.networks.inception_blocks import average_pool

REFERENCE = pathlib.Path(__file__).parent.parent / "reference"
QUICK = {"xla_backend_optimization_level": 0}  # XLA's optimisations take longer than they save here


@pytest.fixture(scope="module")
def reference():
    return json.loads((REFERENCE / "inception.json").read_text())


@pytest.fixture(scope="module")
def drawn():
    """How the script that wrote the reference draws weights and images."""
    return types.SimpleNamespace(**runpy.run_path(str(REFERENCE / "inception.py")))


@pytest.fixture(scope="module")
def state(drawn):
    return drawn.draw_state(inception_weights.state_shapes())


@pytest.fixture(scope="module")
def variables(state):
    return inception_weights.variables_of(state)


@pytest.fixture(scope="module")
def output(variables, drawn):
    """What the network says of the reference's images, all resized and in one batch: one program to compile."""
    images = drawn.draw_images(drawn.SIZES)
    batch = jnp.concatenate([resize_like_tensorflow_1(image[None], (299, 299)) for image in images])
    return jax.device_get(jax.jit(Inception().apply, compiler_options=QUICK)(variables, batch))


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "step"), [("features", 64), ("logits", 36), ("logits_unbiased", 36)])
def test_the_network_is_torch_fidelitys(name, step, output, reference):
    ours = getattr(output, name).astype(np.float64)
    assert ours.shape == (len(reference["images"]), {"features": 2048}.get(name, 1008))
    for row, theirs in zip(ours, reference["images"], strict=True):
        norm = theirs[f"{name}_norm"]
        np.testing.assert_allclose(row[::step], theirs[name], rtol=1e-5, atol=1e-5 * norm / np.sqrt(row.size))
        assert np.linalg.norm(row) == pytest.approx(norm, rel=1e-5)


def test_features_have_torch_fidelitys_mean(output, reference):
    means = [image["features_mean"] for image in reference["images"]]
    np.testing.assert_allclose(output.features.mean(1), means, rtol=1e-5)


def test_the_reference_tells_images_apart(reference):
    """Were all features alike, whatever the image, the comparison would say nothing about the first layers."""
    features = np.array([image["features"] for image in reference["images"]])
    alive = features.mean(0) > 0
    assert alive.mean() > 0.8
    assert (features.std(0) > 0.01 * features.mean(0))[alive].all()


def test_logits_differ_by_the_bias_alone(output, state):
    bias = np.broadcast_to(state["fc.bias"], output.logits.shape)
    np.testing.assert_allclose(output.logits - output.logits_unbiased, bias, atol=1e-4)


def test_resizing_is_torch_fidelitys(reference, drawn):
    for image, theirs in zip(drawn.draw_images(drawn.SIZES), reference["images"], strict=True):
        ours = resize_like_tensorflow_1(image[None], (299, 299))[0, ::37, ::43]
        np.testing.assert_allclose(ours.ravel(), theirs["resized"], rtol=1e-6, atol=1e-5)
    small = drawn.draw_images([case["from"] for case in reference["resized"]])
    for image, case in zip(small, reference["resized"], strict=True):
        ours = resize_like_tensorflow_1(image[None], tuple(case["to"]))
        assert ours.shape == (1, *case["to"], 3) and ours.dtype == jnp.float32
        np.testing.assert_allclose(ours.ravel(), case["image"], rtol=1e-6, atol=1e-5)


def test_resizing_counts_from_the_first_pixel():
    ramp = np.arange(4, dtype=np.uint8).reshape(1, 1, 4, 1)
    doubled = resize_like_tensorflow_1(ramp, (2, 8))
    np.testing.assert_array_equal(doubled[0, :, :, 0], [[0, 0.5, 1, 1.5, 2, 2.5, 3, 3]] * 2)
    halved = resize_like_tensorflow_1(ramp, (1, 2))
    np.testing.assert_array_equal(halved[0, 0, :, 0], [0, 2])
    np.testing.assert_array_equal(resize_like_tensorflow_1(ramp, (1, 4)), ramp.astype(np.float32))


def test_the_first_layer_sees_resized_pixels_around_zero():
    image = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), np.uint8)
    image[0, 0, 0] = 0, 128, 192
    seen = network_input(image)
    np.testing.assert_array_equal(seen[0, 0, 0], [-1, 0, 0.5])
    np.testing.assert_allclose(seen, (resize_like_tensorflow_1(image, (299, 299)) - 128) / 128, atol=1e-6)
    np.testing.assert_array_equal(network_input(image.astype(np.float32)), seen)


def test_grey_images_are_three_equal_channels():
    grey = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 1), np.uint8)
    np.testing.assert_array_equal(network_input(grey), network_input(np.repeat(grey, 3, -1)))


@pytest.mark.parametrize("shape", [(2, 8, 8, 2), (8, 8, 3), (2, 3, 8, 8)])
def test_other_arrays_are_refused(shape):
    with pytest.raises(ValueError, match="takes images"):
        jax.eval_shape(network_input, jax.ShapeDtypeStruct(shape, jnp.uint8))


def test_the_pool_averages_the_pixels_that_exist():
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
    ours = average_pool(jnp.asarray(x))
    for i in range(4):
        for j in range(5):
            window = x[:, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            np.testing.assert_allclose(ours[:, i, j], window.mean((1, 2)), atol=1e-6)


def test_products_are_of_full_float32_on_every_platform(variables):
    """A GPU rounds factors to 10 bits unless it is told not to; the program says so wherever it is made."""
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.uint8)
    text = jax.jit(Inception().apply).trace(variables, images).lower(lowering_platforms=("cuda",)).as_text()
    precisions = [line for line in text.splitlines() if "stablehlo.convolution" in line or "dot_general" in line]
    assert len(precisions) == 94 + 1
    assert all(line.count("HIGHEST") == 2 or "precision = [HIGHEST, HIGHEST]" in line for line in precisions)


def test_the_variables_are_the_modules_own(variables):
    images = jax.ShapeDtypeStruct((1, 8, 8, 1), jnp.uint8)
    own = jax.eval_shape(Inception().init, jax.eval_shape(lambda: jax.random.key(0)), images)
    chex.assert_trees_all_equal_shapes_and_dtypes(variables, own)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == 23_833_744


def test_missing_and_misshapen_arrays_are_named(state):
    lacking = {name: array for name, array in state.items() if name != "Mixed_6b.branch7x7_2.bn.running_var"}
    with pytest.raises(ValueError, match=r"lack Mixed_6b\.branch7x7_2\.bn\.running_var$"):
        inception_weights.variables_of(lacking)
    with pytest.raises(ValueError, match=r"lack .* and 469 more$"):
        inception_weights.variables_of({})
    turned = {**state, "fc.weight": state["fc.weight"].T}
    with pytest.raises(ValueError, match=r"other shapes: fc\.weight \(2048, 1008\), not \(1008, 2048\)$"):
        inception_weights.variables_of(turned)


def test_arrays_that_the_network_has_no_use_for_are_left_alone(state, variables):
    counted = {**state, "Conv2d_1a_3x3.bn.num_batches_tracked": np.array(0)}
    chex.assert_trees_all_equal(inception_weights.variables_of(counted), variables)


def test_the_file_is_named_by_its_checksum():
    assert len(inception_weights.SHA256) == 64
    assert inception_weights.FILE.removesuffix(".pth").endswith(inception_weights.SHA256[:8])
    assert inception.FEATURES == 2048 and inception.LOGITS == 1008
