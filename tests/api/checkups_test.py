"""A run is looked at, quiet while it is healthy, and says when an illness begins and when it is over."""

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.api.checkups import Checkups
from gengen.core.field import Field
from gengen.core.model import GenerativeModel
from gengen.core.state import State
from gengen.data.signature import DataSet, Signature
from gengen.training.writer import Writer, read_lines

POINTS = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
SIGNATURE = Signature("some", "points", {"data": Field((2,), "float32")}, {"train": 600, "test": 600}, "")
DATA = DataSet(SIGNATURE, {"train": {"data": POINTS}, "test": {"data": POINTS + 1}}, None)
CONFIG = ConfigDict({"model": {"name": "fake"}, "training": {"diagnose_every": 10}})


def sample(key, variables, n, condition=None):
    del key, condition
    return jnp.resize(jnp.asarray(POINTS[:100]) + 0.3, (n, 2)) * variables["generator"]["params"]["scale"]


def state(scale):
    return State(jnp.zeros((), jnp.int32), {"generator": {"params": {"scale": jnp.float32(scale)}}}, {})


MODEL = GenerativeModel(
    lambda key, batch: state(1), lambda key, state, batch, *, phase=None: (state, {}), sample=sample
)


def looked(folder, scales, start=0, first=1.0, config=CONFIG):
    """The steps and the sentences of looks at states after 10, 20, ... steps from `start` on."""
    writer = Writer(folder, start)
    checkups = Checkups(MODEL, DATA, config, folder)
    checkups.begin(state(first), start, start + 10 * len(scales), writer)
    steps = [start + 10 * place for place in range(1, 1 + len(scales))]
    said = [
        (step, sentence) for step, scale in zip(steps, scales, strict=True) for sentence in checkups(state(scale), step)
    ]
    writer.close()
    return said


def test_a_healthy_run_is_looked_at_in_silence(tmp_path):
    assert looked(tmp_path, [1.0] * 12) == []
    lines = read_lines(tmp_path / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(10, 130, 10))
    assert lines[0]["samples/movement"] == 0


def test_an_illness_is_told_once_when_it_begins_and_once_when_it_is_over(tmp_path):
    """At the look at which all samples jump to one mode, they might rotate."""
    (began, sentence), (ended, over) = looked(tmp_path, [1.0, 1.0, *[0.01] * 6, *[1.0] * 6])
    assert (began, ended) == (70, 120)
    assert "has collapsed: samples/spread 0.0" in sentence and "since step 40" in sentence
    assert over == "over: the generator has collapsed"


def test_a_run_that_goes_on_remembers_what_it_had(tmp_path):
    assert looked(tmp_path, [1.0, 1.0, *[0.01] * 3]) == []
    ((step, sentence),) = looked(tmp_path, [0.01, 0.01], start=50, first=0.01)
    assert step == 70 and "since step 40" in sentence


@pytest.mark.parametrize(
    ("asked", "compared"), [({}, False), ({"to_heal": ("collapse",)}, True), ({"spent": "no"}, True)]
)
def test_a_run_that_is_healed_goes_on_from_a_look_at_any_step_also_when_all_was_tried(tmp_path, asked, compared):
    """Windows of steps end where they end, and a checkpoint after the step of a look has the look, too."""
    writer = Writer(tmp_path, 15)
    checkups = Checkups(MODEL, DATA, CONFIG, tmp_path, **asked)
    checkups.begin(state(1.0), 15, 40, writer)
    checkups(state(0.9), 20)
    writer.close()
    (line,) = read_lines(tmp_path / "metrics.jsonl")
    assert ("samples/movement" in line) == compared


@pytest.mark.parametrize("every", [0, 1_000])
def test_a_run_that_asks_for_no_look_or_is_too_short_for_one_has_none(tmp_path, every):
    config = ConfigDict({"model": {"name": "fake"}, "training": {"diagnose_every": every}})
    assert looked(tmp_path, [0.01] * 12, config=config) == []
    assert read_lines(tmp_path / "metrics.jsonl") == []
