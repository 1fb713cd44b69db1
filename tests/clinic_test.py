"""What the clinic makes of runs whose illness is known: names, halves, delays."""

import json

import pytest

from benchmarks import clinic
from benchmarks.clinic import CASES, HEALTHY, Case, Run
from gengen.diagnosis.illnesses import ILLNESSES
from gengen.runs.check import check_config

ILL = Case("collapse", "ring", lambda: None)
WELL = Case(HEALTHY, "ring", lambda: None)


def test_a_run_is_called_what_it_had_longest_and_healthy_where_nothing_was_told():
    assert Run(ILL, 0, (("rotating", 100, 200), ("collapse", 300, 700))).right
    assert Run(ILL, 0, (("rotating", 100, 800), ("collapse", 300, 700))).named == "rotating"
    assert not Run(ILL, 0, ()).right
    assert Run(WELL, 0, ()).right
    assert not Run(WELL, 0, (("collapse", 100, 10),)).right


def test_halves_are_by_seed_and_the_delay_is_that_of_the_second():
    right, wrong = (("collapse", 300, 700),), (("dropped", 100, 900),)
    runs = [Run(ILL, 0, right), Run(ILL, 1, wrong), Run(ILL, 2, right), Run(ILL, 3, (("collapse", 500, 700),))]
    (row,) = clinic.rows_of(runs, 4)
    assert (row["runs"], row["right"], row["delays"]) == ([2, 2], [1, 2], [300, 500])
    assert row["wrong"] == ["seed 1: dropped"]
    (healthy,) = clinic.rows_of([Run(WELL, 0, ()), Run(WELL, 1, wrong)], 2)
    lines = clinic.as_table([row, healthy]).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")][1:-1] == ["collapse", "ring", "4", "1 of 2", "2 of 2", "400"]
    assert "1 of 1" in lines[-1] and "0 of 1" in lines[-1]


def test_a_run_is_judged_by_its_lines(tmp_path):
    lines = [{"step": step, "samples/spread": 0.01} for step in range(0, 1000, 50)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    case = next(case for case in CASES if case.illness == "collapse")
    run = clinic.judged(case, tmp_path, 1)
    assert run.right
    assert run.delay == 150


def test_each_case_has_an_illness_of_the_table_and_a_folder_of_its_own(tmp_path):
    assert {case.illness for case in CASES} <= {HEALTHY, *(illness.name for illness in ILLNESSES)}
    assert len({case.folder(tmp_path, 0) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.illness} {case.on}")
def test_each_case_is_an_experiment_that_can_be_run(case):
    check_config(case.config())
