"""The game against steps done by hand."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.game import Player, Turn, every, init_players, period, play, take
from gengen.core.mean import mean_of
from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.core.transforms import scale_by_rate

RATE = 0.1


def squared_distance(key, state, batch):
    """0.5 |w - x|^2, averaged over the batch; carries the number of passes."""
    del key
    variables = state.variables["net"]
    distance = variables["params"]["w"][None] - batch["x"]
    mutable = {"net": {"passes": {"n": variables["passes"]["n"] + 1}, "params": {"w": jnp.full(2, 77.0)}}}
    return 0.5 * jnp.square(distance).sum(-1).mean(), ({"far": mean_of(jnp.abs(distance))}, mutable)


PLAYER = Player("player", ("net",), optax.chain(optax.identity(), scale_by_rate(RATE)))
TURN = Turn("turn", PLAYER, squared_distance)


def start(w=(1.0, -2.0), player=PLAYER):
    variables = {"net": {"params": {"w": jnp.asarray(w)}, "passes": {"n": jnp.zeros((), jnp.int32)}}}
    return State(jnp.zeros((), jnp.int32), variables, init_players((player,), variables))


def over_replicas(step):
    return jax.jit(jax.vmap(step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS))


def untouched(key, state, batch):
    del key, state
    return batch


BATCH = {"x": jnp.asarray([[[1.0, 0.0], [3.0, 1.0]], [[0.0, 2.0], [4.0, -1.0]]])}  # [replicas, per replica, 2]


def test_take_is_one_step_of_gradient_descent_on_the_global_batch():
    state, metrics = over_replicas(lambda *args: take(TURN, *args))(jax.random.key(0), start(), BATCH)
    w, x = np.array([1.0, -2.0]), np.asarray(BATCH["x"]).reshape(4, 2)
    chex.assert_trees_all_close(state.variables["net"]["params"]["w"], w - RATE * (w - x.mean(0)), rtol=1e-6)
    chex.assert_trees_all_close(metrics["turn/loss"].value, 0.5 * np.square(w - x).sum(1).mean(), rtol=1e-6)
    chex.assert_trees_all_close(metrics["turn/far"].value, np.abs(w - x).mean(), rtol=1e-6)
    assert metrics["turn/far"].count == 8
    # of the mean over replicas, not the mean of their norms
    chex.assert_trees_all_close(metrics["turn/gradient_norm"].value, np.linalg.norm(w - x.mean(0)), rtol=1e-6)


def test_the_norm_of_a_gradient_is_that_before_it_is_clipped():
    clipped = TURN._replace(player=PLAYER._replace(optimizer=optax.clip_by_global_norm(1e-3)))
    _, metrics = over_replicas(lambda *args: take(clipped, *args))(
        jax.random.key(0), start(player=clipped.player), BATCH
    )
    chex.assert_trees_all_close(metrics["turn/gradient_norm"].value, np.hypot(-1.0, -2.5), rtol=1e-6)


def test_a_turn_is_traced_once_for_all_steps_that_play_or_skip_it():
    seen = []
    turn = TURN._replace(loss=lambda *args: seen.append(None) or squared_distance(*args), when=every(4, offset=1))
    step = play([turn], untouched)
    jax.eval_shape(over_replicas(step), jax.random.key(0), start(), BATCH)
    for phase in range(4):
        jax.eval_shape(over_replicas(partial(step, phase=phase)), jax.random.key(0), start(), BATCH)
    assert len(seen) == 1


def test_take_keeps_what_is_carried_but_not_parameters_in_it():
    state, _ = over_replicas(lambda *args: take(TURN, *args))(jax.random.key(0), start(), BATCH)
    assert state.variables["net"]["passes"]["n"] == 1
    assert not np.any(np.asarray(state.variables["net"]["params"]["w"]) == 77.0)


def test_a_turn_is_played_only_when_due_and_counts_nothing_otherwise():
    step = over_replicas(play((TURN._replace(when=every(3, offset=1)),), untouched))
    state, moved, counts = start(), [], []
    for _ in range(6):
        before = state.variables["net"]["params"]["w"]
        state, metrics = step(jax.random.key(0), state, BATCH)
        moved.append(bool((state.variables["net"]["params"]["w"] != before).any()))
        counts.append(float(metrics["turn/loss"].count))
    assert moved == [False, True, False, False, True, False]
    assert counts == [0, 2, 0, 0, 2, 0]
    assert state.step == 6


def test_a_phase_known_when_traced_gives_the_same_without_a_branch():
    step = play((TURN._replace(when=every(2, offset=1)),), untouched)
    for number in range(4):
        state = start().replace(step=jnp.asarray(number, jnp.int32))
        known = over_replicas(partial(step, phase=number % 2))
        chex.assert_trees_all_equal(
            known(jax.random.key(0), state, BATCH), over_replicas(step)(jax.random.key(0), state, BATCH)
        )
        assert "case" not in known.lower(jax.random.key(0), state, BATCH).as_text()


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (every(3, length=2), "110110"),
        (every(3, offset=1, length=2), "011011"),
        (every(2, length=2), "111111"),
        (every(6, offset=2, length=3), "001110"),
    ],
)
def test_a_turn_can_be_due_at_several_steps_of_a_period(when, expected):
    step = play((TURN._replace(when=when),), untouched)
    branching, known, state = over_replicas(step), {}, start()
    for number, due in enumerate(expected):
        phase = number % when.period
        known.setdefault(phase, over_replicas(partial(step, phase=phase)))
        after, metrics = branching(jax.random.key(0), state, BATCH)
        chex.assert_trees_all_close((after, metrics), known[phase](jax.random.key(0), state, BATCH), rtol=1e-6)
        moved = bool((after.variables["net"]["params"]["w"] != state.variables["net"]["params"]["w"]).any())
        assert (moved, int(metrics["turn/loss"].count)) == ((True, 2) if due == "1" else (False, 0))
        state = after
    assert ("case" in branching.lower(jax.random.key(0), state, BATCH).as_text()) == (when.length < when.period)


def test_the_learning_rate_follows_the_steps_of_the_run_not_the_moves_of_the_player():
    player = Player("player", ("net",), optax.chain(optax.identity(), scale_by_rate(lambda step: 0.1 * (step + 1.0))))
    turn = Turn("turn", player, squared_distance, when=every(2, offset=1))
    step = over_replicas(play((turn,), untouched))
    state = start((1.0, 1.0), player)
    zeros = {"x": jnp.zeros((2, 1, 2))}
    for _ in range(4):  # moves at step 1 by 0.2 and at step 3 by 0.4
        state, _ = step(jax.random.key(0), state, zeros)
    chex.assert_trees_all_close(state.variables["net"]["params"]["w"], jnp.full(2, 0.8 * 0.6), rtol=1e-6)


def test_every_step_and_every_turn_draws_from_a_key_of_its_own():
    def drawn(key, state, batch):
        del state, batch
        return jnp.zeros(()), ({"draw": mean_of(jax.random.uniform(key, ()))}, {})

    def prepare(key, state, batch):
        del state
        return {**batch, "prepared": jax.random.uniform(key, ())}

    def prepared(key, state, batch):
        del key, state
        return jnp.zeros(()), ({"draw": mean_of(batch["prepared"])}, {})

    turns = (Turn("a", PLAYER, drawn), Turn("b", PLAYER, drawn), Turn("c", PLAYER, prepared))
    step, state, values = over_replicas(play(turns, prepare)), start(), []
    for _ in range(3):
        state, metrics = step(jax.random.key(0), state, BATCH)
        values += [float(metrics[f"{name}/draw"].value) for name in "abc"]
    assert len(set(values)) == 9


def test_the_names_of_turns_must_differ():
    with pytest.raises(ValueError, match="unique names"):
        play((TURN, TURN), untouched)


def test_the_period_is_that_of_the_whole_pattern():
    assert period((TURN,)) == 1
    assert period((TURN, TURN._replace(when=every(4)), TURN._replace(when=every(6, 5)))) == 12


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0, 0), "period"),
        ((-1, 0), "period"),
        ((3, 3), "offset"),
        ((3, -1), "offset"),
        ((3, 0, 0), "length"),
        ((3, 0, 4), "length"),
        ((3, 2, 2), "length"),
    ],
)
def test_a_turn_that_is_never_due_or_beyond_its_period_is_refused(arguments, named):
    with pytest.raises(ValueError, match=f"{named}=.* must"):
        every(*arguments)
