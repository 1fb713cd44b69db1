"""The arithmetic of a run: what "auto" becomes, that a run keeps it, and what older versions wrote of it."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import ae
from gengen.api import train
from gengen.cli.dry_run import dry_run
from gengen.core.refusal import Refusal
from gengen.runs import precision
from gengen.runs.folder import open_folder, read_folder
from gengen.runs.precision import Choice, by_kind, by_speed, settle
from gengen.runs.run import open_run

SIGNATURE = {"name": "few", "digest": "d"}

FAST, SLOW = Choice("bfloat16", "its products are quick"), Choice("float32", "bfloat16's products are slow here")


@pytest.fixture(autouse=True)
def promotion():
    """Optax raises floats to integer powers, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture
def machine(monkeypatch):
    """Returns a function that makes this machine one of a choice; of None, one that must not be asked."""

    def become(choice):
        def asked():
            assert choice is not None, "nothing is measured"
            return choice

        monkeypatch.setattr(precision, "choice", asked)

    return become


def tiny(data_dir):
    config = ae.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.networks.encoder.widths = config.networks.decoder.widths = (8,)
    config.training.update(steps=2, sample_every=0, checkpoint_every=0, precision="auto")
    return config


# The decision.


@pytest.mark.parametrize(("gain", "chosen"), [(0.2, "float32"), (1.29, "float32"), (1.3, "bfloat16"), (9, "bfloat16")])
def test_a_processor_takes_bfloat16_where_its_products_are_faster_by_three_tenths(gain, chosen):
    found, reason = by_speed(gain)
    assert found == chosen and f"{gain:.1f} times as fast here" in reason


@pytest.mark.parametrize(
    ("name", "capability", "chosen"),
    [
        ("TPU v5e", "", "bfloat16"),
        ("AMD Instinct MI250X", "gfx90a", "bfloat16"),
        ("NVIDIA H200", "9.0", "bfloat16"),
        ("NVIDIA B200", "10.0", "bfloat16"),
        ("Tesla T4", "7.5", "float32"),
    ],
)
def test_an_accelerator_takes_bfloat16_where_it_is_native(name, capability, chosen):
    found, reason = by_kind(name, capability)
    assert found == chosen and name in reason


@pytest.mark.parametrize(
    ("float32", "bfloat16", "gain"),
    [
        ([(3, 6), (4, 6), (9, 6)], [(1, 2), (9, 2), (9, 2)], 3),  # a machine that others use by the clock
        ([(2, 6), (2, 6), (2, 50)], [(2, 2), (2, 2), (2, 2)], 3),  # and all the time
        ([(4, 2), (4, 2), (4, 2)], [(1, 2), (1, 2), (1, 2)], 4),  # threads that wait
        ([(1, 2), (1, 2), (2, 4)], [(2, 4), (2, 4), (3, 4)], 0.5),  # one that is slower in bfloat16
    ],
)
def test_the_best_by_the_clock_or_the_median_of_the_processor_counts_without_what_compiles(
    monkeypatch, float32, bfloat16, gain
):
    seconds = iter([(9, 9), (0.01, 0.01), *(each for both in zip(float32, bfloat16, strict=True) for each in both)])
    monkeypatch.setattr(precision, "_seconds", lambda operand: next(seconds))
    monkeypatch.setattr(precision, "ROUNDS", 3)
    assert precision._gain() == pytest.approx(gain)


def test_both_products_are_added_up_in_float32():
    for dtype in (jnp.float32, jnp.bfloat16):
        operand = jax.ShapeDtypeStruct((4, 4), dtype)
        assert jax.eval_shape(precision._product, operand, operand).dtype == jnp.float32


def test_the_other_processes_do_as_the_first(monkeypatch, machine, capsys):
    machine(None)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    monkeypatch.setattr(precision.multihost_utils, "broadcast_one_to_all", lambda own: np.asarray(1))
    config = ConfigDict({"training": {"precision": "auto", "steps": 1}})
    settle(config)
    assert config.training.precision == "bfloat16"
    assert capsys.readouterr().out == ""


# A run keeps it.


def folder_of(tmp_path, found):
    """The folder of a run that has taken 5 steps."""
    open_folder(tmp_path, ConfigDict({"training": {"steps": 10, "precision": found}}), SIGNATURE)
    (tmp_path / "checkpoints" / "5").mkdir(parents=True)
    return tmp_path


