"""The examples of the docs, each run as a whole in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_to_its_end(example, tmp_path, data_dir):
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    settings = {**os.environ, "TFDS_DATA_DIR": str(data_dir), "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, example], env=settings, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout and len(list((tmp_path / "runs").iterdir())) >= 1


def test_the_docs_name_each_example():
    said = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert len(EXAMPLES) >= 6
    for example in EXAMPLES:
        assert f"docs/examples/{example.name}" in said
