"""How a network is trained whose features judge samples of a data set."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
import optax

from gengen.core.model import GenerativeModel
from gengen.core.transforms import scale_by_rate

SEED = 0
"""Seed of the first weights, of the order of the images and of what is done to them."""

RATE = 0.1
"""Learning rate at its peak."""

MOMENTUM = 0.9
"""Nesterov's."""

WEIGHT_DECAY = 1e-3
"""Factor of the kernels that is added to their gradients."""

DISPATCH = 50
"""Steps of one dispatch; a training has a multiple of them, so that only one length is compiled."""


class Recipe(NamedTuple):
    """A network, and how it is trained and tested.

    Attributes:
      what: it is, in words.
      name: of the architecture and of how it is trained: to be changed when either changes.
      network: the linen module: images in [-1, 1] -> features and logits.
      architecture: of it, in words.
      model: its game; the network is "classifier" in its state.
      arrays: training examples by name, in the data's units.
      batch_size: images of a step.
      steps: of the training.
      held_out: images, uint8 [N, H, W, C], and what it should name of each, int [N].
      tested_on: these, in words.
      shipped: a file of such a network that comes with gengen; None where there cannot be one.
    """

    what: str
    name: str
    network: nn.Module
    architecture: str
    model: GenerativeModel
    arrays: Mapping[str, np.ndarray]
    batch_size: int
    steps: int
    held_out: tuple[np.ndarray, np.ndarray]
    tested_on: str = "held-out images"
    shipped: Path | None = None


def steps_for(images: int) -> int:
    """Number of training steps: ten times the root of the number of images, in whole dispatches.

    34 epochs of the 1,497 embedded digits, 5 of MNIST's 60,000 images. Fewer images are seen more often, but not so
    often that the time to train would be the same.
    """
    return DISPATCH * max(1, round(10 * math.sqrt(images) / DISPATCH))


def optimizer(steps: int) -> optax.GradientTransformation:
    """Stochastic gradient descent with Nesterov's momentum, by which a network is trained in so many steps.

    The rate rises for a fifth of them and falls along a cosine (Smith and Topin 2018, https://arxiv.org/abs/1708.07120;
    Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983).
    """
    rise = steps // 5
    fall = optax.cosine_decay_schedule(RATE, steps - rise)
    rate = optax.join_schedules([optax.linear_schedule(0.0, RATE, rise), fall], [rise])

    def kernels(params: Any) -> Any:
        return jax.tree.map(lambda param: param.ndim > 1, params)

    return optax.chain(
        optax.add_decayed_weights(WEIGHT_DECAY, mask=kernels),
        optax.trace(MOMENTUM, nesterov=True),
        scale_by_rate(rate),
    )