@pytest.mark.input(
    "Run folders",
    "one in bfloat16 on a machine that is no faster in it",
    "guessed",
    "goes on in it, and a line says so",
)
@pytest.mark.parametrize(
    ("found", "steps", "here", "said"),
    [
        ("float32", 10, None, ""),
        ("bfloat16", 10, FAST, ""),
        ("bfloat16", 10, SLOW, f"precision: bfloat16, in which this run began, though {SLOW.reason}\n"),
        ("bfloat16", 5, None, ""),  # it is complete
    ],
)
def test_a_run_keeps_what_it_has_and_a_line_says_where_another_would_be_faster(
    machine, tmp_path, capsys, found, steps, here, said
):
    machine(here)
    config = ConfigDict({"training": {"steps": steps, "precision": "auto"}})
    settle(config, folder_of(tmp_path, found))
    assert config.training.precision == found
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("here", [FAST, SLOW])
def test_a_new_run_takes_what_is_faster_and_says_so(machine, tmp_path, capsys, here):
    machine(here)
    config = ConfigDict({"training": {"steps": 10, "precision": "auto"}})
    settle(config, tmp_path)
    assert config.training.precision == here.precision
    assert capsys.readouterr().out == f"precision: {here.precision} ({here.reason})\n"


@pytest.mark.parametrize(("found", "asked"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_another_arithmetic_is_another_run(machine, tmp_path, found, asked):
    machine(FAST)
    folder, config = folder_of(tmp_path, found), ConfigDict({"training": {"steps": 10, "precision": asked}})
    settle(config, folder)
    with pytest.raises(Refusal, match=rf"config\.training\.precision is {found} there and {asked} here; choose"):
        open_folder(folder, config, SIGNATURE)


def test_what_is_trained_in_bfloat16_is_kept_and_opened_in_it(machine, data_dir, tmp_path):
    machine(FAST)
    train.run(tiny(data_dir), tmp_path)
    machine(None)
    train.run(tiny(data_dir), tmp_path)  # which is complete
    assert json.loads((tmp_path / "config.json").read_text())["training"]["precision"] == "bfloat16"
    run = open_run(tmp_path)
    key, images = jax.random.key(0), jnp.zeros((1, 8, 8, 1), jnp.uint8)
    assert "bfloat16" in str(jax.make_jaxpr(run.model.encode)(key, run.variables, images))
    assert {leaf.dtype for leaf in jax.tree.leaves(run.variables)} == {jnp.dtype("float32")}


def test_what_would_run_is_asked_in_the_same_way(machine, data_dir, tmp_path, capsys):
    machine(FAST)
    config = tiny(data_dir)
    dry_run(config, tmp_path / "run")
    said = capsys.readouterr().out
    assert said.startswith("precision: bfloat16") and "precision: bfloat16\n" in said.partition("# Config")[2]


def test_tiny_variants_measure_nothing(machine):
    machine(None)
    config = ae.get_config("tiny")
    settle(config)
    assert config.training.precision == "float32"


# What versions before 0.3 wrote.


def written(dtypes, **sections):
    networks = {f"network_{place}": {"name": "mlp", "dtype": dtype} for place, dtype in enumerate(dtypes)}
    return {"networks": networks, "training": {"steps": 1}, **sections}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (written([]), "float32"),
        (written(["float32", "float32"]), "float32"),
        (written(["bfloat16", "bfloat16"]), "bfloat16"),
        (written(["float32", "bfloat16"]), "bfloat16"),
        (written(["float32"], adaptation={"baseline": written(["float32"])}), "float32"),
    ],
)
def test_dtypes_of_networks_are_read_as_the_arithmetic_of_all(tmp_path, config, found):
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "data.json").write_text('{"name": "few"}')
    now, _ = read_folder(tmp_path)
    assert now.training.precision == found
    assert "dtype" not in now.to_json()


@pytest.mark.input(
    "Run folders",
    "a `config.json` with a dtype of each network, of older versions",
    "taken",
    "goes on in that arithmetic",
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_older_run_goes_on_in_its_arithmetic(machine, tmp_path, dtype):
    machine(FAST)
    older, config = written([dtype]), ConfigDict(written([]))
    config.networks.network_0 = ConfigDict({"name": "mlp"})
    config.training.precision = "auto"
    folder = folder_of(tmp_path, dtype)
    (folder / "config.json").write_text(json.dumps(older))
    settle(config, folder)
    open_folder(folder, config, SIGNATURE)
    assert json.loads((folder / "config.json").read_text()) == written_now(dtype)


def written_now(precision):
    return {"networks": {"network_0": {"name": "mlp"}}, "training": {"precision": precision, "steps": 1}}
