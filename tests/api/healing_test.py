"""A run that falls ill goes back and is healed, three times at most, and ends the same wherever it was killed."""

import io
import json
import math
import shutil
import threading
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from itertools import pairwise

import chex
import jax
import numpy as np
import pytest

from benchmarks.clinic import points
from configs import base
from gengen.api import healing, train
from gengen.api.charts import Charts
from gengen.api.checkups import Checkups
from gengen.core.refusal import Refusal
from gengen.diagnosis.cures import CRITIC
from gengen.runs.folder import CURES
from gengen.runs.healed import Change, Healed, as_cured, read_healed, write_healed
from gengen.tasks import diagnose
from gengen.training.checkpoint import Checkpoints
from gengen.training.loop import NonFiniteError, checked
from gengen.training.writer import read_lines

EVERY = 10
"""Steps between two checkpoints, with a look at each and one between."""


@pytest.fixture(autouse=True)
def no_charts(monkeypatch):
    """Curves are of no interest here, and take seconds."""
    monkeypatch.setattr(Charts, "draw", lambda self: None)


@pytest.fixture(scope="module")
def ill(data_dir):
    """Returns `(generator=1e-2, critic=1e-6, steps=60, **training) -> config`: a run that diverges at step 25."""
    return partial(config_of, str(data_dir))


def config_of(data_dir, generator=1e-2, critic=1e-6, steps=60, **training):
    config = points("ring", width=16)
    config.data.data_dir = data_dir
    for player, rate in (("generator", generator), ("critic", critic)):
        config.optimizers[player] = base.optimizer("adam", rate, b1=0.5)
    config.training.update(steps=steps, steps_per_dispatch=5, log_every=5, checkpoint_every=EVERY)
    config.training.update(
        **{"sample_every": 0, "diagnose_every": 5, "quick_compilation": True, "heal": True} | training
    )
    return config


def trained(config, folder):
    with jax.numpy_dtype_promotion("standard"):  # Optax raises floats to integer powers
        return train.run(config, folder)


def arrays_of(folder, step):
    checkpoints = Checkpoints(folder / "checkpoints", read_only=True, keep=10)
    arrays = checkpoints.read(step)
    checkpoints.close()
    return arrays


def lines_of(folder):
    return [{**line, "images_per_second": 0, "seconds": 0} for line in read_lines(folder / "metrics.jsonl")]


def steps_of(folder):
    return sorted(int(path.name) for path in (folder / "checkpoints").iterdir() if path.name.isdigit())


def weak(values, *, finite=True):
    """A cure that does not help: the critic is a little faster each time."""
    assert finite
    return {CRITIC: 2 * values[CRITIC]}


@pytest.fixture(scope="module")
def straight(tmp_path_factory, ill):
    """A run that three cures do not help, and what a kill would leave of it at each moment of its going back.

    Yields the folder, what it printed, and copies: of each time, in the order in which things were done.
    """
    folder, copies = tmp_path_factory.mktemp("straight"), []

    def leave(name):
        copies.append((name, folder / f"{len(copies)}-{name}" / "run"))
        while not copies[-1][1].exists():
            try:
                shutil.copytree(folder / "run", copies[-1][1])
            except shutil.Error:  # a checkpoint got its name meanwhile
                shutil.rmtree(copies[-1][1])

    def leaving(owner, name):
        done = getattr(owner, name)

        def watched(*given, **more):
            if name == "write_healed" and not given[1][-1].gone_back:
                leave("found")
            result = done(*given, **more)
            leave(name)
            return result

        return watched

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
        patch.setattr(Charts, "draw", lambda self: None)
        patch.setattr(healing, "cure", weak)
        for owner, name in (
            (healing, "write_healed"),
            (healing, "cut_lines"),
            (Checkpoints, "drop_after"),
            (Checkups, "__call__"),
        ):
            patch.setattr(owner, name, leaving(owner, name))
        trained(ill(), folder / "run")
    return folder / "run", out.getvalue(), copies


