"""How noise grows with time, learnt: Kingma et al. 2021, https://arxiv.org/abs/2107.00630, appendix H."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.values import Size


class NoiseSchedule(nn.Module):
    """A function of time that only grows, from 0 at t = 0 to 1 at t = 1: a line, and steps of all widths beside it.

        s(t) = (f(t) - f(0)) / (f(1) - f(0)),    f(t) = t + sum_i height_i sigmoid(speed_i (t - place_i))

    Heights and speeds are above 0, as exponentials: it is a perceptron of positive weights. It begins as nearly a line.

    Attributes:
      width: how many steps there are.
    """

    width: Size = 64

    @nn.compact
    def __call__(self, time: jax.Array) -> jax.Array:
        """s of times in [0, 1], of any shape."""
        first = nn.initializers.constant(-3.0 - math.log(self.width))
        height = jnp.exp(self.param("height", first, (self.width,)))
        speed = jnp.exp(
            self.param("speed", lambda key, shape: jnp.log(jnp.geomspace(4.0, 100.0, *shape)), (self.width,))
        )
        place = self.param("place", nn.initializers.uniform(1.0), (self.width,))

        def grown(time: jax.Array) -> jax.Array:
            steps = jax.nn.sigmoid(speed[None] * (time.reshape(-1, 1) - place[None]))
            return time + (height[None] * steps).sum(-1).reshape(time.shape)

        ends = grown(jnp.array([0.0, 1.0]))
        return (grown(time) - ends[0]) / (ends[1] - ends[0])
