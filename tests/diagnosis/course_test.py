"""Illnesses begin and end where the lines of a run say so, and depend on nothing else."""

import math

import numpy as np
import pytest

from gengen.diagnosis.course import Course, diagnosed
from gengen.diagnosis.illnesses import ILLNESSES, Illness, Sign

HEALTHY = {
    "critic/accuracy": 0.7, "generator/gradient_norm": 1.0, "samples/spread": 1.0, "samples/exchanged": 0.05,
    "samples/modes": 1.0, "samples/copied": 0.0, "critic/at_bound": 0.2, "critic/flipped": 0.02, "codes/active": 1.0,
    "autoencoder/perplexity": 40.0,
}  # fmt: skip


def lines(*changes, every=100):
    """A line each `every` steps, healthy but for what is changed in each."""
    return [{"step": every * place, "seconds": 1.0, **HEALTHY, **change} for place, change in enumerate(changes, 1)]


def names(found):
    return [finding.illness.name for finding in found]


def test_a_healthy_run_has_no_finding():
    assert diagnosed(lines(*[{}] * 50), codes=64) == []


@pytest.mark.parametrize("illness", ILLNESSES, ids=lambda illness: f"{illness.name} {illness.signs[0].measure}")
def test_each_illness_begins_after_its_looks_and_ends_after_as_many(illness):
    """Values just inside of each sign's range; the run is healthy first, so that what is relative has its largest."""
    sick = {}
    for sign in illness.signs:
        value = sign.low if math.isfinite(sign.low) else sign.high
        name, scale = ("autoencoder/perplexity", 100) if sign.measure == "codes/used" else (sign.measure, 1)
        sick[name] = value * scale
    first = {"samples/finite": 1.0} if "samples/finite" in sick else {}
    (found,) = diagnosed(lines(*[first] * 3, *[sick] * 10, *[first] * 10), codes=100)
    assert found.illness == illness
    assert (found.since, found.told, found.until) == (400, 300 + 100 * illness.looks, 1300 + 100 * illness.looks)
    assert found.illness.among in (0, *range(illness.looks, 20))
    assert f"since step {found.since:,}" in found.sentence
    for sign in illness.signs:
        assert sign.measure in found.sentence
    assert illness.cure in found.sentence


def test_the_onset_is_the_first_of_the_latest_looks_in_a_row_whether_told_or_not():
    course = Course()
    onsets = []
    for line in lines({}, {"samples/spread": 5.0}, {}, *[{"samples/spread": 5.0}] * 3, *[{"samples/spread": 0.05}] * 2):
        course.add(line)
        onsets.append((course.onset(["diverging"]), course.onset(["diverging", "collapse"])))
    assert onsets == [
        (None, None), (200, 200), (None, None), *[(400, 400)] * 3, (None, 700), (None, 700)
    ]  # fmt: skip


def test_one_look_fewer_is_no_illness():
    illness = next(illness for illness in ILLNESSES if illness.name == "collapse")
    assert diagnosed(lines({}, *[{"samples/spread": 0.01}] * (illness.looks - 1), {})) == []


def test_what_is_found_at_a_step_depends_on_no_later_line():
    random = np.random.default_rng(0)
    phases = [{name: float(value * random.lognormal(0, 2)) for name, value in HEALTHY.items()} for _ in range(30)]
    told = [phase for phase in phases for _ in range(7)]
    whole, course, seen = diagnosed(lines(*told), codes=64), Course(64), []
    for line in lines(*told):
        seen += [finding for finding in course.add(line) if finding.until is None]
    assert len(seen) > 3
    assert [finding._replace(until=None) for finding in whole] == sorted(seen, key=lambda finding: finding.told)
    assert {finding.illness.name for finding in whole if finding.until is None} == set(names(course.present()))


def test_numbers_that_were_not_measured_say_nothing():
    """Runs of older versions lack all measures but losses, norms and distances."""
    old = [{"step": step, "generator/loss": 1.0} for step in range(100)]
    assert diagnosed(old) == []


@pytest.mark.parametrize(
    ("estimate", "largest"),
    [("critic/jensen_shannon", math.log(2)), ("critic/total_variation", 1.0), ("critic/le_cam", 1.0)],
)
def test_a_run_without_accuracies_is_told_by_the_distance_that_its_critic_estimates(estimate, largest):
    line = {estimate: largest * 0.2, "generator/gradient_norm": 1.0}
    ill = {estimate: largest * 0.999, "generator/gradient_norm": 0.001}
    found = diagnosed([{"step": step, **(ill if step > 5 else line)} for step in range(20)])
    assert names(found) == ["vanishing"]


def test_the_better_of_two_accuracies_hides_no_worse_one():
    one_sided = {"critic/accuracy_real": 1.0, "critic/accuracy_fake": 0.5, "generator/gradient_norm": 1e-4}
    course = [{"step": 0, "critic/accuracy_real": 0.5, "critic/accuracy_fake": 0.5, "generator/gradient_norm": 1.0}]
    assert diagnosed(course + [{"step": step, **one_sided} for step in range(1, 20)]) == []


def test_some_of_the_last_looks_are_enough_where_the_table_says_so_and_those_before_are_forgotten():
    illness = Illness("jumpy", "it is jumpy", (Sign("value", low=1.0),), 2, "wait", among=3)
    for values, expected in (
        ((2, 0, 2), [(0, 2, None)]),
        ((2, 0, 0, 2), []),
        ((0, 2, 2, 0, 0), [(1, 2, None), (1, 2, 4)]),
    ):
        course, told = Course(illnesses=(illness,)), []
        for step, value in enumerate(values):
            told += course.add({"step": step, "value": float(value)})
        assert [(finding.since, finding.told, finding.until) for finding in told] == expected


def test_an_illness_that_hides_another_is_told_alone():
    ill = {"samples/exchanged": 0.9, "samples/spread": 0.01, "samples/modes": 0.1}
    assert names(diagnosed(lines(*[{}] * 3, *[ill] * 10))) == ["rotating"]


def test_the_last_sign_sets_the_pace():
    """A measure that is written more rarely than others is looked at when it is written."""
    illness = Illness("slow", "it is slow", (Sign("often", low=1.0), Sign("rarely", low=1.0)), 2, "wait")
    course, told = Course(illnesses=(illness,)), []
    for step in range(30):
        told += course.add({"step": step, "often": 2.0, **({"rarely": 2.0} if step % 10 == 0 else {})})
    assert [(finding.since, finding.told) for finding in told] == [(0, 10)]
