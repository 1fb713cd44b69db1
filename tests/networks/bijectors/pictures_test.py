"""Layers of flows of pictures: squeezing, halves, masks, scales, and what convolutions say."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.bijectors.bijector import Chain
from gengen.networks.bijectors.convolutional import Convolutions, Residual
from gengen.networks.bijectors.coupling import TRANSFORMS, Coupling, Halves, checkerboard
from gengen.networks.bijectors.monotone import affine
from gengen.networks.bijectors.multiscale import Flat, Split
from gengen.networks.bijectors.squeeze import Squeeze, check_levels, space_to_depth, squeezed_to, squeezes
from gengen.networks.layers.upsample import depth_to_space
from tests.networks.bijectors.both_ways import QUICK, check_both_ways, random_parameters


class Pointwise(nn.Module):
    """A conditioner that compiles at once: each number's parameters follow from the one in its place."""

    numbers: int

    @nn.compact
    def __call__(self, x, context):
        scale = self.param("scale", nn.initializers.zeros_init(), (*x.shape[1:], self.numbers))
        return jnp.tanh(x[..., None] + scale[None]) + scale[None]


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("second", [False, True])
def test_halves_of_channels_go_both_ways(second, transform):
    made = TRANSFORMS[transform]()
    layer, x = Halves(Pointwise(made.numbers), made, second), numbers(3, 1, 2, 4)
    z = check_both_ways(layer, x)
    stays = np.s_[..., 2:] if second else np.s_[..., :2]
    np.testing.assert_array_equal(z[stays], x[stays])
    assert (z != x).mean() == 0.5


@pytest.mark.parametrize("second", [False, True])
def test_halves_of_a_board_are_those_of_its_mask(second):
    x, mask = numbers(3, 4, 2, 2), np.array(checkerboard(4, 2, second))
    z = check_both_ways(Halves(Pointwise(2), affine(), second, squares=True), x)
    stays = np.broadcast_to(mask, x.shape[1:])
    np.testing.assert_array_equal(z[:, stays], x[:, stays])
    assert (z[:, ~stays] != x[:, ~stays]).all()


def test_masks_of_a_board_of_odd_sides_go_both_ways():
    x, mask = numbers(3, 3, 1, 2), checkerboard(3, 1, odd=True)
    z = check_both_ways(Coupling(mask, Pointwise(2), affine()), x)
    np.testing.assert_array_equal(z[:, 1], x[:, 1])
    assert (z[:, ::2] != x[:, ::2]).all()


def test_scales_go_both_ways_and_what_leaves_is_first():
    rest = Halves(Pointwise(2), affine())
    x = numbers(3, 1, 2, 8)
    z = check_both_ways(Split((1, 2, 8), Chain([rest, Flat((1, 2, 4))])), x)
    np.testing.assert_array_equal(z[:, :8], x[..., 4:].reshape(3, 8))


def test_a_sign_that_is_wrong_is_found():
    class Wrong(Halves):
        def encode(self, x, context=None):
            z, log_det = super().encode(x, context)
            return z, -log_det

    with pytest.raises(AssertionError):
        check_both_ways(Wrong(Pointwise(2), affine()), numbers(3, 1, 2, 4))


def test_squeezing_is_its_own_inverse_and_keeps_blocks_together():
    x = numbers(2, 4, 6, 3)
    z, log_det = Squeeze().encode(x)
    np.testing.assert_array_equal(depth_to_space(z), x)
    np.testing.assert_array_equal(Squeeze().decode(z)[0], x)
    np.testing.assert_array_equal(z[0, 1, 2], x[0, 2:4, 4:6].reshape(-1))
    assert not log_det.any()
    np.testing.assert_array_equal(squeezed_to(x, (2, 3)), space_to_depth(x))
    with pytest.raises(ValueError, match="a context of 4 x 6 cannot be squeezed to 1 x 1"):
        squeezed_to(x, (1, 1))


@pytest.mark.parametrize(("side", "times"), [(28, 2), (16, 4), (8, 3), (7, 0), (1, 0)])
def test_sizes_say_how_often_they_can_be_squeezed(side, times):
    assert squeezes(side, side) == times
    check_levels((side, side, 1), times)
    with pytest.raises(ValueError, match=f"can be squeezed {times} times; .*multiples of {2 ** (times + 1)}"):
        check_levels((side, side, 1), times + 1)


@pytest.mark.parametrize("conditioner", [Convolutions(4, 2), Residual(4, 2, blocks=1)])
def test_convolutions_say_nothing_at_first_and_hear_of_classes_and_maps(conditioner):
    x, told, image = numbers(2, 2, 3, 2), np.eye(4, dtype=np.float32)[:2], numbers(2, 4, 6, 1)
    first, _ = jax.eval_shape(conditioner.init_with_output, jax.random.key(0), x, None)
    assert first.shape == (2, 2, 3, 2, 2)
    for context, other in ((told, told[::-1]), (image, image[::-1])):
        shapes = jax.eval_shape(conditioner.init, jax.random.key(0), x, context)["params"]
        rng = np.random.default_rng(1)
        params = jax.tree.map(lambda leaf, rng=rng: rng.normal(size=leaf.shape).astype(np.float32), shapes)
        (last,) = (name for name in params if "ConvTranspose" in name)
        apply = QUICK(lambda params, context: conditioner.apply({"params": params}, x, context))
        said = apply(params, context)
        assert (abs(said - apply(params, other)) > 1e-3).any((1, 2, 3, 4)).all()
        assert not apply({**params, last: jax.tree.map(jnp.zeros_like, params[last])}, context).any()


def test_the_last_convolution_is_a_convolution():
    """Computed as a transposed one, it is the plain one of the same kernel."""
    x = numbers(2, 3, 4, 2)
    net = Convolutions(5, 2)
    variables = random_parameters(_Conditions(net), x)["params"]["conditioner"]
    seen = x
    for name, bend in (("Conv_0", True), ("Conv_1", True), ("ConvTranspose_0", False)):
        kernel, bias = variables[name]["kernel"], variables[name]["bias"]
        axes = ("NHWC", "HWIO", "NHWC")
        seen = jax.lax.conv_general_dilated(seen, kernel, (1, 1), "SAME", dimension_numbers=axes)
        seen = seen + np.broadcast_to(bias, seen.shape)
        seen = jax.nn.relu(seen) if bend else seen
    said = net.apply({"params": variables}, x, None)
    np.testing.assert_allclose(said, seen.reshape(said.shape), rtol=1e-4, atol=1e-5)


class _Conditions(nn.Module):
    """So that what makes parameters of bijectors can make those of a conditioner."""

    conditioner: nn.Module

    def encode(self, x, context):
        return self.conditioner(x, context)
