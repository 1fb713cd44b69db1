"""`--mode=judge` on the command line: what it writes and prints, and mistakes in its flags."""

import json

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.tasks.judge import size_of


def test_two_files_are_judged_and_the_last_line_is_the_report(answer, tmp_path):
    random = np.random.default_rng(0)
    for name in ("one", "other"):
        np.savez(tmp_path / name, x=random.normal(size=(200, 2)))
    done = answer("--mode=judge", "--input=one.npz", "--reference=other.npz", "--output=found", cwd=tmp_path)
    assert done.returncode == 0
    *_, chart, path = done.stdout.splitlines()
    assert (chart, path) == ("found.png", "found.json")
    report = json.loads((tmp_path / path).read_text())
    assert report["input"]["examples"] == report["reference"]["examples"] == 200
    assert "input: one.npz: 200 examples" in done.stdout
    assert report["verdict"][-1] in done.stdout
    with Image.open(tmp_path / chart) as image:
        assert min(image.size) > 300


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--reference=digits:test"], "takes two sets"),
        (["--input=digits:train"], "takes two sets"),
        (["--input=a", "--reference=digits", "--workdir=runs"], "--workdir=runs is for "),
        (["--input=a", "--reference=digits", "--num=3"], "--num=3 must be at least 100"),
        (["--input=digits", "--reference=digits", "--resolution=4x4x4"], "--resolution=4x4x4 should be a size"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(answer, tmp_path, flags, sentence):
    done = answer("--mode=judge", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_size_is_one_number_or_two():
    assert size_of(None) is None
    assert size_of("64") == (64, 64)
    assert size_of("64x48") == (64, 48)
    for wrong in ("", "0", "x", "64x", "-3", "1e3", "99999"):
        with pytest.raises(Refusal, match="should be a size from 1 to"):
            size_of(wrong)
