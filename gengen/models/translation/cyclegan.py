"""CycleGAN: images of one domain to another and back, learnt without pairs.

    critics      w <- w - step of the gradient of  (critic loss(D_b(b), D_b(G(a))) + critic loss(D_a(a), D_a(F(b)))) / 2
    generators   t <- t - step of the gradient of  generator loss(D_b(G(a))) + generator loss(D_a(F(b)))
                                                   + cycle (|F(G(a)) - a| + |G(F(b)) - b|)
                                                   + cycle identity (|G(b) - b| + |F(a) - a|)

Zhu et al. 2017, https://arxiv.org/abs/1703.10593; the critics are shown pools of earlier translations.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import optax

from gengen.core.game import Player, Turn, begin, play
from gengen.core.model import GenerativeModel
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, LossName
from gengen.models.critic_game import CriticGame
from gengen.models.translation.cyclegan_game import CRITICS, TRANSLATORS, Cycle
from gengen.models.translation.jitter import Shift
from gengen.models.translation.pool import Pool
from gengen.values import Range, Weight


def cyclegan(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: LossName = "least_squares",
    cycle: Weight = 10.0,
    identity: Weight = 0.5,
    pool: Annotated[int, Range(0, 10_000)] = 50,
    jitter: Shift = 15,
    mirror: bool = True,
) -> GenerativeModel:
    """Builds a translation without pairs. The defaults are those of Zhu et al. 2017.

    Batches need "data" and, as a stream of its own, "second" with an "data": the domains a and b.

    Args:
      networks: "to_b" and "to_a": images and keys -> images of the other domain; "critic_a" and "critic_b": images ->
        CriticOutput, with a logit for each patch [B, h, w].
      optimizers: of "generator", both translators, and "critic", both critics.
      loss: one of `ADVERSARIAL_LOSSES`.
      cycle: lambda, the weight of the cycles' mean absolute error of a pixel in [-1, 1].
      identity: weight, times `cycle`, of the change of images that are of the domain already: section 5.2.
      pool: translations of each domain that are kept to be shown to its critic again; 0 shows the latest.
      jitter: the largest random shift of an image along each axis, in pixels.
      mirror: whether half of the images are mirrored, left to right.

    Returns:
      A model that can `translate` in both directions. Metrics are "generator/cycle_a", "generator/cycle_b",
      "generator/identity_a" and "generator/identity_b", absolute errors of a pixel in [-1, 1], and the critics'
      estimates of the distance between each domain and the translations into it, such as "critic/le_cam_a".

    Raises:
      ValueError: an argument is out of range, or the channels of the domains differ and `identity` is not 0.
    """
    game = cycle_of(networks, loss=loss, cycle=cycle, identity=identity, pool=pool, jitter=jitter, mirror=mirror)
    critics, generators = turns_of(game, optimizers)
    return GenerativeModel(
        begin(game.init, [critics.player, generators.player]),
        play([critics, generators], game.prepare),
        translate={"ab": game.translator("to_b"), "ba": game.translator("to_a")},
    )


def cycle_of(
    networks: Mapping[str, Any],
    *,
    loss: str,
    cycle: float,
    identity: float,
    pool: int,
    jitter: int,
    mirror: bool,
) -> Cycle:
    """Checks the arguments of a game of cycles and puts them together.

    Args:
      networks, loss, cycle, identity, pool, jitter, mirror: as in `cyclegan`.

    Raises:
      ValueError: an argument is out of range, or a network is missing.
    """
    if loss not in ADVERSARIAL_LOSSES:
        raise ValueError(f"loss={loss!r} must be one of {', '.join(ADVERSARIAL_LOSSES)}")
    for name, value in (("cycle", cycle), ("identity", identity), ("pool", pool), ("jitter", jitter)):
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name}={value} must be a number of at least 0")
    if missing := {*TRANSLATORS, *CRITICS} - set(networks):
        raise ValueError(f"this game needs the networks {', '.join(sorted(missing))}")
    critics = {name: CriticGame(networks[name], ADVERSARIAL_LOSSES[loss]) for name in CRITICS}
    translators = {name: networks[name] for name in TRANSLATORS}
    return Cycle(translators, critics, cycle, identity, Pool(pool), jitter, mirror)


def turns_of(game: Cycle, optimizers: Mapping[str, optax.GradientTransformation]) -> tuple[Turn, Turn]:
    """The moves of the critics, who are asked first, and of the translators; one player on each side."""
    return (
        Turn("critic", Player("critic", CRITICS, optimizers["critic"]), game.critic_loss),
        Turn("generator", Player("generator", TRANSLATORS, optimizers["generator"]), game.generator_loss),
    )
