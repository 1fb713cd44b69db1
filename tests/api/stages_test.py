"""Runs of models that change on the way, and of models that are fed two streams: exact wherever they stop and go on."""

import dataclasses
import json
import shutil
from contextlib import contextmanager

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import aae_semi, base, cvae, latent_diffusion, vqvae
from gengen.api import ready, train
from gengen.build.model import build_model
from gengen.cli import dry_run
from gengen.core.mean import mean_of
from gengen.core.model import GenerativeModel, Stage
from gengen.core.parallel import replica_mean, replica_sum
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.dataset import load
from gengen.data.pipeline import batches
from gengen.data.signature import DataSet, Signature
from gengen.runs.run import open_run
from gengen.training.checkpoint import Checkpoints

STEPS, BOUNDARY, LENGTH = 12, 5, 2
"""Of a run whose dispatches end at 2, 4, 5, 6, 8, 10 and 12."""

NOTES = "walks at random, and doubles its pace when it is half way."


def walker(traced=None):
    """A model that walks as the data and its noise say, at a pace that doubles half way."""

    def init(key, batch):
        del key, batch
        variables = {"walker": {"params": {"place": jnp.zeros(3)}}}
        return State(jnp.zeros((), jnp.int32), variables, {"walker": jnp.zeros(3)})

    def stepping(name, pace):
        def step(key, state, batch, *, phase=None):
            if traced is not None:
                traced.add((name, phase))
            noise = jax.random.normal(jax.random.fold_in(key, state.step), (3,))
            light = replica_mean(batch["data"].astype(jnp.float32).mean()) / 255
            speed = 0.9 * state.opt["walker"] + light * noise
            index = state.variables["walker"]["params"]["place"] + pace * speed
            moved = state.replace(
                step=state.step + 1,
                variables={**state.variables, "walker": {"params": {"place": index}}},
                opt={"walker": speed},
            )
            return moved, {f"{name}/light": replica_sum(mean_of(light))}

        return step

    def sample(key, variables, n, condition=None):
        del key, condition
        return jnp.broadcast_to(jnp.tanh(variables["walker"]["params"]["place"][0]), (n, 4, 4, 1))

    stages = (Stage(BOUNDARY, stepping("late", 2.0), 2),)
    return GenerativeModel(init, stepping("early", 1.0), stages=stages, sample=sample, notes=NOTES)


def settings():
    config = base.vary(base.defaults(), "tiny", ("tiny",))
    config.training.update(steps=STEPS, steps_per_dispatch=LENGTH, log_every=BOUNDARY)
    config.training.update(checkpoint_every=BOUNDARY, sample_every=0)
    return config


@pytest.fixture
def walk(monkeypatch, tmp_path):
    """Returns `(name, stop=None, model=walker(), **training) -> folder`: trains, at most `stop` dispatches."""
    rng = np.random.default_rng(0)
    split = {"data": rng.integers(0, 256, (50, 4, 4, 1), np.uint8)}
    data = DataSet(Signature.of_pictures("few", (4, 4, 1), (), {}, "d"), {"train": split, "test": split}, tmp_path)
    monkeypatch.setattr(ready, "load_data", lambda config, rule="hash": data)
    monkeypatch.setattr(ready, "check_config", lambda config: None)  # it names no model

    def run(name, stop=None, model=None, **training):
        config = settings()
        config.training.update(training)
        monkeypatch.setattr(ready, "member_model", lambda config, signature: model or walker())
        monkeypatch.setattr(train, "stopping", stopping_after(stop))
        train.run(config, tmp_path / name)
        return tmp_path / name

    return run


def stopping_after(dispatches):
    """What takes the place of signals: a run is asked to stop after so many dispatches; never for None."""

    @contextmanager
    def stopping():
        asked = []

        def stop():
            asked.append(None)
            return len(asked) == dispatches

        yield stop

    return stopping


def arrays_of(workdir, step):
    checkpoints = Checkpoints(workdir / "checkpoints", read_only=True)
    arrays = checkpoints.read(step)
    checkpoints.close()
    return arrays


