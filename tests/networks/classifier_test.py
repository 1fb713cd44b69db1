"""The classifier: shapes at every size, what its features are, and how its cost is spread over the maps."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.classifier import FEATURES, SMALLEST, Classifier, Squared, halvings, squared
from gengen.networks.forward import eval_mode, init_network, train_mode


def variables_of(network, shape):
    return jax.eval_shape(lambda key: init_network(network, key, jnp.zeros((1, *shape))), jax.random.key(0))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (16, 16), (28, 28), (32, 32), (64, 64), (256, 256), (1, 1), (5, 7), (16, 50)])
def test_images_of_any_size_become_64_features_and_their_logits(size, channels):
    shape, network = (*size, channels), Classifier(classes=7)
    variables = variables_of(network, shape)
    images = jax.ShapeDtypeStruct((3, *shape), jnp.float32)
    features, logits = jax.eval_shape(lambda v, x: eval_mode(network, v, x), variables, images)
    assert (features.shape, logits.shape) == ((3, FEATURES), (3, 7))
    assert features.dtype == logits.dtype == jnp.float32
    flattened = variables["params"]["Dense_0"]["kernel"].shape[0]
    smallest = [-(-side // 2 ** halvings(*size)) for side in size]
    assert flattened == 128 * np.prod(smallest)
    assert min(smallest) <= SMALLEST


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (4, [128]),
        (8, [64, 128]),
        (16, [64, 128]),
        (28, [32, 64, 128]),
        (64, [16, 32, 64, 128]),
        (128, [16, 16, 32, 64, 128]),
    ],
)
def test_channels_double_as_maps_halve(size, widths):
    params = variables_of(Classifier(classes=2), (size, size, 1))["params"]
    kernels = [params[f"Conv_{place}"]["kernel"].shape for place in range(len(widths))]
    assert [shape[-1] for shape in kernels] == widths
    assert kernels[0][:2] == ((5, 5) if size > 8 else (3, 3))
    assert f"Conv_{len(widths)}" not in params


def test_images_of_any_size_become_squares_and_squares_stay_as_they_are():
    image = jax.random.normal(jax.random.key(0), (2, 8, 6, 3))
    np.testing.assert_array_equal(squared(image[:, :6], 6), image[:, :6])
    assert squared(image, 4).shape == (2, 4, 4, 3)
    np.testing.assert_allclose(squared(jnp.full_like(image, 0.7), 4), 0.7, rtol=1e-6)
    ramp = jnp.broadcast_to(jnp.arange(16.0)[:, None, None], (16, 16, 1))[None]
    np.testing.assert_allclose(squared(ramp, 8)[0, 1:-1, 3, 0], jnp.arange(2.5, 14, 2), rtol=1e-5)


def test_pooled_features_are_the_means_of_the_smallest_map():
    network = Squared(Classifier(4, channels=24, pooled=True), 16)
    image = jnp.zeros((3, 20, 16, 1))
    made = jax.eval_shape(lambda v, x: eval_mode(network, v, x), variables_of(network, (20, 16, 1)), image)
    assert [part.shape for part in made] == [(3, 24), (3, 4)]


@pytest.fixture(scope="module")
def seen():
    """A network of random weights, random images, and what it makes of them by the statistics of their batch."""
    network = Classifier(classes=5, channels=32)
    images = jax.random.uniform(jax.random.key(1), (64, 8, 8, 3), minval=-1, maxval=1)

    def run(key):
        variables = init_network(network, key, images)
        judged = jax.vmap(lambda x: train_mode(network, variables, x)[0], axis_name=AXIS)(images[None])
        return variables, jax.tree.map(lambda x: x[0], judged)

    variables, judged = jax.jit(run)(jax.random.key(0))
    return network, variables, images, judged


def test_logits_are_linear_in_the_features(seen):
    _, variables, _, (features, logits) = seen
    last = variables["params"]["Dense_1"]
    np.testing.assert_allclose(logits, features @ last["kernel"] + last["bias"][None], atol=1e-5)


def test_features_are_bounded_below_dense_and_of_spread_near_one(seen):
    features = np.asarray(seen[3][0])
    y = np.linspace(-3, 0, 10_001)
    lowest = (y / (1 + np.exp(-y))).min()
    assert lowest - 1e-6 < features.min() < 0
    assert (np.abs(features) < 1e-3).mean() < 0.01  # of a ReLU's values half would be 0
    assert np.all((features.std(0) > 0.3) & (features.std(0) < 1.5))


def test_each_image_is_judged_alone_in_evaluation(seen):
    network, variables, images, _ = seen
    judge = jax.jit(lambda x: eval_mode(network, variables, x))
    alone = jax.tree.map(
        lambda *parts: jnp.concatenate(parts), *(judge(images[place : place + 1]) for place in range(3))
    )
    chex.assert_trees_all_close(alone, jax.tree.map(lambda x: x[:3], judge(images)), atol=1e-5)


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"classes": 3, "channels": 0}])
def test_arguments_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        variables_of(Classifier(**wrong), (8, 8, 1))
