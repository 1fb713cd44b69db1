"""A dry run shows the networks, whatever else a state carries; of each key one is told what it may be and means."""

from pathlib import Path

import jax
import pytest

from configs import base
from gengen.cli.describe import show_keys
from gengen.cli.dry_run import dry_run
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


def test_keys_are_shown_with_value_range_and_meaning_in_a_hundred_columns(capsys):
    show_keys(CONFIGS, "wgan:paper")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    assert "config.optimizers.critic.rate = 5e-05" in shown
    show_keys(CONFIGS, "configs/wgan.py", "Clip")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "config.model.clip = 0.01" and lines[0].endswith(
        "a number in (0, 1e+09], or None"
    )
    assert lines[1] == "    the largest absolute value of a parameter of the critic; None leaves them free."
    assert lines[-1] == "3 keys of configs/wgan.py, each set as in --config.model.clip=0.01"


@pytest.mark.input("Flags", "--grep=WORD that no key says", "refused", "the word")
def test_a_word_that_no_key_says_is_refused():
    with pytest.raises(Refusal, match=r"no key of wgan says 'momentum'"):
        show_keys(CONFIGS, "wgan", "momentum")
