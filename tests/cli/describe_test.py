"""A dry run shows the networks, whatever else a state carries."""

import jax
import pytest

from configs import base
from gengen.cli.describe import dry_run


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