def test_a_run_goes_back_three_times_and_says_what_it_does(straight):
    folder, said, _ = straight
    healed = read_healed(folder)
    assert [(one.told, one.illness, one.back) for one in healed] == [(35, "diverging", 20)] * 2 + [(35, "diverging", 0)]
    rates = [1e-6, 2e-6, 4e-6, 8e-6]
    assert [one.changes for one in healed] == [
        (Change("optimizers.critic.rate", old, new),) for old, new in pairwise(rates)
    ]
    for one in healed:
        assert f"{folder} {one.line}" in said
    assert "samples/spread" in healed[0].line and "since step 25; back to step 20 with optimizers" in healed[0].line
    assert "3 cures did not help, and it goes on as it is" in said
    assert json.loads((folder / "config.json").read_text())["optimizers"]["critic"]["rate"] == 1e-6
    lines = read_lines(folder / "metrics.jsonl")
    trained = [(line["step"], line["critic/learning_rate"]) for line in lines if "critic/learning_rate" in line]
    assert trained == [(step, pytest.approx(8e-6)) for step in range(5, 65, 5)], "of one branch alone"
    looked = diagnose.main(folder, output=folder.parent / "said").read_text().splitlines()
    assert [line.removeprefix(f"{folder} ") for line in looked[:3]] == [one.line for one in healed]
    assert "diverges" in looked[3] and "since step 25" in looked[3]


@pytest.mark.input("Kills", "a run that is killed while it goes back from an illness", "taken", "ends as if it was not")
def test_a_run_killed_while_it_goes_back_goes_back_all_the_same(straight, ill):
    """Until all that was trained beyond is gone, and no longer: a process that goes on leaves what is trained then."""
    _, _, copies = straight
    names = [name for name, _ in copies]
    ends = [index for index, name in enumerate(names) if name == "write_healed" and names[index - 1] == "cut_lines"]
    assert len(ends) == 3
    for end, begun in zip(ends, (names.index("found"), *ends), strict=False):
        gone_back = copies[end][1]
        moments = [one for one in copies[begun:end] if one[0] in ("write_healed", "drop_after", "cut_lines")]
        for name, copy in moments[-3:]:
            checkpoints = Checkpoints(copy / "checkpoints", keep=4)
            healing.Healing(ill(), copy).go_back(checkpoints)
            assert [*checkpoints.steps(), 0][0] <= read_healed(copy)[-1].back, name
            checkpoints.close()
            assert steps_of(copy) == steps_of(gone_back)
            assert lines_of(copy) == lines_of(gone_back)
            assert (copy / CURES).read_text() == (gone_back / CURES).read_text()


@pytest.mark.parametrize(("moment", "times"), [("found", 1), ("write_healed", 4), ("__call__", 12)])
def test_a_run_killed_at_any_moment_ends_bit_for_bit_as_a_straight_one(straight, ill, monkeypatch, moment, times):
    """When an illness is found and not yet written down, when it is, and when a cured run is looked at."""
    folder, _, copies = straight
    copy = [copy for name, copy in copies if name == moment][times]
    assert copy.is_dir(), "each is used once"
    monkeypatch.setattr(healing, "cure", weak)
    trained(ill(), copy)
    chex.assert_trees_all_equal(arrays_of(copy, 60), arrays_of(folder, 60))
    assert steps_of(copy) == steps_of(folder)
    assert lines_of(copy) == lines_of(folder)
    assert (copy / CURES).read_text() == (folder / CURES).read_text()


def broken(*failing):
    """A NonFiniteError after so many steps in each attempt, whatever is trained."""
    attempts, done = iter(failing), train.train

    def watched(*given, **more):
        limit = next(attempts)

        def check(first, last, metrics):
            if last > limit:
                raise NonFiniteError("critic/loss", limit, math.nan)
            return checked(first, last, metrics)

        return done(*given, **{**more, "check": check})

    return watched


def test_what_is_no_number_any_more_is_healed_from_before_its_signs_were_seen(ill, monkeypatch, tmp_path):
    """At step 32, the last two looks have found the samples too wide; at step 44 of a cured run nothing was seen."""
    monkeypatch.setattr(train, "train", broken(32, 32, 44, 57))
    with pytest.raises(Refusal, match=r"critic/loss became nan at step 57 in .*3 cures did not help; the ch"):
        trained(ill(), tmp_path / "run")
    healed = read_healed(tmp_path / "run")
    assert [(one.told, one.illness, one.back) for one in healed] == [
        (32, "diverging", 20), (32, "diverging", 30), (44, "diverging", 0)
    ]  # fmt: skip
    assert [change.key for change in healed[0].changes] == ["optimizers.generator.rate", "optimizers.critic.rate"]


def test_an_illness_that_a_look_is_about_to_find_comes_before_what_is_found_later(ill, monkeypatch, tmp_path):
    """The look at step 50 takes so long that something of step 52 stops being a number before it is done."""
    look, beyond = Checkups.__call__, threading.Event()

    def slow(self, state, step):
        assert step != 50 or beyond.wait(20)
        return look(self, state, step)

    def check(first, last, metrics):
        if last == 55 and not beyond.is_set():
            beyond.set()
            raise NonFiniteError("critic/loss", 52, math.nan)
        return checked(first, last, metrics)

    done = train.train
    monkeypatch.setattr(train, "train", lambda *given, **more: done(*given, **{**more, "check": check}))
    monkeypatch.setattr(Checkups, "__call__", slow)
    trained(ill(diagnose_every=10), tmp_path / "run")
    (healed,) = read_healed(tmp_path / "run")
    assert "samples/spread" in healed.sentence and (healed.told, healed.back) == (50, 20)


