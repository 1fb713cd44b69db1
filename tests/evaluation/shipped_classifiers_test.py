"""The classifiers that come with gengen: whole, of embedded data and of MNIST, and taken without a training."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.evaluation import trained_network
from gengen.evaluation.shipped_classifiers import SETS
from gengen.evaluation.trained_classifier import SHIPPED, classifier_of
from gengen.evaluation.trained_network import digest_of


def trained(data, cache, steps=None):
    return trained_network.trained(data, classifier_of(data, steps), cache)


FILES = {file.stem: file for file in SHIPPED.glob("*.npz")}


@pytest.fixture(scope="module")
def data(data_dir):
    return load(name="digits", resolution=16, channels=1, data_dir=data_dir)


@pytest.fixture
def untrained(monkeypatch):
    """Refuses to train."""

    def fail(*given):
        raise Refusal("trained")

    monkeypatch.setattr(trained_network, "_train", fail)


@pytest.mark.input(
    "Judging",
    "the embedded digits at 16x16x1, the smooth ones and the varied glyphs at 28x28x1",
    "taken",
    "they are judged by the classifier that comes with gengen: nothing is trained, and all machines have its digest",
)
def test_the_digits_are_judged_by_the_classifier_that_comes_with_gengen(data, tmp_path, untrained):
    """Where it fails: `python -m gengen.evaluation.shipped_classifiers` makes the file for these digits."""
    found = trained(data, tmp_path / "classifier.npz")
    assert not list(tmp_path.iterdir())
    file = FILES[data.signature.digest]
    with np.load(file) as arrays:
        assert found.metadata == json.loads(str(arrays["metadata"]))
        assert all(arrays[name].dtype == np.float16 for name in arrays.files if name != "metadata")
    assert all(array.dtype == np.float32 for array in found.weights.values())


@pytest.mark.parametrize("name", ["digits_smooth", pytest.param("glyphs_varied", marks=pytest.mark.slow)])
def test_larger_embedded_data_are_judged_by_theirs(name, data_dir, tmp_path, untrained):
    found = trained(load(name=name, resolution=28, channels=1, data_dir=data_dir), tmp_path / "classifier.npz")
    assert found.accuracy > 0.985


def test_files_are_whole_and_small():
    assert len(FILES) == len(SETS)
    for name, file in FILES.items():
        with np.load(file) as arrays:
            metadata = json.loads(str(arrays["metadata"]))
            weights = {path: arrays[path].astype("<f4") for path in arrays.files if path != "metadata"}
        assert metadata["data"] == name
        assert digest_of(weights) == metadata["weights"]
        assert file.stat().st_size < 900_000


@pytest.mark.input(
    "Judging", "MNIST at 28x28x1", "taken", "judged by the classifier that comes with gengen, as the digits are"
)
@pytest.mark.slow
def test_mnist_is_judged_by_its_own(test_data, data_dir, tmp_path, untrained):
    mnist = load(name="mnist", resolution=28, channels=1, data_dir=data_dir, manual_dir=test_data / "mnist")
    found = trained(mnist, tmp_path / "classifier.npz")
    right = found.extract(mnist.splits["test"]["data"][:2000])[1].argmax(1) == mnist.splits["test"]["label"][:2000]
    assert found.metadata["correct"] / found.metadata["count"] > 0.994
    assert right.mean() > 0.985  # the first half of the split is the harder one


def test_its_accuracy_is_what_it_says(data, tmp_path, untrained):
    found = trained(data, tmp_path / "classifier.npz")
    right = found.extract(data.splits["test"]["data"])[1].argmax(1) == data.splits["test"]["label"]
    assert (int(right.sum()), len(right)) == (found.metadata["correct"], found.metadata["count"])
    assert found.accuracy > 0.985


@pytest.mark.parametrize("changed", [{"digest": "0" * 16}, {"shape": (8, 16, 1)}], ids=str)
def test_other_data_are_not_judged_by_it(data, tmp_path, untrained, changed):
    other = dataclasses.replace(data, signature=data.signature.of_shape(**{"shape": data.signature.shape, **changed}))
    with pytest.raises(Refusal, match="trained"):
        trained(other, tmp_path / "classifier.npz")


def test_another_recipe_is_not_judged_by_it(data, tmp_path, untrained):
    with pytest.raises(Refusal, match="trained"):
        trained(data, tmp_path / "classifier.npz", steps=50)


def test_the_number_of_threads_does_not_show_in_features(data, tmp_path):
    """Bit for bit, so that one digest of weights means one set of scores."""
    code = (
        "import hashlib, pathlib, sys, numpy as np; from gengen.data.dataset import load;"
        "from gengen.evaluation.trained_classifier import classifier_of;"
        "from gengen.evaluation.trained_network import trained;"
        "data = load(name='digits', resolution=16, channels=1);"
        "found = trained(data, classifier_of(data), pathlib.Path('none')).extract(data.splits['train']['data']);"
        "print(hashlib.sha256(b''.join(part.tobytes() for part in found)).hexdigest())"
    )
    environment = {**os.environ, "TFDS_DATA_DIR": str(data.folder.parents[2]), "XLA_FLAGS": ""}
    digests = set()
    for cores in sorted({1, len(os.sched_getaffinity(0))}):
        chosen = sorted(os.sched_getaffinity(0))[:cores]
        done = subprocess.run(
            [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {chosen}); {code}"],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1
