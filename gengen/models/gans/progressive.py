"""Progressive growing: a GAN of small images, to which levels of twice the size are added and faded in, one by one.

Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 2. Each level is a stage of the run, in which both
networks end at that level and see data that are as small. Variables of all levels are there from the start, and those
of a level that has not begun stand still; optimizers begin anew with each stage, whose first steps Adam would else take
ten times too long. The game is any of `adversarial`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.game import Player, Turn, init_players, play
from gengen.core.mean import Mean
from gengen.core.model import Batch, GenerativeModel, Stage, StepFn
from gengen.core.state import State, params_of, with_params
from gengen.losses.adversarial import LossName
from gengen.models.conditioning import Nothing
from gengen.models.gans.adversarial import adversaries, assemble, players
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.terms import Term
from gengen.models.gans.views import View
from gengen.networks.layers.downsample import average_pooled
from gengen.networks.layers.upsample import nearest
from gengen.networks.progan import GROWTH, LEVEL, NOW, Critic, Generator, faded, has_a_part, share_of
from gengen.values import Range, Size

Steps = Annotated[int, Range(1, 2**31 - 1)]


def progressive(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: LossName = "wasserstein",
    latent: Size = 512,
    fading: Steps = 600,
    steady: Steps = 600,
    batches: Sequence[Size] = (),
    views: Sequence[View] = (),
    terms: Sequence[Term] = (),
) -> GenerativeModel:
    """Builds a GAN that grows. The defaults are those of the paper, but for the lengths of stages.

    Args:
      networks: "generator" and "critic" of `gengen.networks.progan`.
      optimizers: of the same two names.
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      latent: dimension of the latents.
      fading: steps in which a new level is faded in.
      steady: steps between; the last level stays to the end of the run.
      batches: examples of a device's batch that each level looks at, from the first level on, the last number for all
        that follow; () for all of them.
      views: what data and samples alike pass on their way to the critic, from `VIEWS`.
      terms: what is added to the players' losses, from `TERMS`.

    Returns:
      A model that can `sample`, draw from its `prior` and `decode`, images of the last level whatever level it has
      reached. Its metrics are those of `adversarial`, and "growth", the level that it has come to.

    Raises:
      ValueError: an argument is out of range, or the networks are other ones.
    """
    generator, critic = networks["generator"], networks["critic"]
    if not (isinstance(generator, Generator) and isinstance(critic, Critic)):
        raise ValueError("networks.generator.name and networks.critic.name must be 'progan', told nothing")
    if min(fading, steady, *batches) < 1:
        raise ValueError(f"fading={fading}, steady={steady} and batches={tuple(batches)} must be at least 1")

    def game(level: int) -> Adversaries:
        return adversaries(
            {"generator": generator.clone(level=level), "critic": critic},
            loss=loss,
            real_label=(1.0, 1.0),
            latent=latent,
            conditioning=Nothing(),
            views=views,
            terms=terms,
        )

    owners, whole = players(optimizers, clip=None), game(generator.levels)
    stages = [
        Stage(start, _grown(level, start, fading, owners, _step(game(level), owners, generator.levels - level, size)))
        for level, (start, size) in enumerate(_lengths(generator.levels, fading, steady, batches))
    ]
    said = f"grows by {generator.levels} levels, each faded in for {fading} steps and then steady for {steady}."
    first, *later = stages
    return assemble(whole, *_turns(whole, owners))._replace(
        train_step=first.train_step, period=1, stages=tuple(later), notes=said
    )


def _turns(both: Adversaries, owners: Sequence[Player]) -> tuple[Turn, Turn]:
    critic, generator = owners
    return Turn("critic", critic, both.critic_loss), Turn("generator", generator, both.generator_loss)


def _lengths(levels: int, fading: int, steady: int, batches: Sequence[int]) -> list[tuple[int, int | None]]:
    """Where each level begins, and how many examples it looks at; None for all."""
    starts = [0, *(steady + level * (fading + steady) for level in range(levels))]
    return [(start, batches[min(level, len(batches) - 1)] if batches else None) for level, start in enumerate(starts)]


def shrunk(images: jax.Array, times: int, level: int, growth: jax.Array) -> jax.Array:
    """Data as a level sees them: halved so many times, and as coarse as images are while it is faded in.

    Args:
      images: [B, H, W, C].
      times: how often height and width are halved.
      level: that they are of then.
      growth: int32 [], in units of `LEVEL`.

    Returns:
      [B, H / 2^times, W / 2^times, C].
    """
    for _ in range(times):
        images = average_pooled(images)
    return faded(share_of(growth, level), nearest(average_pooled(images)), images) if level else images


def _growth(level: int, steps: jax.Array, fading: int) -> jax.Array:
    """How far networks have grown, int32 [], so many steps after a level has begun: its share is 1 when it is there."""
    share = jnp.clip((steps + 1).astype(jnp.float32) / fading, 0, 1)
    return ((level - 1 + share if level else 0.0 * share) * LEVEL).astype(jnp.int32)


def _step(both: Adversaries, owners: Sequence[Player], times: int, size: int | None) -> StepFn:
    """A step of the level that a game is of, of data that have been halved, and of so many of them."""
    level: int = both.generator.level

    def prepare(key: jax.Array, state: State, batch: Batch) -> Batch:
        growth = state.variables["generator"][GROWTH][NOW]
        data = shrunk(batch["data"][:size], times, level, growth)
        return both.prepare(key, state, {**batch, "data": data})

    return play([*_turns(both, owners), *both.lazy_turns(owners)], prepare)


def _grown(level: int, start: int, fading: int, owners: Sequence[Player], step: StepFn) -> StepFn:
    """A step before which both networks grow, optimizers begin anew where a stage does, and what has no part rests."""

    def train_step(
        key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
    ) -> tuple[State, dict[str, Mean]]:
        now = _growth(level, state.step - start, fading)
        variables = {
            name: {**own, GROWTH: {NOW: now}} if name in ("generator", "critic") else own
            for name, own in state.variables.items()
        }
        opt = lax.cond(state.step == start, lambda: init_players(owners, variables), lambda: state.opt)
        after, metrics = step(key, state.replace(variables=variables, opt=opt), batch, phase=phase)
        before, moved = (params_of(one.variables, ("generator", "critic")) for one in (state, after))
        params = {
            name: {part: (moved if has_a_part(part, level) else before)[name][part] for part in parts}
            for name, parts in moved.items()
        }
        metrics = {**metrics, "growth": Mean(now.astype(jnp.float32) / LEVEL, jnp.ones(()))}
        return after.replace(variables=with_params(after.variables, params)), metrics

    return train_step
