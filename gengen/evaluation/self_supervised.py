"""The network whose features judge samples of pictures without labels: taught by the pictures themselves.

It is shown each picture in four turns and learns to tell them apart: Gidaris et al. 2018,
https://arxiv.org/abs/1803.07728. To tell which way up a picture is, a network has to see what is in it, and nobody has
to label anything.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from gengen.data.signature import DataSet
from gengen.evaluation import trained_network
from gengen.evaluation.trained_network import TrainedNetwork, Weights, fitted, kept_or_trained, optimizer, steps_for
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


def taught(data: DataSet, cache: Path, *, steps: int | None = None) -> TrainedNetwork:
    """Reads the rotation network of a data set of pictures from its file, or trains it and writes the file.

    Its features are the means of the smallest map's channels, [N, 64], and its log-probabilities those of the turns.

    Args:
      data: the data set; labels are not looked at.
      cache: the file, a .npz of plain arrays.
      steps: number of training steps; by default half as many as a classifier of so many images has, each of which
        shows four turns of 32 pictures: 350 for 5,400, a minute at 64 x 64 on two cores.
    """
    signature = data.signature
    side = side_of(signature.shape)
    network = Squared(Classifier(TURNS, channels=CHANNELS, pooled=True), side)
    steps = steps_for(len(data.splits["train"]["data"]) // 4) if steps is None else steps
    wanted = {
        "name": NAME,
        "architecture": f"side {side}, channels {CHANNELS}, means of the last map",
        "shape": list(signature.shape),
        "data": signature.digest,
        "seed": trained_network.SEED,
        "steps": steps,
    }
    return kept_or_trained(
        network,
        wanted,
        (cache,),
        lambda: _train(data, network, steps),
        _held_out(data, side),
        f"the rotation network whose features judge samples of {signature.name}, which has no labels",
        "turns of held-out images",
    )


def side_of(shape: tuple[int, ...]) -> int:
    """Height and width of the square that the network sees of pictures of a shape (height, width, channels)."""
    return min(SIDE, *shape[:2])


def _train(data: DataSet, network: Squared, steps: int) -> Weights:
    model = rotations(network=network, optimizer=optimizer(steps), side=network.side)
    return fitted(model, data.signature, {"data": data.splits["train"]["data"]}, steps, BATCH_SIZE)


def _held_out(data: DataSet, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out pictures in four turns, uint8 [4 N, side, side, C], and the turn of each, int32 [4 N]."""
    pictures = np.asarray(data.splits["test"]["data"][:TESTED])
    images, labels = turned(squared(jnp.asarray(pictures, jnp.float32), side))
    return np.rint(np.asarray(images)).clip(0, 255).astype(np.uint8), np.asarray(labels)
