"""What `benchmarks` makes of what it measured."""

import json
import statistics

import pytest
from scipy import stats

from benchmarks.__main__ import parser
from benchmarks.arithmetics import Run, as_table, difference, rows_of
from benchmarks.cases import CASES
from benchmarks.gengen_worker import config_of
from benchmarks.report import ratio
from gengen.build.model import check_model
from gengen.core.refusal import Refusal
from gengen.metrics.interval import LEVEL

pytestmark = pytest.mark.quick


def test_a_ratio_is_of_medians_and_its_spread_of_single_rounds():
    found = ratio([1.0, 2.0, 10.0], [4.0, 6.0, 10.0])
    assert found.value == 3.0  # 6 / 2
    assert (found.low, found.high) == (1.0, 4.0)


def test_what_slows_both_down_alike_leaves_the_spread_alone():
    slow = [1.0, 1.7, 3.0]
    found = ratio([0.5 * factor for factor in slow], slow)
    assert found == pytest.approx((2.0, 2.0, 2.0))


def test_the_interval_of_a_difference_is_welchs():
    first, second = [5.0, 5.4, 5.1], [6.0, 7.5, 6.3]
    found = difference(first, second)
    parts = [statistics.variance(values) / 3 for values in (first, second)]
    degrees = sum(parts) ** 2 / sum(part**2 / 2 for part in parts)  # Welch and Satterthwaite
    half = stats.t.ppf((1 + LEVEL) / 2, degrees) * sum(parts) ** 0.5
    value = statistics.mean(second) - statistics.mean(first)
    assert found == pytest.approx((value, value - half, value + half))


def judged(folder, step, scores):
    runs = []
    for index, (precision, value) in enumerate(scores):
        run = Run("iwae", precision, index, folder / f"iwae-{precision}-{index}")
        run.folder.mkdir(parents=True)
        bounds = {"1": {"nats": {"value": value - 1}}, "5000": {"nats": {"value": value}}}
        run.evaluation.write_text(json.dumps({"step": step, "likelihood": bounds}))
        runs.append(run)
    return runs


def test_the_table_of_arithmetics_compares_the_tightest_bounds(tmp_path):
    runs = judged(tmp_path, 9, [("float32", -87.0), ("bfloat16", -87.1), ("float32", -87.2), ("bfloat16", -87.3)])
    (row,) = rows_of(runs)
    assert row["values"] == {"float32": [-87.0, -87.2], "bfloat16": [-87.1, -87.3]}
    assert as_table([row]).endswith("| yes        |")


def test_runs_of_different_lengths_are_not_compared(tmp_path):
    runs = judged(tmp_path / "a", 9, [("float32", -87.0)]) + judged(tmp_path / "b", 10, [("bfloat16", -87.0)])
    with pytest.raises(Refusal, match="after 9, 10 steps"):
        rows_of(runs)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_case_is_a_config_that_gengen_takes(name, precision):
    check_model(config_of(name, precision))


def test_the_command_names_every_case():
    assert parser().parse_args([]).only.split(",") == list(CASES)
