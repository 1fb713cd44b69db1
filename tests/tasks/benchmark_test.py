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
    assert least < found["gflop_per_step"] < 20 * least
    assert 0 < found["share_of_matrix_product_rate"] < 1
    assert found["peak_memory_mib"] > 10
    assert found["compile_seconds"] > 0
