"""Shapes that the networks promise, sizes that they refuse, their first weights, normalisations, and bfloat16."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks import dcgan, mlp, r3gan
from gengen.networks.critic import CriticOutput
from gengen.networks.doublings import doublings
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.downsample import POOLS
from gengen.networks.layers.norm import NORMS
from gengen.networks.layers.upsample import METHODS

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (16, 32, 2), (24, 40, 3), (48, 48, 1)]
LATENT = 6
QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""


def made(network, *inputs):
    """The first variables of a network; compiled, because one operation at a time takes seconds."""
    return QUICK(lambda key: init_network(network, key, *inputs))(jax.random.key(0))


def variables_of(network, *inputs):
    return jax.eval_shape(lambda key: init_network(network, key, *inputs), jax.random.key(0))


@pytest.mark.parametrize("shape", [*SHAPES, (5, 7, 3)])
def test_mlps_reach_any_shape(shape):
    check_shapes(mlp.Generator(shape, widths=(8, 16)), mlp.Critic(widths=(8,)), shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("upsample", METHODS)
def test_dcgans_reach_shapes_that_halve(shape, upsample):
    check_shapes(dcgan.Generator(shape, width=4, upsample=upsample), dcgan.Critic(width=4), shape)


def check_shapes(generator, critic, shape):
    latent = jnp.zeros((3, LATENT))
    made = jax.eval_shape(lambda v: eval_mode(generator, v, latent), variables_of(generator, latent))
    chex.assert_shape(made, (3, *shape))
    image = jnp.zeros((3, *shape))
    judged = jax.eval_shape(lambda v: eval_mode(critic, v, image), variables_of(critic, image))
    chex.assert_shape(judged.logit, (3,))
    assert judged.features.shape[0] == 3 and judged.code is None
    assert made.dtype == judged.logit.dtype == judged.features.dtype == jnp.float32


@pytest.mark.parametrize(("height", "width", "times"), [(8, 8, 1), (16, 16, 2), (28, 28, 2), (32, 32, 3), (64, 128, 4)])
def test_the_smallest_map_has_a_side_of_4_to_7(height, width, times):
    assert doublings(height, width) == times
    assert 4 <= min(height, width) >> times < 8


@pytest.mark.parametrize("size", [(30, 30), (27, 27), (7, 7), (1, 1), (16, 30), (4, 4), (15, 18), (62, 63)])
def test_sizes_out_of_reach_are_refused_with_one_that_is_not(size):
    with pytest.raises(ValueError, match="cannot be reached") as refused:
        doublings(*size)
    near = [int(number) for number in str(refused.value).split("try ")[1].split(" x ")]
    assert doublings(*near) >= 1


def test_an_unknown_upsampling_is_refused_with_the_list():
    with pytest.raises(ValueError, match="nearest, bilinear, bed_of_nails, transposed, subpixel"):
        variables_of(dcgan.Generator((8, 8, 1), upsample="magic"), jnp.zeros((1, LATENT)))


def test_dcgan_starts_from_the_published_distributions():
    generator = dcgan.Generator((32, 32, 3), width=32)
    params = jax.device_get(made(generator, jnp.zeros((1, 100)))["params"])
    kernels = [leaf for path, leaf in jax.tree.leaves_with_path(params) if "kernel" in jax.tree_util.keystr(path)]
    scales = [leaf for path, leaf in jax.tree.leaves_with_path(params) if "scale" in jax.tree_util.keystr(path)]
    assert len(kernels) == 4
    assert len(scales) == 3
    for kernel in kernels:
        assert kernel.std() == pytest.approx(0.02, rel=0.05)
    assert np.concatenate(scales).mean() == pytest.approx(1, abs=0.01)
    assert np.concatenate(scales).std() == pytest.approx(0.02, rel=0.3)


def test_dcgan_normalises_everywhere_but_at_its_ends():
    generator = variables_of(dcgan.Generator((32, 32, 1), width=4), jnp.zeros((1, LATENT)))
    critic = variables_of(dcgan.Critic(width=4), jnp.zeros((1, 32, 32, 1)))
    assert len(generator["batch_stats"]) == 3  # after the projection and two of three doublings
    assert len(critic["batch_stats"]) == 2  # after two of three halvings


@pytest.mark.parametrize("network", [dcgan.Generator((32, 32, 1), width=4), dcgan.Critic(width=4)])
def test_a_dcgan_without_normalisation_has_biases_in_its_place(network):
    x = jnp.zeros((1, LATENT)) if isinstance(network, dcgan.Generator) else jnp.zeros((1, 32, 32, 1))
    plain = variables_of(network.clone(norm="none"), x)
    assert set(plain) == {"params"}
    normed = jax.tree.map(jnp.shape, variables_of(network, x)["params"])
    assert len(jax.tree.leaves(plain)) == len(jax.tree.leaves(normed, is_leaf=lambda x: isinstance(x, tuple))) - sum(
        name.startswith("BatchNorm") for name in normed
    )


def test_a_critic_that_pools_has_the_parameters_of_one_that_strides_and_activations_are_as_asked():
    strided = dcgan.Critic(width=2, norm="none")
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("f")
    changes = ({}, *({"downsample": name} for name in POOLS), {"activation": "tanh"})
    networks = [strided.clone(**change) for change in changes]
    for network in networks:
        chex.assert_trees_all_equal_shapes(variables_of(network, x), variables_of(strided, x))
    draw = np.random.default_rng(1).normal  # equal weights would not tell the mean from a bilinear one
    variables = jax.tree.map(lambda leaf: draw(0, 0.1, leaf.shape).astype("f"), variables_of(strided, x))
    logits = QUICK(lambda v: [eval_mode(network, v, x).logit[0] for network in networks])(variables)
    assert len({float(logit) for logit in logits}) == len(changes)
    with pytest.raises(ValueError, match="activation='elu' must be one of relu, leaky_relu"):
        variables_of(dcgan.Critic(activation="elu"), x)
    with pytest.raises(ValueError, match="downsample='min' must be one of strided, max_pooled"):
        variables_of(dcgan.Critic(downsample="min"), x)


def test_mlps_start_within_one_over_the_root_of_the_fan_in():
    params = made(mlp.Critic(widths=(64,)), jnp.zeros((1, 10, 10, 1)))["params"]
    kernel = params["Dense_0"]["kernel"]
    assert 0.099 < float(jnp.abs(kernel).max()) <= 0.1
    assert not params["Dense_0"]["bias"].any()


NETWORKS = {
    "mlp generator": (mlp.Generator((8, 8, 1), widths=(16, 32)), (64, LATENT)),
    "mlp critic": (mlp.Critic(widths=(16,)), (4, 8, 8, 1)),
    "dcgan generator": (dcgan.Generator((8, 8, 1), width=8), (64, LATENT)),
    "dcgan critic": (dcgan.Critic(width=8), (4, 8, 8, 1)),
    "dcgan critic layer": (dcgan.Critic(width=8, norm="layer"), (4, 16, 16, 1)),
    "r3gan generator": (r3gan.Generator((8, 8, 1), width=8), (64, LATENT)),
    "r3gan critic": (r3gan.Critic(width=8), (4, 8, 8, 1)),
    "dcgan critic spectral deviation": (dcgan.Critic(width=8, norm="spectral", deviation=True), (4, 16, 16, 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_computes_close_to_float32_on_float32_parameters(name):
    network, shape = NETWORKS[name]
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    variables = made(network, x)
    short = network.clone(dtype=jnp.bfloat16)
    chex.assert_trees_all_equal(made(short, x), variables)

    def run(network, params):
        mapped = jax.vmap(lambda x: train_mode(network, {**variables, "params": params}, x)[0], axis_name=AXIS)
        output = mapped(x[None])
        return output.logit if isinstance(output, CriticOutput) else output

    # Any direction but a constant one, which batch normalisation would take away and leave nothing but rounding.
    said = jax.eval_shape(lambda: run(network, variables["params"]))
    direction = np.random.default_rng(2).normal(size=said.shape).astype(np.float32)

    def both(network):
        return jax.value_and_grad(lambda params: (run(network, params) * direction).sum())(variables["params"])

    found = jax.device_get(QUICK(lambda: (both(network), both(short)))())
    (value, gradients), (short_value, short_gradients) = found
    assert abs(short_value - value) < 0.02 * np.linalg.norm(direction)
    chex.assert_trees_all_equal_dtypes(gradients, short_gradients)
    off = np.concatenate([g.ravel() for g in jax.tree.leaves(jax.tree.map(np.subtract, short_gradients, gradients))])
    size = np.concatenate([g.ravel() for g in jax.tree.leaves(gradients)])
    assert np.linalg.norm(off) < 0.1 * np.linalg.norm(size)
    assert "bf16" in jax.jit(lambda v, x: eval_mode(short, v, x)).lower(variables, x).as_text()


def test_training_mode_returns_what_the_pass_carries_and_evaluation_leaves_no_trace():
    network, shape = NETWORKS["mlp generator"]
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    variables = jax.device_get(made(network, x))

    @QUICK
    def run(x):
        _, carried = jax.vmap(lambda x: train_mode(network, variables, x), axis_name=AXIS)(x[None])
        return carried, eval_mode(network, variables, x)[:1], eval_mode(network, variables, x[:1])

    carried, first, alone = jax.device_get(run(x))
    assert set(carried) == {"batch_stats"}
    moved = jax.tree.map(lambda old, new: bool((old != new[0]).any()), variables["batch_stats"], carried["batch_stats"])
    assert all(jax.tree.leaves(moved))
    chex.assert_trees_all_close(first, alone, atol=1e-6)


CRITICS = {"mlp": mlp.Critic(widths=(16, 8)), "dcgan": dcgan.Critic(width=4)}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(-1, 1, (4, 16, 16, 1)).astype(np.float32)


@pytest.mark.parametrize(("norm", "deviation"), [*((norm, False) for norm in NORMS), ("none", True)])
@pytest.mark.parametrize("name", CRITICS)
def test_critics_that_judge_alone_say_so(name, norm, deviation, images):
    """The judgement of one image, with the others of the batch exchanged, is another unless it judges alone."""
    critic = CRITICS[name].clone(norm=norm, deviation=deviation)

    def judge(key, first, again):
        # Five times the variables, because dcgan's first logits are all too near 0.
        variables = jax.tree.map(lambda leaf: 5 * leaf, init_network(critic, key, first))
        run = jax.vmap(lambda x: train_mode(critic, variables, x)[0].logit, axis_name=AXIS)
        return jax.lax.map(run, jnp.stack([first, again])[:, None])[:, 0, 0]

    others = np.concatenate([images[:1], -0.5 * images[1:]])
    first, again = np.asarray(QUICK(judge)(jax.random.key(0), images, others))
    assert critic.judges_alone == (abs(first - again) < 1e-5 * abs(first))


@pytest.mark.parametrize("name", CRITICS)
def test_no_critic_with_a_deviation_judges_alone(name):
    assert not any(CRITICS[name].clone(norm=norm, deviation=True).judges_alone for norm in NORMS)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", CRITICS)
def test_the_logit_is_linear_in_the_features(name, norm, images):
    critic = CRITICS[name].clone(norm=norm)
    variables = made(critic, images)
    judged = QUICK(lambda: eval_mode(critic, variables, images))()
    last = max(name for name in variables["params"] if name.startswith("Dense"))
    kernel, bias = (np.asarray(variables["params"][last][part]) for part in ("kernel", "bias"))
    if norm == "spectral":
        kernel = kernel / np.linalg.norm(kernel)
    np.testing.assert_allclose(judged.logit, judged.features @ kernel[:, 0] + bias, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CRITICS)
def test_the_deviation_is_weighed_last_and_is_no_feature(name, images):
    plain, watching = CRITICS[name], CRITICS[name].clone(deviation=True)
    judged, watched = (
        jax.eval_shape(lambda v, n=n: eval_mode(n, v, images), variables_of(n, images)) for n in (plain, watching)
    )
    assert judged.features.shape == watched.features.shape
    params, more = (variables_of(network, images)["params"] for network in (plain, watching))
    last = max(name for name in params if name.startswith("Dense"))
    assert more[last]["kernel"].shape[0] - params[last]["kernel"].shape[0] == (1 if name == "mlp" else 4 * 4)
    more[last]["kernel"] = params[last]["kernel"]
    chex.assert_trees_all_equal_shapes(params, more)


@pytest.mark.parametrize("name", CRITICS)
def test_spectral_critics_have_the_parameters_of_plain_ones(name, images):
    plain, spectral = (made(CRITICS[name].clone(norm=norm), images) for norm in ("none", "spectral"))
    chex.assert_trees_all_close(plain["params"], spectral["params"], rtol=1e-6)
    assert set(spectral) == {"params", "spectral"}
    layers = [leaf for leaf in spectral["params"].values() if "kernel" in leaf]
    assert len(spectral["spectral"]) == len(layers) == 3


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("name", CRITICS)
def test_activations_of_the_first_layer_are_not_normalised(name, norm, images):
    params = variables_of(CRITICS[name].clone(norm=norm), images)["params"]
    scales = [leaf["scale"].shape[0] for leaf in params.values() if "scale" in leaf]
    assert scales == [8]  # of two hidden layers; one scale a channel


def test_layer_normalisation_is_over_all_of_a_map(images):
    """Before the leaky ReLU, the last map of each image has mean 0 and variance 1, and no pixel of it by itself."""
    critic = CRITICS["dcgan"].clone(norm="layer")
    variables = made(critic, images)
    variables["params"]["LayerNorm_0"]["scale"] = jnp.ones(8)
    variables["params"]["Conv_1"]["kernel"] *= 100  # the variance is far above the epsilon
    features = np.asarray(QUICK(lambda v, x: eval_mode(critic, v, x))(variables, images).features)
    before = np.where(features > 0, features, features / 0.2)
    np.testing.assert_allclose(before.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(before.var(1), 1, rtol=1e-3)
    assert np.ptp(before.reshape(4, 4 * 4, 8).var(2)) > 0.1


@pytest.mark.parametrize("name", CRITICS)
def test_an_unknown_normalisation_is_refused_with_the_list(name, images):
    with pytest.raises(ValueError, match='none, batch, layer, spectral, not "magic"'):
        variables_of(CRITICS[name].clone(norm="magic"), images)


@pytest.mark.parametrize("norm", ["batch", "layer", "spectral"])
def test_a_gradient_penalty_has_a_finite_gradient(norm, images):
    critic = CRITICS["dcgan"].clone(norm=norm, deviation=True)
    variables = made(critic, images)

    def penalty(params, x):
        judge = lambda x: train_mode(critic, {**variables, "params": params}, x)[0].logit.sum()  # noqa: E731
        return jnp.square(jax.grad(judge)(x)).sum()

    run = QUICK(jax.vmap(jax.grad(penalty), in_axes=(None, 0), axis_name=AXIS))
    gradient = run(variables["params"], images[None])
    chex.assert_tree_all_finite(gradient)
    assert gradient["Conv_0"]["kernel"].any()
