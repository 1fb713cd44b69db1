"""Every experiment measured: one that fails, or does not end, is a row like the others."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from gengen.cli import measure_all as module
from gengen.cli.experiments import experiments
from gengen.cli.measure_all import measure_all
from gengen.core.refusal import Refusal
from tests.reports.benchmarks_test import found

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def started(monkeypatch):
    """The commands that were started; "wgan" fails, "vae" never ends."""
    commands = []

    def run(command, *, timeout, **_):
        commands.append(command)
        if "wgan" in command[3]:
            return SimpleNamespace(returncode=2, stderr="a warning\nlaunch.py: there is no disk.\n")
        if "/vae" in command[3]:
            raise subprocess.TimeoutExpired(command, timeout)
        output = next(flag for flag in command if flag.startswith("--output=")).partition("=")[2]
        Path(output).write_text(json.dumps(found(0.010, 0.005)))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(module.subprocess, "run", run)
    return commands


def test_one_that_fails_ends_nothing(started, tmp_path, capsys):
    output = tmp_path / "new" / "benchmark.json"
    assert measure_all(CONFIGS, "wgan,vae,ae:tiny", output, 2) == output
    assert [command[3] for command in started] == [f"--config={CONFIGS}/{name}" for name in NAMED]
    assert all("--seconds=2" in command for command in started)
    rows = json.loads(output.read_text())["experiments"]
    assert rows["wgan"] == "launch.py: there is no disk."
    assert rows["vae"] == f"it did not end within {module.PATIENCE:.0f} s"
    assert rows["ae:tiny"] == found(0.010, 0.005)
    table = output.with_suffix(".md").read_text()
    assert "there is no disk" in table and table in capsys.readouterr().out


NAMED = ("wgan.py", "vae.py", "ae.py:tiny")


def test_all_are_all_that_a_list_names(started, tmp_path):
    measure_all(CONFIGS, "", tmp_path / "benchmark.json", None)
    assert [command[3] for command in started] == [f"--config={CONFIGS}/{e.name}.py" for e in experiments(CONFIGS)]


def test_a_wrong_name_is_refused_before_anything_is_measured(started, tmp_path):
    with pytest.raises(Refusal, match=r"no experiment dcgam \(did you mean dcgan\?\)"):
        measure_all(CONFIGS, "wgan,dcgam", tmp_path / "benchmark.json", None)
    assert not started


def test_it_is_refused_where_none_could_be_measured(started, tmp_path):
    with pytest.raises(Refusal, match=r"no experiment could be measured; wgan said: launch\.py: there is no disk"):
        measure_all(CONFIGS, "wgan", tmp_path / "benchmark.json", None)
