"""Every key of every shipped config, set to what it is not made for: fine, or one sentence and status 2."""

import runpy
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

SWEEP = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sweep.py"))))

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how ml_collections imports a config


@pytest.fixture
def sweeper(monkeypatch, tmp_path, data_dir):
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    monkeypatch.chdir(tmp_path)  # where a folder of data called "abc" may be made
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield SWEEP.Sweeper(monkeypatch)


def test_the_sweep_has_every_key_of_every_config_with_every_value():
    counted = Counter(SWEEP.cases())
    assert max(counted.values()) == 1
    assert len(counted) > 20_000
    assert len(counted) % len(SWEEP.VALUES) == 0
    covered = {(experiment.partition(":")[0], key) for experiment, key, value in counted if value == "nan"}
    for experiment, config in SWEEP.experiments():
        for key in SWEEP.leaves(config):
            assert (experiment.partition(":")[0], key) in covered


FEW = ("ae", "wgan")
"""Experiments of which a part is swept in the default suite."""


@pytest.mark.input(
    "Keys of a config",
    "any key of any shipped config set to any of a dozen values",
    "refused",
    "one sentence with status 2, unless the value is one that the key may have",
)
def test_a_part_of_the_sweep(sweeper):
    some = [case for case in SWEEP.cases() if any(case[0].endswith(f"/{name}.py") for name in FEW)]
    some = [case for case in some if not case[1].endswith("_dir")][::9]
    found = [wrong for case in some if (wrong := sweeper.verdict(*case))]
    assert not found, "\n".join(found)
    assert len(some) > 100


@pytest.mark.slow
def test_the_whole_sweep(sweeper):
    found, count = [], 0
    for case in SWEEP.cases():
        found += filter(None, [sweeper.verdict(*case)])
        count += 1
    assert not found, f"{len(found)} of {count:,}:\n" + "\n".join(found)
    assert count > 20_000
    print(f"{count:,} cases")
