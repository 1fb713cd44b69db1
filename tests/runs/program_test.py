"""Members of a sweep are what their numbers would have trained alone, to rounding, and all of them are one program."""

import chex
import jax
import numpy as np
import pytest

from configs import gan, vae
from gengen.build.model import build_model
from gengen.build.sweep import alone
from gengen.core.field import Field
from gengen.core.parallel import parallel, replicate
from gengen.data.pipeline import batches, first_batch
from gengen.data.signature import BYTE, Signature
from gengen.runs.program import member_model, members_of, traced, trained_together
from gengen.training.members import member, together
from gengen.training.varied import numberless

STEPS = 4

PICTURES = {"data": np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), np.uint8)}

EXAMPLE = {"data": PICTURES["data"][:1]}

SIGNATURE = Signature("noise", "picture", {"data": Field((8, 8, 1), "uint8", *BYTE)}, {"train": 64}, "")


@pytest.fixture(autouse=True)
def standard_promotion():
    """As in a run: whole numbers meet floats."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def config_of(made, sweep, schedule="constant", seeds=1):
    config = made.get_config("tiny")
    config.training.update(steps=10, precision="float32", batch_size=8, seeds=seeds)
    for section in config.optimizers.values():
        section.schedule, section.eps = schedule, 1e-3  # or Adam makes steps of the rounding of gradients near 0
    config.sweep = sweep
    return config


def fed(seed):
    return batches(PICTURES, seed=seed, batch_size=8, windows=[(0, 2), (2, STEPS)], devices=1)


def trained(config, *, at_once=False):
    """The states of all members after a few steps on one device, each of its own."""
    model, members = member_model(config, SIGNATURE), members_of(config)
    several, keys = trained_together(model, config, SIGNATURE)
    begin_with = first_batch(PICTURES, seed=[each.seed for each in members], batch_size=8)
    state = replicate(jax.jit(several.init)(keys, begin_with), jax.devices()[:1])
    dispatch = together(several.train_step, jax.devices()[:1], period=several.period, at_once=at_once)
    for first, batch in zip((0, 2), fed([each.seed for each in members]), strict=True):
        state, _ = dispatch(keys, state, batch, first)
    states = [member(jax.device_get(state), index) for index in range(len(members))]
    return [state.replace(variables=numberless(state.variables)) for state in states]


def trained_alone(config, seed):
    model, key = build_model(config, SIGNATURE), jax.random.key(seed)
    begin_with = first_batch(PICTURES, seed=seed, batch_size=8)
    state = replicate(jax.jit(model.init)(key, begin_with), jax.devices()[:1])
    dispatch = parallel(model.train_step, jax.devices()[:1], period=model.period)
    for first, batch in zip((0, 2), fed(seed), strict=True):
        state, _ = dispatch(key, state, batch, first)
    return jax.device_get(state)


ROWS = (
    (gan, "optimizers.*.rate=1e-4,3e-3", "constant"),
    pytest.param(gan, "optimizers.*.rate=1e-4,3e-3", "cosine", marks=pytest.mark.slow),
    pytest.param(gan, "optimizers.critic.rate=1e-4,3e-3", "linear", marks=pytest.mark.slow),
    (gan, "optimizers.critic.b1=0,0.5", "constant"),
    (gan, "model.terms.r1.weight=0.3,2;model.terms.r2.weight=1", "constant"),
    pytest.param(gan, "model.terms.gradient_penalty.weight=1,10", "constant", marks=pytest.mark.slow),
    pytest.param(gan, "training.average.decay=0.05,0.99", "constant", marks=pytest.mark.slow),
    (vae, "model.objective.beta=0.5,3", "constant"),
)
"""What is swept, and by which schedule rates change."""


@pytest.mark.parametrize(("made", "sweep", "schedule"), ROWS)
def test_a_member_is_the_run_of_its_numbers_alone(made, sweep, schedule):
    config = config_of(made, sweep, schedule)
    *_, last = states = trained(config)
    own = trained_alone(alone(config, len(states) - 1), 0)
    chex.assert_trees_all_close(last, own, atol=1e-6, rtol=1e-6)
    away = jax.tree.map(lambda a, b: float(np.max(np.abs(a - b), initial=0)), states[0], last)
    assert max(jax.tree.leaves(away)) > 2e-5  # by far more than rounding


@pytest.mark.slow
def test_every_combination_has_all_seeds_and_members_may_take_each_step_at_once():
    config = config_of(gan, "optimizers.*.rate=1e-4,3e-3;model.terms.r1.weight=0.5,1", seeds=2)
    assert [(each.place, each.seed) for each in members_of(config)] == [(n // 2, n % 2) for n in range(8)]
    states = trained(config, at_once=True)
    chex.assert_trees_all_close(states[5], trained_alone(alone(config, 2), 1), atol=1e-5, rtol=1e-4)


def test_all_members_run_one_program(monkeypatch):
    traces, pmap = list[int](), jax.pmap

    def counting(run, **how):
        return pmap(lambda *arguments: (traces.append(1), run(*arguments))[1], **how)

    monkeypatch.setattr(jax, "pmap", counting)
    states = trained(config_of(gan, "model.terms.r1.weight=0.1,0.3,1,2"))
    assert len(traces) == 1
    weights = [jax.tree.leaves(state.variables["critic"]["params"])[-1] for state in states]
    assert len({np.asarray(own).tobytes() for own in weights}) == 4


def test_what_is_minimised_is_said_with_all_numbers():
    config = config_of(vae, "model.objective.beta=0.5,3")
    model = member_model(config, SIGNATURE)
    assert "0.5 / 3 x the divergence" in model.notes
    assert traced(config, model, SIGNATURE)
