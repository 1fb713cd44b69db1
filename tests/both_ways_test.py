"""The benchmark of both ways of drawing from a flow: the same samples, and a sentence for what has no two ways."""

from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks.sampling import WAYS, both_ways, main
from configs import maf, realnvp
from gengen.build.model import build_model
from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.runs.run import Run

SIGNATURE = Signature("moons", "points", {"data": Field((2,), "float32")}, {"train": 100, "test": 10}, "")


def untrained(config):
    config.networks.flow.update(width=4)
    model = build_model(config, SIGNATURE)
    with jax.numpy_dtype_promotion("standard"):
        state = model.init(jax.random.key(0), {"data": np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)})
    origin = {"checkpoint": "latest", "weights": "as trained"}
    return Run(Path("run"), config, SIGNATURE, model, 0, state.variables, origin, config)


def test_both_ways_draw_the_same_and_their_speeds_are_of_them():
    config = maf.get_config("table")
    config.networks.flow.layers = 1
    found = both_ways(untrained(config), samples=3, rounds=2)
    assert found["largest_difference"] < 1e-5 and found["share_that_differs"] == 0
    assert set(found["images_per_second"]) == set(WAYS) and min(found["images_per_second"].values()) > 0


def test_what_has_no_two_ways_is_refused(capsys, tmp_path):
    with pytest.raises(Refusal, match="is no run of an autoregressive flow"):
        both_ways(untrained(realnvp.get_config("moons")), samples=1, rounds=1)
    assert main([f"--workdir={tmp_path}"]) == 2
    assert "holds no run" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([f"--workdir={tmp_path}", "--num=0"])
