"""Classifiers of images, trained by cross-entropy: games of one player, whose network then judges samples of others.

classifier  w <- w - step of the gradient of  -log p(label | image shifted by up to a pixel)             every step
rotations   w <- w - step of the gradient of  -log p(r | image shifted and turned by r times 90 degrees)  every step
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, init_players, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import local_keys
from gengen.core.state import State, Tree
from gengen.networks.classifier import squared
from gengen.networks.forward import eval_mode, init_network, train_mode

TURNS = 4
"""Multiples of a right angle by which an image is turned."""


class Classification(NamedTuple):
    """The network and the pure functions of its game.

    Attributes:
      network: images [B, H, W, C] in [-1, 1] -> features [B, F] and logits [B, K].
      shift: the largest shift of a training image along each axis, in pixels, in [0, 1].
    """

    network: nn.Module
    shift: float

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Shifts each image by its own offset, uniform in [-shift, shift] along each axis.

        No other change keeps every data set's labels: a mirrored 2 is no 2, and a turned 6 is a 9.
        """
        del state
        return {"data": jittered(key, batch["data"], self.shift), "label": batch["label"]}

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """Mean cross-entropy of the labels in nats, and the share of images whose most probable class is right."""
        del key
        (_, logits), mutable = train_mode(self.network, state.variables["classifier"], batch["data"])
        nats = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
        metrics = {"accuracy": mean_of(logits.argmax(-1) == batch["label"])}
        return nats.mean(), (metrics, {"classifier": mutable})


def classifier(*, network: nn.Module, optimizer: optax.GradientTransformation, shift: float = 1.0) -> GenerativeModel:
    """Builds a classifier of images.

    Batches need "data" [B, H, W, C] in [-1, 1] and "label" int32 [B]. The metrics are "classifier/loss", the
    cross-entropy in nats, and "classifier/accuracy", a share of the batch as it was shifted.

    Args:
      network: images [B, H, W, C] in [-1, 1] -> features [B, F] and logits [B, K].
      optimizer: moves its parameters once a batch.
      shift: the largest shift of a training image along each axis, in pixels. On the 8x8 and 16x16 digits and on MNIST
        a pixel took a sixth to a third off the error on test data.

    Returns:
      A model with none of the capabilities; its network is `state.variables["classifier"]`.

    Raises:
      ValueError: `shift` is out of range.
    """
    if not 0 <= shift <= 1:
        raise ValueError(f"shift={shift} must lie in [0, 1]")
    game = Classification(network, shift)
    return _of_one_player(network, optimizer, game.loss, game.prepare)


def rotations(*, network: nn.Module, optimizer: optax.GradientTransformation, side: int) -> GenerativeModel:
    """Builds a network that tells how an image is turned: Gidaris et al. 2018, https://arxiv.org/abs/1803.07728, eq. 2.

    Batches need "data" [B, H, W, C] in [-1, 1] alone. Each image is shifted by up to a pixel, brought to a square and
    shown in all four turns at once, as section 3 of the paper found best. The metrics are those of `classifier`.

    Args:
      network: images [4 B, side, side, C] in [-1, 1] -> features [4 B, F] and logits of the turns [4 B, 4].
      optimizer: moves its parameters once a batch.
      side: of the square, in pixels.

    Returns:
      A model with none of the capabilities; its network is `state.variables["classifier"]`.
    """

    def prepare(key: jax.Array, state: State, batch: Batch) -> Batch:
        del state
        image, label = turned(squared(jittered(key, batch["data"], 1.0), side))
        return {"data": image, "label": label}

    return _of_one_player(network, optimizer, Classification(network, 0.0).loss, prepare)


def _of_one_player(
    network: nn.Module,
    optimizer: optax.GradientTransformation,
    loss: Callable[..., Outcome],
    prepare: Callable[[jax.Array, State, Batch], Batch],
) -> GenerativeModel:
    player = Player("classifier", ("classifier",), optimizer)

    def init(key: jax.Array, batch: Batch) -> State:
        variables = {"classifier": init_network(network, key, batch["data"][:1])}
        return State(jnp.zeros((), jnp.int32), variables, init_players((player,), variables))

    return GenerativeModel(init, play((Turn("classifier", player, loss),), prepare))


def turned(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Square images [N, S, S, C] in their four turns [4 N, S, S, C], and the right angles of each, int32 [4 N].

    All images as they are come first, then all turned by 90 degrees to the left, and so on.
    """
    turns = [jnp.rot90(image, turn, (1, 2)) for turn in range(TURNS)]
    return jnp.concatenate(turns), jnp.repeat(jnp.arange(TURNS, dtype=jnp.int32), len(image))


def classify(network: nn.Module, variables: dict[str, Tree], image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a trained network makes of images, each for itself.

    Args:
      network: the network.
      variables: its collections, as `state.variables["classifier"]` holds them.
      image: [N, H, W, C] in [-1, 1].

    Returns:
      Features [N, F] and log-probabilities of the classes in nats [N, K].
    """
    features, logits = eval_mode(network, variables, image)
    return features, jax.nn.log_softmax(logits)


def jittered(key: jax.Array, image: jax.Array, shift: float) -> jax.Array:
    """Shifts each of images [N, H, W, C] by its own offset, uniform in [-shift, shift] pixels along each axis."""
    if not shift:
        return image
    keys = local_keys(key, image.shape[0])
    return shifted(image, jax.vmap(lambda key: jax.random.uniform(key, (2,), minval=-shift, maxval=shift))(keys))


def shifted(image: jax.Array, offset: jax.Array) -> jax.Array:
    """Shifts images by at most a pixel, interpolating linearly and repeating the border.

    Args:
      image: [N, H, W, C].
      offset: [N, 2] in [-1, 1], pixels down and to the right.

    Returns:
      Images [N, H, W, C].
    """
    for axis in (1, 2):
        size = image.shape[axis]
        places = jnp.arange(size)
        before = jnp.take(image, jnp.maximum(places - 1, 0), axis=axis)
        after = jnp.take(image, jnp.minimum(places + 1, size - 1), axis=axis)
        part = offset[:, axis - 1].reshape(-1, 1, 1, 1)
        image = image + jnp.maximum(part, 0) * (before - image) + jnp.maximum(-part, 0) * (after - image)
    return image
