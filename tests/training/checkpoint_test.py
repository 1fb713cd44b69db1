"""Checkpoints: round trips, rotation, damage, and what is refused."""

import os
import shutil
from contextlib import closing, nullcontext
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.training import checkpoint
from gengen.training.checkpoint import KEEP, Checkpoints, named_leaves
from gengen.training.loop import NonFiniteError


def state(step, width=3):
    params = {"w": jnp.arange(width, dtype=jnp.float32) + step}
    network = {"params": params, "stats": {"n": jnp.zeros((), jnp.bfloat16)}}
    return State(jnp.asarray(step, jnp.int32), {"net": network}, {"player": (jnp.ones((2, 2)), ())})


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path / "checkpoints")
    yield opened
    opened.close()


def test_what_is_restored_is_what_was_saved(checkpoints):
    checkpoints.save(7, state(7))
    checkpoints.wait()
    step, restored = checkpoints.restore_latest(state(0))
    assert step == 7
    chex.assert_trees_all_equal(restored, jax.device_get(state(7)))
    chex.assert_trees_all_equal_dtypes(restored, state(7))


def test_there_is_nothing_to_restore_at_first(checkpoints):
    assert checkpoints.restore_latest(state(0)) is None
    assert checkpoints.latest() is None


def test_the_latest_few_are_kept(checkpoints):
    for step in range(1, KEEP + 3):
        checkpoints.save(step, state(step))
    checkpoints.save(KEEP + 2, state(99))  # saved already: left as it is
    checkpoints.wait()
    assert checkpoints.restore_latest(state(0))[1].step == KEEP + 2
    assert checkpoints.steps() == list(range(3, KEEP + 3))


def test_a_saved_copy_does_not_follow_its_state(checkpoints):
    array = np.zeros(1000, np.float32)
    checkpoints.save(1, {"w": array})
    array[:] = 5
    checkpoints.wait()
    assert not checkpoints.restore_latest({"w": array})[1]["w"].any()


def test_numbers_that_are_none_are_not_saved(checkpoints):
    bad = state(1).replace(average={"net": {"params": {"w": jnp.asarray([0.0, jnp.nan])}}})
    with pytest.raises(NonFiniteError, match=r"average.net.params.w became nan at step 1"):
        checkpoints.save(1, bad)
    assert checkpoints.latest() is None


def test_another_model_is_refused_and_nothing_is_lost(checkpoints):
    checkpoints.save(1, state(1))
    checkpoints.wait()
    with pytest.raises(Refusal, match=r"variables.net.params.w is float32\[3\] there and float32\[4\] here"):
        checkpoints.restore_latest(state(0, width=4))
    assert checkpoints.steps() == [1]


def test_when_all_are_damaged_the_run_is_not_started_over(checkpoints, tmp_path):
    checkpoints.save(1, state(1))
    checkpoints.wait()
    for path in (tmp_path / "checkpoints" / "1").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(Refusal, match=r"every checkpoint .* is damaged"):
        checkpoints.restore_latest(state(0))


def test_leaves_are_named_by_their_path():
    assert list(named_leaves(state(0))) == [
        "step",
        "variables.net.params.w",
        "variables.net.stats.n",
        "opt.player.0",
    ]


NAMES = ("a[x]", "[0-9]*", "wh?t", "a\\b", "ends\\", "gs:", "new\nline", os.fsdecode(b"caf\xe9"))


@pytest.mark.input("Paths", "`[`, `]`, `*`, `?`, a backslash or a colon in the path of a run", "taken", "as any other")
@pytest.mark.input("Paths", "bytes that are not UTF-8 in the path of a run", "taken", "as any other")
@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_below_any_path_can_be_read_by_another_process(tmp_path, name):
    folder = tmp_path / name / "checkpoints"
    with closing(Checkpoints(folder)) as writer:
        writer.save(7, state(7))
        writer.save(9, state(9))
    with closing(Checkpoints(folder, read_only=True)) as reader:
        step, restored = reader.restore_latest(state(0))
        assert reader.steps() == [7, 9]
    assert step == 9
    chex.assert_trees_all_equal(restored, jax.device_get(state(9)))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.input("Run folders", "a disk that does not give back what it took", "refused", "at the first checkpoint")
@pytest.mark.parametrize("name", ["a[x]", "b[!c]"])
def test_a_checkpoint_counts_when_it_has_been_read_again(tmp_path, name, monkeypatch):
    monkeypatch.setattr(checkpoint, "plain", nullcontext)  # so that Orbax takes the path for a pattern
    with closing(Checkpoints(tmp_path / name)) as opened:
        with pytest.raises(
            Refusal, match=r"step 3 was written to .* and cannot be read again .*choose another --workdir"
        ):
            opened.save(3, state(3))
        assert opened.steps() == []
    assert [path.name.rpartition("-")[0] for path in (tmp_path / name).iterdir()] == ["damaged-3"]


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGES = {
    "a file of data is missing": ("state/ocdbt.process_0/d/*", Path.unlink),
    "a file of data is cut": ("state/ocdbt.process_0/d/*", cut),
    "the list of arrays is missing": ("state/manifest.ocdbt", Path.unlink),
    "the list of arrays is cut": ("state/manifest.ocdbt", cut),
    "the metadata are missing": ("state/_METADATA", Path.unlink),
    "the metadata are no JSON": ("state/_METADATA", cut),
    "the metadata are a list": ("state/_METADATA", lambda file: file.write_text("[]")),
    "the checksums are missing": ("checksums", shutil.rmtree),
    "the checksums are a list": ("checksums/metadata", lambda file: file.write_text("[1]")),
    "the arrays are missing": ("state", shutil.rmtree),
    "everything is missing": ("*", lambda path: shutil.rmtree(path) if path.is_dir() else path.unlink()),
}


@pytest.mark.input("Run folders", "a damaged newest checkpoint", "guessed", "the one before, and one line says so")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_one_line_and_the_one_before_is_used(tmp_path, damage, caplog, capfd):
    draws = np.random.default_rng(0)
    tree = {f"layer{number}": {"w": draws.normal(size=(50, 50))} for number in range(40)}
    with closing(Checkpoints(tmp_path)) as writer:
        for step in (1, 2):
            writer.save(step, tree)
    pattern, do = DAMAGES[damage]
    assert [do(path) for path in list((tmp_path / "2").glob(pattern))]
    capfd.readouterr()
    with closing(Checkpoints(tmp_path, read_only=True)) as reader:
        assert reader.restore_latest(tree)[0] == 1
    assert [record.getMessage().partition(" (")[0] for record in caplog.records if record.name == "gengen"] == [
        f"checkpoint 2 in {tmp_path} is damaged and is skipped"
    ]
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.input(
    "Kills", "a run that was killed before it deleted old checkpoints", "taken", "as many are kept as ever"
)
def test_what_a_killed_process_did_not_delete_is_deleted_at_the_end(tmp_path):
    with closing(Checkpoints(tmp_path, keep=9)) as killed:
        for step in range(1, KEEP + 4):
            killed.save(step, state(step))
    with closing(Checkpoints(tmp_path)) as opened:
        opened.wait()
        assert opened.steps() == [4, 5, 6]
        assert sorted(int(path.name) for path in tmp_path.iterdir()) == [4, 5, 6]