def lines_of(workdir):
    """What the run measured at each of its lines, but for times."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if "second" not in name} for line in lines]


def by_hand(steps):
    """The walk written out, with the light that the data shed at each step: (place [3], speed [3])."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 4, 4, 1), np.uint8)
    windows = [(step, step + 1) for step in range(steps)]
    fed = batches({"data": images}, seed=0, batch_size=16, windows=windows, devices=1)
    index, speed = np.zeros(3), np.zeros(3)
    for step, batch in enumerate(fed):
        noise = np.asarray(jax.random.normal(jax.random.fold_in(jax.random.key(0), step), (3,)))
        speed = 0.9 * speed + batch["data"].mean() / 255 * noise
        index = index + (2 if step >= BOUNDARY else 1) * speed
    return index, speed


def test_a_later_stage_takes_over_at_its_step_and_a_checkpoint_there_is_of_the_stage_before(walk):
    traced = set()
    workdir = walk("straight", model=walker(traced))
    for step in (BOUNDARY, 2 * BOUNDARY, STEPS):
        arrays, (index, speed) = arrays_of(workdir, step), by_hand(step)
        np.testing.assert_allclose(arrays["variables.walker.params.place"], index, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(arrays["opt.walker"], speed, rtol=1e-4, atol=1e-5)
        assert arrays["step"] == step
    assert [line.keys() - {"step"} for line in lines_of(workdir)] == [{"early/light"}, {"late/light"}, {"late/light"}]
    assert [line["step"] for line in lines_of(workdir)] == [BOUNDARY, 2 * BOUNDARY, STEPS]
    # Whole periods of the later stage are unrolled, as its own period says.
    assert traced == {("early", None), ("late", None), ("late", 0), ("late", 1)}


@pytest.mark.parametrize(("dispatches", "stopped"), [(2, 4), (3, BOUNDARY), (4, 6)])
def test_a_run_stopped_before_at_and_after_the_boundary_ends_as_a_straight_one(walk, dispatches, stopped, capsys):
    straight = walk("straight/run")
    workdir = walk("stopped/run", stop=dispatches)  # the same name, which stands in pictures
    assert f"stopped and saved at step {stopped} of {STEPS}" in capsys.readouterr().out
    walk("stopped/run")
    chex.assert_trees_all_equal(arrays_of(workdir, STEPS), arrays_of(straight, STEPS))
    assert lines_of(workdir)[-1] == lines_of(straight)[-1]
    assert (workdir / "samples" / f"step_{STEPS:08d}.png").read_bytes() == (
        straight / "samples" / f"step_{STEPS:08d}.png"
    ).read_bytes()


def test_a_run_that_was_killed_goes_on_from_the_checkpoint_at_the_boundary(walk, tmp_path):
    straight = walk("straight")
    shutil.copytree(straight, tmp_path / "killed")
    for step in (2 * BOUNDARY, STEPS):
        shutil.rmtree(tmp_path / "killed" / "checkpoints" / str(step))
    workdir = walk("killed")
    chex.assert_trees_all_equal(arrays_of(workdir, STEPS), arrays_of(straight, STEPS))
    assert lines_of(workdir) == lines_of(straight)


def test_a_run_that_ends_before_a_stage_begins_is_refused_and_leaves_nothing(walk, tmp_path):
    with pytest.raises(Refusal, match=rf"training\.steps={BOUNDARY} end before the stage of step {BOUNDARY} begins"):
        walk("run", steps=BOUNDARY)
    assert not (tmp_path / "run").exists()
    assert arrays_of(walk("run", steps=BOUNDARY + 1), BOUNDARY + 1)["step"] == BOUNDARY + 1


def test_what_training_minimises_is_said_when_it_starts_and_in_a_dry_run(walk, monkeypatch, capsys):
    workdir = walk("noted", sample_every=BOUNDARY)
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"{workdir} {NOTES}"
    drawn = [workdir / "samples" / f"step_{step:08d}.png" for step in (BOUNDARY, 2 * BOUNDARY, STEPS)]
    assert [line.split()[-1] for line in said.err.splitlines() if "samples" in line] == list(map(str, drawn))
    assert "late/light" in said.err.splitlines()[-1] and f"{STEPS}/{STEPS}  100%" in said.err.splitlines()[-1]
    workdir = walk("bare", model=walker()._replace(notes=""))
    assert capsys.readouterr().out.splitlines() == [f"{workdir} is complete at step {STEPS}."]
    monkeypatch.setattr(dry_run, "load_data", ready.load_data)
    monkeypatch.setattr(dry_run, "check_config", ready.check_config)
    for notes, shown in ((NOTES, f"\n# Objective\n{NOTES}\n"), ("", "")):
        monkeypatch.setattr(dry_run, "member_model", lambda *_, notes=notes: walker()._replace(notes=notes))
        dry_run.dry_run(settings())
        said = capsys.readouterr().out
        assert shown in said
        assert ("# Objective" in said) == bool(notes)


@pytest.fixture
def unseen(monkeypatch):
    """Pictures would take as long to compile as the training itself."""
    monkeypatch.setattr(train.Progress, "write", lambda *_: iter(()))


SECOND = {
    vqvae: ("prior_start", {"variables.prior", "opt.prior"}),
    latent_diffusion: (
        "diffusion_start",
        {"variables.denoiser", "variables.codes", "opt.denoiser", "average.denoiser"},
    ),
}
"""Experiments of two stages: where the second one begins, and what moves in it."""


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("experiment", [vqvae, pytest.param(latent_diffusion, marks=pytest.mark.slow)])
def test_a_run_goes_on_from_the_boundary_of_its_stages_as_if_nothing_had_happened(experiment, data_dir, tmp_path):
    begins, expected = SECOND[experiment]
    config = experiment.get_config("tiny")
    config.data.data_dir = str(data_dir)
    if experiment is vqvae:
        config.networks.prior.update(layers=1, width=8)
    else:
        config.networks.denoiser.update(multipliers=(1,), attention=())
    for coder in (config.networks.encoder, config.networks.decoder):
        coder.update(blocks=1, width=8, hidden=4)
    boundary, steps = config.model[begins], config.training.steps
    assert boundary == config.training.checkpoint_every < steps
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam
        train.run(config, tmp_path / "straight")
        shutil.copytree(tmp_path / "straight", tmp_path / "killed")
        shutil.rmtree(tmp_path / "killed" / "checkpoints" / str(steps))
        train.run(config, tmp_path / "killed")
    halfway, last = (arrays_of(tmp_path / "straight", step) for step in (boundary, steps))
    chex.assert_trees_all_equal(arrays_of(tmp_path / "killed", steps), last)
    moved = {".".join(name.split(".")[:2]) for name in last if (halfway[name] != last[name]).any()}
    assert moved == {"step", *expected}


@pytest.mark.usefixtures("unseen")
def test_a_semi_supervised_model_is_fed_images_without_labels_and_a_few_with_theirs(data_dir, tmp_path, monkeypatch):
    config = aae_semi.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.update(steps=10, batch_size=8)
    for network in config.networks.values():
        network.widths = (8,)
    fed = []

    def spied(*arguments, **rest):
        for batch in batches(*arguments, **rest):
            fed.append(batch)
            yield batch

    monkeypatch.setattr(train, "batches", spied)
    with jax.numpy_dtype_promotion("standard"):
        train.run(config, tmp_path / "run")
        assert open_run(tmp_path / "run").step == 10
    assert len(fed) == 2
    few = load(name="digits", resolution=8, channels=1, labelled=config.data.labelled, data_dir=data_dir)
    known = {image.tobytes(): label for image, label in zip(*few.splits["labelled"].values(), strict=True)}
    for batch in fed:
        assert set(batch) == {"data", "labelled"}
        assert set(batch["labelled"]) == {"data", "label"}
        assert batch["data"].shape == batch["labelled"]["data"].shape == (4, 5, 2, 8, 8, 1)
        images = batch["labelled"]["data"].reshape(-1, 8, 8, 1)
        assert [known[image.tobytes()] for image in images] == batch["labelled"]["label"].ravel().tolist()
        shown = {image.tobytes() for image in batch["data"].reshape(-1, 8, 8, 1)}
        assert len(shown - known.keys()) > len(shown) / 2, "the main stream is of all images"
    assert json.loads((tmp_path / "run" / "data.json").read_text())["counts"]["labelled"] == config.data.labelled
    (line,) = lines_of(tmp_path / "run")
    assert {"classifier/loss", "classifier/accuracy", "critic/loss", "autoencoder/loss"} <= line.keys()


def test_labels_that_training_hides_cannot_be_told_to_a_network():
    config = cvae.get_config("tiny")
    signature = Signature.of_pictures("few", (8, 8, 1), tuple("abcdefghij"), {"train": 500, "test": 50}, "d")
    build_model(config, signature)
    few = dataclasses.replace(signature, counts={**signature.counts, "labelled": 100})
    with pytest.raises(Refusal, match=r"data\.labelled=100 hides .*networks\.decoder\.condition='embedding' needs"):
        build_model(config, few)
