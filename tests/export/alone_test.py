"""Artefacts are read where there is no gengen: by the lines of docs/export.md, in a process that cannot import it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gengen.export.exporting import export_run
from tests.export.rows_test import a_run

PAGE = Path(__file__).parents[2] / "docs" / "export.md"

HOOK = """
import importlib.abc, sys
class Forbidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {forbidden}:
            raise ImportError(name + " is forbidden here")
sys.meta_path.insert(0, Forbidden())
try:
    import gengen
except ImportError:
    pass
else:
    raise SystemExit("gengen was imported")
"""

HOUSE = ["gengen", "configs", "flax", "optax", "orbax", "chex", "ml_collections", "absl"]
"""What no artefact may need."""

DDIM = "pairwise"
"""A word of the lines that draw samples of diffusion, which are of another run."""


def blocks(word, without=DDIM):
    return [
        text
        for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        if word in text and without not in text
    ]


def alone(text, folder, *forbidden):
    program = HOOK.replace("{forbidden}", repr(set(HOUSE) | set(forbidden))) + text
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    (folder / "runs" / "export").mkdir(parents=True)
    run = a_run("wgan", folder / "runs" / "export")
    export_run(run, folder / "runs" / "export" / "export", ("safetensors", "stablehlo"))
    return folder


@pytest.mark.heavy
def test_the_lines_of_the_page_read_stablehlo_with_jax_alone(exported):
    (text,) = blocks("jax.export")
    said = alone(text + "\nprint(images.shape, images.dtype)", exported, "safetensors", "jax2onnx", "onnx")
    assert said == "(16, 8, 8, 1) uint8\n"


@pytest.mark.heavy
def test_the_lines_of_the_page_read_weights_without_jax(exported):
    pytest.importorskip("safetensors")
    (text,) = blocks("safe_open")
    assert alone(text, exported, "jax", "torch").splitlines()[0].startswith("4 ")


@pytest.mark.heavy
def test_the_lines_of_the_page_read_onnx_with_its_runtime_alone(exported):
    for package in ("jax2onnx", "onnxruntime"):
        pytest.importorskip(package)
    run = a_run("wgan", exported / "runs" / "export")
    export_run(run, exported / "runs" / "export" / "export", ("stablehlo", "onnx"))
    (text,) = blocks("onnxruntime")
    said = alone(text + "\nprint(images.shape, images.dtype)", exported, "jax", "jax2onnx", "onnx")
    assert said == "(16, 8, 8, 1) uint8\n"
