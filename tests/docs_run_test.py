"""The commands of README and of each page, carried out from top to bottom in a fresh folder, long trainings short."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.docs_commands_test import FOUND, ROOT, TRAINING

STEPS = 40
"""Steps of a training that takes longer on the page: enough for two grids and a checkpoint."""

SHORT = {
    "train": (f"--config.training.steps={STEPS}", "--config.training.sample_every=20", "--config.evaluation.every=0"),
    "adapt": (
        f"--config.training.steps={STEPS}",
        "--config.adaptation.seeds=2",
        f"--config.adaptation.baseline.steps={STEPS}",
    ),
}
"""What makes a training short."""

RAW = {"mnist": "mnist", "iwae.py:vae": "mnist", "usps": "usps", "facades": "facades"}
"""Folders of raw files by a word in a command that would download them."""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """What stands for something of the user's own, by its word: a picture, folders of pictures and a table."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for index in range(60):
        pixels = rng.integers(0, 256, (4, 4, 3), np.uint8).repeat(16, 0).repeat(16, 1)
        Image.fromarray(pixels).save(folder / "pictures" / f"{index}.png")
    table = "\n".join(",".join(f"{value:.3f}" for value in row) for row in rng.normal(size=(300, 4)))
    (folder / "table.csv").write_text(f"a,b,c,d\n{table}\n")
    return {
        "FOLDER_OR_IMAGE": folder / "pictures",
        "FOLDER": folder / "pictures",
        "FILE.csv": folder / "table.csv",
        "my.png": folder / "pictures" / "0.png",
    }


def given(command, own, raw):
    """The flags of a command of a page, made short and with what it names put in; None where that is not here."""
    words = shlex.split(command.line, comments=True)
    flags = words[words.index("launch.py") + 1 :]
    flags = [re.sub("|".join(own), lambda found: str(own[found[0]]), flag) for flag in flags]
    if command.mode not in TRAINING:
        return flags
    named = [word for word in RAW if word in " ".join(flags)]
    if named and raw is None:
        return None
    flags = [flag for flag in flags if "path/to" not in flag]
    for word, key in zip(named, ("data", "data.second"), strict=False):
        flags.append(f"--config.{key}.manual_dir={raw / RAW[word]}")
    return [*flags, *SHORT[command.mode]]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, found in FOUND.items() if found and page != "devices"])
def test_the_commands_of_a_page_do_what_they_say(page, own, command, tmp_path):
    folder = os.environ.get("GENGEN_TEST_DATA")
    raw = ROOT / folder if folder else None
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "launch.py", tmp_path)
    for each in FOUND[page]:
        flags = given(each, own, raw)
        if flags is None:
            continue
        _, settings = command()
        done = subprocess.run(
            [sys.executable, "launch.py", *flags],
            env={**settings, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{each.line}\n{done.stderr}"
        if each.mode not in ("dry", "benchmark"):
            made = tmp_path / done.stdout.splitlines()[-1]
            assert made.exists(), each.line
