"""Members of a run are what their seeds would have trained alone, to the last bits that XLA gives both."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.build.averages import exponential
from gengen.core.average import averaged
from gengen.core.game import Player, Turn, begin, every, period, play
from gengen.core.mean import mean_of
from gengen.core.model import GenerativeModel, Stage
from gengen.core.parallel import local_keys, parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.data.pipeline import batches, first_batch
from gengen.training.members import frozen, keys_of, member, seeded, together
from tests.compilations import CountedCompilations

SEEDS = (5, 6, 7)


def toy():
    """Two players, one of whom moves every other step; noise, a schedule, an average and a stage.

    What player a begins with are also the first data, as where a flow normalises them.
    """

    def variables(key, batch):
        one, two = jax.random.split(key)
        return {
            "a": {"params": {"w": jax.random.normal(one, (3,)) + batch["data"].mean(0)}},
            "b": {"params": {"w": jax.random.normal(two, (3,))}},
        }

    def loss(name, other):
        def of(key, state, batch):
            weights = {each: state.variables[each]["params"]["w"] for each in "ab"}
            away = batch["data"] + batch["noise"] - (weights[name] - 0.1 * weights[other])[None]
            return (away**2).mean(), ({"away": mean_of(jnp.abs(away))}, {})

        return of

    def prepare(key, state, batch):
        del state
        noise = jax.vmap(lambda key: jax.random.normal(key, (3,)))(local_keys(key, len(batch["data"])))
        return {**batch, "noise": noise}

    optimizer = optax.chain(optax.trace(0.5), scale_by_rate(lambda step: 0.1 / (1 + step)))
    players = {name: Player(name, (name,), optimizer) for name in "ab"}
    turns = [
        Turn("a", players["a"], loss("a", "b")),
        Turn("b", players["b"], loss("b", "a"), when=every(2, offset=1)),
    ]
    model = GenerativeModel(begin(variables, list(players.values())), play(turns, prepare), period(turns))
    model = model._replace(stages=(Stage(4, play(turns[:1], prepare)),))
    return averaged(model, taken={"": exponential(0.9)}, networks=("a",))


DATA = {"data": np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)}


def trained(model, key, seed, *, devices=1, fused=2, at_once=False, spoilt=None, state=None, first=0, last=6):
    """Steps of both stages; `spoilt` is the step at which a member, by its index, is given what is no number."""
    there, dispatched = jax.devices()[:devices], partial(together, at_once=at_once) if jnp.ndim(key) else parallel
    begin_with = first_batch(DATA, seed=seed, batch_size=4)
    state = replicate(jax.jit(model.init)(key, begin_with) if state is None else state, there)
    steps = [(start, start + fused) for start in range(first, last, fused)]
    stages = [
        dispatched(stage.train_step, there, period=stage.period)
        for stage in (Stage(0, model.train_step, model.period), *model.stages)
    ]
    seen = []
    fed = batches(DATA, seed=seed, batch_size=4, windows=steps, devices=devices)
    for (start, _), batch in zip(steps, fed, strict=True):
        if spoilt and start <= spoilt[0] < start + fused:
            batch["data"][:, spoilt[0] - start, spoilt[1]] = np.nan
        state, metrics = stages[start >= 4](key, state, batch, start)
        seen.append(jax.device_get(metrics))
    return jax.device_get(state), seen


@pytest.mark.parametrize(("devices", "fused", "at_once"), [(1, 1, True), (1, 2, False), (2, 2, True)])
def test_a_member_is_the_run_of_its_seed_alone(devices, fused, at_once):
    several = trained(seeded(toy()), keys_of(SEEDS), SEEDS, devices=devices, fused=fused, at_once=at_once)
    for index, seed in enumerate(SEEDS):
        alone, also = trained(toy(), jax.random.key(seed), seed, devices=devices, fused=fused)
        tolerance = 1e-6 if at_once else 0.0
        chex.assert_trees_all_close(member(several[0], index), alone, atol=tolerance, rtol=tolerance)
        own = jax.tree.map(lambda leaf, index=index: leaf[:, index], several[1])
        chex.assert_trees_all_close(own, also, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("promotion", ["strict", "standard"])
def test_members_that_step_beside_each_other_do_so_by_one_program(promotion):
    """Whoever is first compiles it, and the others wait for that, in whatever context."""
    model, keys, there = seeded(toy()), keys_of(SEEDS), jax.devices()[:1]
    dispatch = together(model.train_step, there, period=model.period)
    state = replicate(jax.jit(model.init)(keys, first_batch(DATA, seed=SEEDS, batch_size=4)), there)
    windows = [(start, start + 2) for start in range(0, 8, 2)]
    with CountedCompilations() as compiled, jax.numpy_dtype_promotion(promotion):
        fed = batches(DATA, seed=SEEDS, batch_size=4, windows=windows, devices=1)
        numbers = []
        for (start, _), batch in zip(windows, fed, strict=True):
            state, _ = dispatch(keys, state, batch, start)
            numbers.append(compiled())
    assert numbers[0] == numbers[-1] > 0


def test_a_member_that_stops_being_finite_stays_as_it_was_before_that_window_and_the_others_do_not_notice():
    model, keys = seeded(toy()), keys_of(SEEDS)
    healthy, _ = trained(model, keys, SEEDS)
    before, _ = trained(model, keys, SEEDS, last=2)
    hurt, measured = trained(model, keys, SEEDS, spoilt=(3, 1))
    assert frozen(hurt).tolist() == [-1, 2, -1]
    for index, expected in ((0, healthy), (1, before), (2, healthy)):
        chex.assert_trees_all_equal(member(hurt, index).replace(step=0), member(expected, index).replace(step=0))
    assert hurt.step == 6
    assert np.isnan(measured[1]["a/loss"].total[1, 1])
    assert measured[2]["a/loss"].count.tolist() == [[1, 0, 1]] * 2


def test_members_go_on_from_a_copy_exactly_and_who_is_frozen_stays_so():
    model, keys = seeded(toy()), keys_of(SEEDS)
    straight, _ = trained(model, keys, SEEDS, spoilt=(0, 2))
    half, _ = trained(model, keys, SEEDS, spoilt=(0, 2), last=4)
    resumed, _ = trained(model, keys, SEEDS, state=jax.tree.map(np.array, half), first=4)
    chex.assert_trees_all_equal(resumed, straight)
    assert frozen(resumed).tolist() == [-1, -1, 0]
