"""The unrolled GAN: the generator looks ahead at how the critic will answer.

    generator  t <- t - step of the gradient of  generator loss(D(G(z)))  at D = D_K
                      + step of the gradient of  critic loss(D_K(x), D_K(G(z)))  through D_K alone

where D_K is the critic after K moves of its own optimizer from where it stands, which the generator's samples steer:
Metz et al. 2017, https://arxiv.org/abs/1611.02163, eq. 7 to 10. They all see the batch of the step. The critic itself
moves once, as ever, and before the generator, where the paper moves both from the same place.

In the paper the generator's loss is the critic's with its sign turned, data and samples, and both lines are the
gradient of that one number. Another loss, such as the non-saturating one, takes the place of the first line and not of
the second: it does not look at data, and through D_K it rewards samples after which the critic thinks well of
everything, which cost it its judgement of data. The generator then steers the critic and no longer follows it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.game import Outcome, Turn, take
from gengen.core.model import Batch, GenerativeModel
from gengen.core.state import State, Tree
from gengen.losses.adversarial import LossName
from gengen.models.conditioning import Nothing
from gengen.models.gans.adversarial import Target, adversaries, assemble, players
from gengen.models.gans.terms import Term
from gengen.models.gans.views import View
from gengen.values import Range, Size


def unrolled(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: LossName = "non_saturating",
    real_label: tuple[Target, Target] = (1.0, 1.0),
    latent: Size = 256,
    unroll: Annotated[int, Range(0, 100)] = 5,
    views: Sequence[View] = (),
    terms: Sequence[Term] = (),
) -> GenerativeModel:
    """Builds an unrolled GAN. The critic's optimizer is differentiated: Adam needs `eps_root` above 0 there. With an
    optimizer that accumulates batches, only some of the moves are moves.

    Args:
      networks: "generator" and "critic", as in `Adversaries`.
      optimizers: of the same two names.
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      real_label: targets of data, as in `adversaries`.
      latent: dimension of the latents.
      unroll: moves of the critic that the generator looks ahead, K in the paper; 0 is the game without looking.
      views: as in `adversaries`.
      terms: as in `adversaries`.

    Returns:
      A model that can `sample`, draw from its `prior` and `decode`.

    Raises:
      ValueError: an argument is out of range, or two of them do not go together.
    """
    if unroll < 0:
        raise ValueError(f"unroll={unroll} must be at least 0")
    if not _differentiable(optimizers["critic"]):
        raise ValueError(
            "optimizers.critic must have a derivative where the gradient is 0: sgd has, adam with an eps_root above 0 "
            "has, rmsprop and clip_norm have not"
        )
    both = adversaries(
        networks, loss=loss, real_label=real_label, latent=latent, conditioning=Nothing(), views=views, terms=terms
    )
    critic, generator = players(optimizers, clip=None)
    answer = Turn("critic", critic, both.critic_loss)

    def generator_loss(key: jax.Array, state: State, batch: Batch) -> Outcome:
        """The generator's loss against the critic after its next moves, which leave no trace."""
        ahead = state
        for move in range(unroll):
            ahead, _ = take(answer, jax.random.fold_in(key, move), ahead, batch)
        moved, own = ahead.variables["critic"], jax.random.fold_in(key, unroll)
        value, (metrics, mutable) = both.generator_loss(own, _with(state, critic=lax.stop_gradient(moved)), batch)
        still = lax.stop_gradient(state.variables["generator"])
        lost, _ = both.critic_loss(own, _with(state, critic=moved, generator=still), batch)
        return value + (lax.stop_gradient(lost) - lost), (metrics, {"generator": mutable["generator"]})

    return assemble(both, answer, Turn("generator", generator, generator_loss))


def _with(state: State, **variables: Tree) -> State:
    """The state with other variables of some networks."""
    return state.replace(variables={**state.variables, **variables})


def _differentiable(optimizer: optax.GradientTransformation) -> bool:
    """Whether a first move has a finite derivative at a gradient of 0, which the last layers of a critic can have."""
    param = jnp.ones(())

    def move(gradient: jax.Array) -> jax.Array:
        update = optax.with_extra_args_support(optimizer).update
        moved: jax.Array
        moved, _ = update(gradient, optimizer.init(param), param, step=jnp.zeros((), jnp.int32))
        return moved

    return bool(jnp.isfinite(jax.grad(move)(jnp.zeros(()))))
