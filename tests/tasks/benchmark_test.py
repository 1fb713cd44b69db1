"""What a benchmark finds, against what can be counted by hand."""

import json

import pytest

TINY = "--config=configs/wgan.py:tiny"


@pytest.mark.slow
def test_a_benchmark_measures_what_a_run_would_take(launch, tmp_path):
    output = tmp_path / "benchmark.json"
    done = launch(TINY, "--mode=benchmark", f"--output={output}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(output)
    found = json.loads(output.read_text())
    assert found["parameters"]["critic"] == 64 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    assert found["images_per_second"] == pytest.approx(16 * found["steps_per_second"])
    # Two products of each critic weight with real and fake batches forward, and backward for all but the inputs'.
    least = 2 * 16 * (64 * 512 + 512 * 256) * 4 / 1e9
    assert least < found["product_gflop_per_step"]["float32"] < 20 * least
    assert found["moved_megabytes_per_step"] > 4 * found["parameters"]["critic"] / 1e6
    assert 0 < found["share_of_floor"] < 1.5  # others may work on the machine
    assert found["fastest_seconds_per_step"] <= found["seconds_per_step"]
    assert found["slowest_operations"][0]["share"] >= found["slowest_operations"][-1]["share"] > 0
    assert found["peak_memory_mib"] > 10
    assert found["compile_seconds"] > 0
