"""Faces: those that scikit-image ships, of which some are held out, and their mirror images are nowhere."""

import hashlib
import pathlib

import numpy as np

from gengen.data.dataset import load
from gengen.data.faces import read_faces


def test_a_quarter_of_each_class_is_held_out_and_the_others_have_mirror_images() -> None:
    (train, of_train), (test, of_test) = (read_faces(split) for split in ("train", "test"))
    assert train.dtype == np.uint8 and train.shape == (300, 25, 25) and test.shape == (50, 25, 25)
    assert np.bincount(of_train).tolist() == [150, 150] and np.bincount(of_test).tolist() == [25, 25]
    np.testing.assert_array_equal(train[1::2], train[::2, :, ::-1])
    np.testing.assert_array_equal(of_train[1::2], of_train[::2])
    held_out = {picture.tobytes() for picture in (*test, *test[:, :, ::-1])}
    assert len(held_out) == 100 and not held_out & {picture.tobytes() for picture in train}
    assert hashlib.sha256(train.tobytes() + test.tobytes()).hexdigest()[:16] == DIGEST


DIGEST = "1c8cf52973da6f6e"


def test_the_data_set_is_prepared(tmp_path: pathlib.Path) -> None:
    data = load(name="faces", data_dir=tmp_path, classes=("face",), held_out=0.2)
    assert data.signature.shape == (25, 25, 1) and data.signature.classes == ("face", "other")
    assert {split: len(arrays["data"]) for split, arrays in data.splits.items()} == {
        "train": 120,
        "held_out": 30,
        "test": 25,
    }
