"""A report on several seeds: means, spreads and Student's intervals of what differs, and what does not as it is."""

import numpy as np
from scipy import stats

from gengen.evaluation.over_seeds import over_seeds
from gengen.reports.tables import with_interval


def report(seed, value):
    estimate = {"value": value, "low": value - 1, "high": value + 1}
    real = {"value": 9.0, "low": 8.0, "high": 10.0}
    return {
        "member": seed,
        "step": 7,
        "scores": {
            "distance": {"samples": estimate, "floor": real, "note": None, "difference": {**estimate, "worse": seed}}
        },
        "codes": {"label": {"train": 10, "width": value}},
        "verdict": [f"It is {value}."],
    }


def test_estimates_become_means_with_students_interval_over_seeds_and_all_else_stays_or_is_a_mean():
    values = [1.0, 2.0, 6.0]
    found = over_seeds({seed: report(seed, value) for seed, value in zip((4, 5, 6), values, strict=True)})
    samples, deviation = found["scores"]["distance"]["samples"], np.std(values, ddof=1)
    half = stats.t.ppf(0.975, 2) * deviation / np.sqrt(3)
    assert samples["members"] == values
    np.testing.assert_allclose([samples[end] for end in ("value", "low", "high")], [3, 3 - half, 3 + half])
    np.testing.assert_allclose(samples["deviation"], deviation)
    assert with_interval(samples) == f"3 ± {deviation:.3g} [{3 - half:.3g}, {3 + half:.3g}]"
    assert found["scores"]["distance"]["floor"] == report(0, 0)["scores"]["distance"]["floor"]
    assert found["scores"]["distance"]["note"] is None
    assert "worse" not in found["scores"]["distance"]["difference"]
    assert found["codes"] == {"label": {"train": 10, "width": 3.0}}
    assert found["verdict"] == ["Seed 4: It is 1.0.", "Seed 5: It is 2.0.", "Seed 6: It is 6.0."]
    assert (found["step"], found["seeds"], "member" in found) == (7, [4, 5, 6], False)
