"""A list fits a terminal, one experiment is whole, and its variants say what they change."""

from pathlib import Path

import pytest

from gengen.cli import flags
from gengen.cli.experiments import config_of, experiments, list_experiments, show_experiment
from gengen.core.refusal import Refusal

CONFIGS = Path(__file__).parents[2] / "configs"

pytestmark = pytest.mark.quick


def test_the_list_has_every_experiment_whole_in_a_hundred_columns(capsys):
    list_experiments(CONFIGS)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    for experiment in experiments(CONFIGS):
        row = " ".join(shown.partition(f"\n{experiment.name} ")[2].split())
        assert experiment.line in row
        assert all(f":{variant}" in row for variant in config_variants(experiment.name))
    assert ":mnist_usps (mnist, usps_pooled)" in shown


def config_variants(name):
    module = {}
    exec((CONFIGS / f"{name}.py").read_text(), module)
    return module["VARIANTS"]


def test_the_list_is_looked_through_for_a_word(capsys):
    list_experiments(CONFIGS, "Arjovsky")
    assert next(line for line in capsys.readouterr().out.splitlines()[1:]).startswith("wgan  ")
    with pytest.raises(Refusal, match="no experiment says 'holography'"):
        list_experiments(CONFIGS, "holography")


@pytest.mark.parametrize("name", ["wgan", "configs/wgan.py"])
def test_one_experiment_is_shown_with_paper_score_and_what_each_variant_changes(name, capsys):
    show_experiment(CONFIGS, name)
    shown = capsys.readouterr().out
    assert "arxiv.org/abs/1701.07875" in shown and "Score: " in shown
    assert "\n:paper\n  optimizers.critic.rate     0.0002 -> 5e-05\n" in shown
    assert "  networks.critic.widths         (512, 256) -> nothing\n" in shown
    show_experiment(CONFIGS, f"{name}:paper")
    assert capsys.readouterr().out.count("\n:") == 1


@pytest.mark.input("Flags", "--list=NAME or --keys=NAME of no experiment", "refused", "the nearest name, and --list")
@pytest.mark.input("Flags", "--keys=NAME:VARIANT of no variant", "refused", "the nearest one, and all that there are")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("dgan", r"no experiment dgan \(did you mean dcgan\?\); --list"),
        ("base", r"no experiment base"),
        ("wgan:papr", r"wgan has no variant 'papr' \(did you mean paper\?\); its variants are tiny"),
    ],
)
def test_an_experiment_that_is_not_there_is_not_shown(asked, said):
    with pytest.raises(Refusal, match=said):
        show_experiment(CONFIGS, asked)


@pytest.mark.input("Flags", "--list=NAME of a config that fails", "refused", "its path and its error")
def test_a_config_that_fails_is_one_sentence_and_a_row_of_the_list(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("def get_config(variant): ...\nimport nothing_of_this_name\n")
    with pytest.raises(Refusal, match=r"mine\.py fails \(ModuleNotFoundError"):
        show_experiment(tmp_path, "mine")
    list_experiments(tmp_path)
    assert "mine    it fails" in capsys.readouterr().out


def test_a_config_of_ones_own_may_lie_anywhere(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from configs import gan\n\ndef get_config(variant=''):\n    return gan.get_config('tiny')\n")
    assert config_of(CONFIGS, str(path)).training.steps == 20


@pytest.mark.parametrize(("given", "asked"), [([], None), (["--list"], ""), (["--list=wgan"], "wgan")])
def test_a_name_may_follow_the_list(given, asked):
    assert flags.parse(["launch.py", *given]).list == asked
    given = [word.replace("list", "all") for word in given]
    assert flags.parse(["launch.py", "--mode=benchmark", *given]).all == asked


@pytest.mark.input("Flags", "--keys without a name, or --grep without --list or --keys", "refused", "what to write")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--list", "wgan"], "a name follows --list after a '=': write --list=wgan"),
        (["--mode=benchmark", "--all", "wgan"], "a name follows --all after a '=': write --all=wgan"),
        (["--mode=benchmark", "--all", "--dry_run"], "--all measures each experiment as it is, .*leave --dry_run out"),
        (["--mode=sample", "--all"], "--all is for --mode=benchmark alone"),
        (["--keys"], "--keys needs the name of an experiment, as in --keys=wgan"),
        (["--grep=clip"], "--grep=clip looks through --list or --keys=NAME"),
        (["--list=wgan", "--grep=clip"], "leave --grep=clip out"),
        (["--keys=wgan", "--seed=1"], "--keys prints keys and does nothing else; leave --seed=1 out"),
    ],
)
def test_flags_that_look_take_no_others(given, said):
    with pytest.raises(Refusal, match=said):
        flags.parse(["launch.py", *given])
