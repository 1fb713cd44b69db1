"""A dry run shows the networks, whatever else a state carries; a list fits a terminal and one experiment is whole."""

from pathlib import Path

import jax
import pytest

from configs import base
from gengen.cli import flags
from gengen.cli.describe import dry_run, experiments, list_experiments, show_experiment
from gengen.core.refusal import Refusal

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("view", ["augmentation", "instance_noise"])
def test_what_views_carry_is_no_network(view, data_dir, capsys):
    config = base.vary(base.gan(*base.mlp()), "tiny", ("tiny",))
    config.data.data_dir = str(data_dir)
    config.model.views.augmentation.target = 0.6 if view == "augmentation" else 0.0
    config.model.views.instance_noise.update(deviation=0.5, steps=10 if view == "instance_noise" else 0)
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam
        dry_run(config)
    shown = capsys.readouterr().out
    assert [line.split()[2].rstrip(":") for line in shown.splitlines() if line.startswith("# Network")] == [
        "critic",
        "generator",
    ]


def test_the_list_has_every_experiment_whole_in_a_hundred_columns(capsys):
    list_experiments(CONFIGS)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    for experiment in experiments(CONFIGS):
        assert experiment.line in " ".join(shown.partition(f"\n{experiment.name} ")[2].split())


@pytest.mark.parametrize("name", ["wgan", "configs/wgan.py"])
def test_one_experiment_is_shown_with_paper_score_and_variants(name, capsys):
    show_experiment(CONFIGS, name)
    shown = capsys.readouterr().out
    assert "arxiv.org/abs/1701.07875" in shown and "Score: " in shown
    assert "VARIANT: tiny, digits, mnist, fashion_mnist, paper, convolutional." in " ".join(shown.split())


@pytest.mark.input("Flags", "--list=NAME of no experiment", "refused", "the nearest name, and --list")
def test_an_experiment_that_is_not_there_is_not_shown():
    with pytest.raises(Refusal, match=r"no experiment dgan \(did you mean dcgan\?\); --list"):
        show_experiment(CONFIGS, "dgan")


@pytest.mark.input("Flags", "--list=NAME of a config that fails", "refused", "its path and its error")
def test_a_config_that_fails_is_one_sentence(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def get_config(variant): ...\nimport nothing_of_this_name\n")
    with pytest.raises(Refusal, match=r"mine\.py fails \(ModuleNotFoundError"):
        show_experiment(tmp_path, "mine")


@pytest.mark.parametrize(("given", "asked"), [([], None), (["--list"], ""), (["--list=wgan"], "wgan")])
def test_a_name_may_follow_the_list(given, asked):
    assert flags.parse(["launch.py", *given]).list == asked
