"""Tables of benchmarks."""

from gengen.reports import benchmarks
from gengen.reports.benchmarks import HEADER, reason, shown_together, unexplained


def found(seconds, floor):
    return {
        "seconds_per_step": seconds,
        "fastest_seconds_per_step": seconds,
        "floor_seconds_per_step": floor,
        "share_of_floor": floor / seconds,
        "compile_seconds": 2.5,
        "peak_memory_mib": 1234.5,
        "slowest_operations": [{"operation": "dot f32[8,2] Critic/Dense_0", "share": 0.417}],
    }


def test_a_step_far_from_its_floor_needs_a_reason(monkeypatch):
    near, far, short = found(0.010, 0.005), found(0.010, 0.001), found(0.0005, 0.00001)
    assert reason("near", near) == "" and reason("far", far) == ""
    assert "starting operations" in reason("short", short)
    experiments = {"near": near, "far": far, "short": short, "broken": "a sentence"}
    assert unexplained(experiments) == ["far"]
    monkeypatch.setattr(benchmarks, "REASONS", {"far": "products of 8 x 8"})
    assert reason("far", far) == "products of 8 x 8"
    assert unexplained(experiments) == []


def test_each_experiment_is_a_row_and_a_failure_says_why():
    lines = shown_together({"near": found(0.010, 0.005), "broken": "there is no disk"}).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[0] == list(HEADER)
    assert rows[2] == ["near", "10", "10", "5", "50%", "2.5", "1,234", "dot f32[8,2] Critic/Dense_0", "42%", ""]
    assert rows[3] == ["broken", *[""] * (len(HEADER) - 2), "there is no disk"]
