"""The network whose features judge samples of pictures without labels: taught by the pictures themselves.

It is shown each picture in four turns and learns to tell them apart: Gidaris et al. 2018,
https://arxiv.org/abs/1803.07728. To tell which way up a picture is, a network has to see what is in it, and nobody has
to label anything.

Why turns and the last map, on cats of 64x64 (Fréchet distance over that of training images, 600 beside 600): blur of
deviation 0.5, 1 and 2 pixels gives 2.9, 21 and 68, a tenth, a fifth and a half of another picture mixed in 2.9, 7.1 and
18, a quarter of the side covered once, twice and four times 3.6, 8.8 and 24, each growing; noise shows from 16 levels
of grey on. The penultimate activations of the same network see neither the first blur (1.2) nor a shift of colours.
Features of contrast between crops (Chen et al. 2020, https://arxiv.org/abs/2002.05709; trained for half as many
steps) hardly see blur at all (1.03, 1.2 and 1.9), which they are taught to overlook.
"""

import jax.numpy as jnp
import numpy as np

from gengen.data.signature import DataSet
from gengen.evaluation.recipe import Recipe, optimizer, steps_for
from gengen.models.classifier import TURNS, rotations, turned
from gengen.networks.classifier import Classifier, Squared, squared

NAME = "rotations-v1"
"""Of the architecture and of how it is trained: to be raised when either changes."""

SIDE = 64
"""The largest height and width that the network sees: a step on larger pictures would take several times as long."""

CHANNELS = 64
"""Of its smallest map, whose means are the features."""

BATCH_SIZE = 32
"""Pictures of a step, each of which is shown in four turns."""

TESTED = 1000
"""The most held-out pictures that it is tested on."""


def rotations_of(data: DataSet, steps: int | None = None) -> Recipe:
    """How the rotation network of a data set of pictures is trained.

    Its features are the means of the smallest map's channels, [N, 64], and its log-probabilities those of the turns.

    Args:
      data: the data set; labels are not looked at.
      steps: number of training steps; by default half as many as a classifier of so many images has, each of which
        shows four turns of 32 pictures: 350 for 5,400, a minute at 64 x 64 on two cores.
    """
    signature = data.signature
    side, images = side_of(signature.shape), data.splits["train"]["data"]
    network = Squared(Classifier(TURNS, channels=CHANNELS, pooled=True), side)
    steps = steps_for(len(images) // 4) if steps is None else steps
    return Recipe(
        what=f"a network to tell how pictures are turned, whose features judge samples of {signature.name}",
        name=NAME,
        network=network,
        architecture=f"side {side}, channels {CHANNELS}, means of the last map",
        model=rotations(network=network, optimizer=optimizer(steps), side=side),
        arrays={"data": images},
        batch_size=BATCH_SIZE,
        steps=steps,
        held_out=_held_out(data, side),
        tested_on="turns of held-out images",
    )


def side_of(shape: tuple[int, ...]) -> int:
    """Height and width of the square that the network sees of pictures of a shape (height, width, channels)."""
    return min(SIDE, *shape[:2])


def _held_out(data: DataSet, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out pictures in four turns, uint8 [4 N, side, side, C], and the turn of each, int32 [4 N]."""
    pictures = np.asarray(data.splits["test"]["data"][:TESTED])
    images, labels = turned(squared(jnp.asarray(pictures, jnp.float32), side))
    return np.rint(np.asarray(images)).clip(0, 255).astype(np.uint8), np.asarray(labels)
