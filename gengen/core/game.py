"""The game: players own networks, turns are their moves, and `play` makes a training step of a list of turns.

A GAN is a game of two players (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661); an autoencoder, a flow or a
diffusion model is solitaire. A model file writes its losses; everything that has to be right exactly once (parameter
gradients, their mean over replicas, the optimizer, carried collections, metrics) happens in `take`.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch, InitFn, StepFn
from gengen.core.parallel import replica_mean, replica_sum
from gengen.core.state import State, Variables, params_of, with_mutable, with_params

Outcome = tuple[jax.Array, tuple[dict[str, Mean], Variables]]

LossFn = Callable[[jax.Array, State, Batch], Outcome]
"""`(key, state, batch) -> (loss [], (metrics, mutable))`.

Pure. It sees the whole state, in which the parameters of its own player are differentiated. `mutable` holds the
collections (batch statistics, ...) of every network that it ran in training mode, its own or an opponent's.
"""

PrepareFn = Callable[[jax.Array, State, Batch], Batch]
"""`(key, state, batch) -> batch`: once a step, before the turns: augment, draw noise."""

TurnFn = Callable[..., tuple[State, dict[str, Mean]]]
"""`(key, state, *, batch) -> (state, metrics)`: plays one turn."""


class Player(NamedTuple):
    """Who moves: some networks and the optimizer that trains them.

    Attributes:
      name: key of its optimizer state in `state.opt`.
      networks: names of the networks that it owns, keys of `state.variables`.
      optimizer: an optax chain; it is given `step=state.step`, which learning-rate schedules read.
    """

    name: str
    networks: tuple[str, ...]
    optimizer: optax.GradientTransformation


class Every(NamedTuple):
    """When something happens: in each `period` of steps, counted from 0, at `length` steps from `offset` on."""

    period: int
    offset: int
    length: int = 1

    def choose(
        self, state: State, phase: int | None, due: Callable[[State], Any], otherwise: Callable[[State], Any]
    ) -> Any:
        """Returns `due(state)` at its steps and `otherwise(state)` at all others, of the same structure.

        Costs a branch when run only if the step is not known when traced.

        Args:
          state: what is passed on; its `step` decides where `phase` is None.
          phase: the step modulo a multiple of `period`, if known.
          due: called when it is time.
          otherwise: called when it is not.
        """
        if self.length == self.period:
            return due(state)
        if phase is not None:
            return due(state) if self._at(phase) else otherwise(state)
        return lax.cond(self._at(state.step), due, otherwise, state)

    def _at(self, step: Any) -> Any:
        return (step - self.offset) % self.period < self.length


def every(period: int, offset: int = 0, length: int = 1) -> Every:
    """Plays a turn at `length` of `period` steps; `every(5, offset=4)` is how the generator waits for n_critic = 5.

    Raises:
      ValueError: `period` is below 1, `offset` outside of [0, period), or the steps outside of the period.
    """
    if period < 1:
        raise ValueError(f"period={period} must be at least 1")
    if not 0 <= offset < period:
        raise ValueError(f"offset={offset} must lie in [0, {period})")
    if not 1 <= length <= period - offset:
        raise ValueError(f"length={length} must lie in [1, {period - offset}]")
    return Every(period, offset, length)


always = every(1)


class Turn(NamedTuple):
    """One move.

    Attributes:
      name: unique in its game; metrics appear as "name/metric".
      player: whose parameters it moves.
      loss: what the player wants small.
      when: at which steps.
    """

    name: str
    player: Player
    loss: LossFn
    when: Every = always


def init_players(players: Sequence[Player], variables: Variables) -> dict[str, Any]:
    """Makes the optimizer state of each player from the first `variables`: what `state.opt` starts as."""
    return {player.name: player.optimizer.init(params_of(variables, player.networks)) for player in players}


def begin(variables: Callable[[jax.Array, Batch], Variables], players: Sequence[Player]) -> InitFn:
    """Makes what starts a run: the first variables of all networks, and the optimizer state of each player.

    Args:
      variables: `(key, batch) -> variables`.
      players: all that ever move.
    """

    def init(key: jax.Array, batch: Batch) -> State:
        first = variables(key, batch)
        return State(jnp.zeros((), jnp.int32), first, init_players(players, first))

    return init


def take(turn: Turn, key: jax.Array, state: State, batch: Batch) -> tuple[State, dict[str, Mean]]:
    """Plays one turn: the gradient of its loss, averaged over replicas, moves the player's parameters once.

    The only place in gengen with gradients of parameters. `AXIS` must be bound.

    Args:
      turn: the move.
      key: key of this turn at this step, the same on every replica.
      state: the state before.
      batch: this replica's part of the prepared batch.

    Returns:
      The state after, with the same `step`, and the turn's metrics added over replicas, among them "name/loss" and
      "name/gradient_norm", the Euclidean norm of the gradient of all parameters of the player together.
    """
    player = turn.player
    params = params_of(state.variables, player.networks)

    def loss(params: dict[str, Any]) -> Outcome:
        return turn.loss(key, state.replace(variables=with_params(state.variables, params)), batch)

    (value, (metrics, mutable)), gradients = jax.value_and_grad(loss, has_aux=True)(params)
    gradients = replica_mean(gradients)
    optimizer = optax.with_extra_args_support(player.optimizer)
    updates, opt = optimizer.update(gradients, state.opt[player.name], params, step=state.step)
    params = optax.apply_updates(params, updates)
    state = state.replace(
        variables=with_params(with_mutable(state.variables, mutable), params),
        opt={**state.opt, player.name: opt},
    )
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradients)]
    norm = mean_of(jnp.sqrt(sum(squares)))  # of the mean over replicas, before the optimizer clips it
    metrics = replica_sum({"loss": mean_of(value), **metrics, "gradient_norm": norm})
    return state, {f"{turn.name}/{name}": mean for name, mean in metrics.items()}


def skip(turn: TurnFn, key: jax.Array, state: State, batch: Batch) -> tuple[State, dict[str, Mean]]:
    """Leaves the state as it is, with the metrics that a turn would give if it were played, all (0, 0)."""
    _, metrics = jax.eval_shape(turn, key, state, batch=batch)
    return state, jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), metrics)


def play(turns: Sequence[Turn], prepare: PrepareFn) -> StepFn:
    """Makes a training step that prepares the batch once and then plays each turn in order.

    Turn number t of step s draws from `fold_in(fold_in(root key, s), t)`, and `prepare` from t = 0, so nothing about
    randomness is stored and a resumed run is exact. Draw noise in `prepare`: two turns that run the same network on
    the same noise then share that forward pass when compiled.

    Args:
      turns: the moves of one step, with unique names.
      prepare: what happens to the batch first.

    Raises:
      ValueError: two turns have the same name.
    """
    names = [turn.name for turn in turns]
    if len(set(names)) < len(names):
        raise ValueError(f"turns={names} must have unique names")
    # Under jit, a turn is traced once for all steps in which it is played or skipped, whoever asks.
    traced = [jax.jit(partial(take, turn), inline=True) for turn in turns]

    def train_step(
        key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
    ) -> tuple[State, dict[str, Mean]]:
        key = jax.random.fold_in(key, state.step)
        batch = prepare(jax.random.fold_in(key, 0), state, batch)
        metrics: dict[str, Mean] = {}
        for index, (turn, played) in enumerate(zip(turns, traced, strict=True), start=1):
            own = jax.random.fold_in(key, index)
            taken, skipped = partial(played, own, batch=batch), partial(skip, played, own, batch=batch)
            state, measured = turn.when.choose(state, phase, taken, skipped)
            metrics |= measured
        return state.replace(step=state.step + 1), metrics

    return train_step


def period(turns: Sequence[Turn]) -> int:
    """Number of steps after which the pattern of turns repeats: the least common multiple of their periods."""
    return math.lcm(*(turn.when.period for turn in turns))