def test_an_illness_that_the_last_look_finds_is_healed_too(ill, tmp_path, capsys):
    trained(ill(steps=35), tmp_path / "run")
    (healed,) = read_healed(tmp_path / "run")
    assert healed.told == 35
    assert capsys.readouterr().out.count("is complete at step 35") == 1
    assert steps_of(tmp_path / "run")[-1] == 35


@pytest.mark.parametrize(
    ("windows", "said", "kept"),
    [
        (5, "stopped at step 25; the same command goes on from step 20", [10, 20]),
        (6, "is complete at step 30", [10, 20, 30]),
    ],
)
def test_a_run_that_is_stopped_goes_on_from_where_it_was_looked_at(
    ill, monkeypatch, tmp_path, capsys, windows, said, kept
):
    """What it would save in between would be compared with another look than in a run that was never stopped."""
    asked = iter([*[False] * (windows - 1), *[True] * 9])
    with monkeypatch.context() as patch:
        patch.setattr(train, "stopping", lambda: nullcontext(lambda: next(asked)))
        trained(ill(1e-3, 1e-3, steps=30), tmp_path / "run")
    assert said in capsys.readouterr().out
    assert steps_of(tmp_path / "run") == kept


def test_a_run_that_is_stopped_while_it_falls_ill_goes_back_and_stops(ill, monkeypatch, tmp_path, capsys):
    asked = iter([*[False] * 6, *[True] * 9])
    with monkeypatch.context() as patch:
        patch.setattr(train, "stopping", lambda: nullcontext(lambda: next(asked)))
        trained(ill(), tmp_path / "run")
    said = capsys.readouterr().out
    assert "healed at step 35" in said and "stopped at step 35; the same command goes on from step 20" in said
    assert not read_healed(tmp_path / "run")[0].gone_back
    trained(ill(), tmp_path / "run")
    assert [one.gone_back for one in read_healed(tmp_path / "run")] == [True]


def test_the_best_checkpoint_is_none_that_was_abandoned(ill, tmp_path):
    best = Checkpoints(tmp_path / "best", keep=1)
    best.save(30, {"place": np.zeros(3)})
    best.close()
    write_healed(tmp_path, [Healed(35, "diverging", "seen", 20, (), gone_back=False)])
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=4)
    healing.Healing(ill(), tmp_path).go_back(checkpoints)
    checkpoints.close()
    assert not [path for path in (tmp_path / "best").iterdir() if path.name.isdigit()]


def test_no_picture_of_what_was_abandoned_is_left_for_the_film(ill, tmp_path):
    for kind in ("film", "samples"):
        (tmp_path / kind).mkdir()
        for step in (0, 20, 30):
            (tmp_path / kind / f"step_{step:08d}.png").touch()
    write_healed(tmp_path, [Healed(35, "diverging", "seen", 20, (), gone_back=False)])
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=4)
    healing.Healing(ill(), tmp_path).go_back(checkpoints)
    checkpoints.close()
    left = sorted(f"{path.parent.name} {int(path.stem[-8:])}" for path in tmp_path.glob("*/*.png"))
    assert left == ["film 0", "film 20", "samples 0", "samples 20"]


@pytest.mark.input("Run folders", "a damaged cures.json", "refused", "the file is named")
@pytest.mark.parametrize("content", ["[{", '[{"told": 3}]', '{"told": 3}', "[3]"])
def test_a_damaged_record_is_refused(tmp_path, content):
    (tmp_path / CURES).write_text(content)
    with pytest.raises(Refusal, match=r"cures\.json is missing or damaged"):
        read_healed(tmp_path)


def test_a_run_without_looks_back_has_no_record(tmp_path):
    assert read_healed(tmp_path) == ()


def test_what_was_changed_is_changed_of_a_copy(ill):
    config = ill()
    changes = (Change("optimizers.critic.rate", 1e-6, 1e-2), Change("optimizers.generator.rate", 1e-2, 5e-3))
    cured = as_cured(config, [Healed(35, "diverging", "seen", 20, changes, gone_back=True)])
    assert (cured.optimizers.critic.rate, cured.optimizers.generator.rate) == (1e-2, 5e-3)
    assert config.optimizers.critic.rate == 1e-6
