"""Categories that a model found by itself, matched with the classes of pictures that say theirs."""

import json

import jax
import jax.numpy as jnp
import numpy as np

from gengen.core.model import Condition, GenerativeModel
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.codes import codes
from gengen.reports.evaluations import SENTENCES

SIDE, CLASSES = 4, 3


def recognise(key, variables, images):
    """Codes of pictures that say their class: 0 -> 2, 1 -> 0, 2 -> 1; other codes say nothing."""
    del key, variables
    says = jnp.rint((images[:, 0, 0, 0] + 1) * 127.5).astype(jnp.int32)
    return {"category": jax.nn.log_softmax(jax.nn.one_hot((says + 2) % CLASSES, CLASSES)), "numbers": images[:, 0, 0]}


def telling(recognise=None, **conditions):
    return GenerativeModel(None, None, conditions=conditions, recognise=recognise)


def labelled(images, labels, tmp_path):
    """Images [N, SIDE, SIDE, 1] as training and, those of the first half, as held-out images."""
    splits = {"train": {"data": images, "label": labels}}
    splits["test"] = {name: values[: len(labels) // 2] for name, values in splits["train"].items()}
    return DataSet(Signature.of_pictures("few", (SIDE, SIDE, 1), ("cat", "dog", "owl"), {}, ""), splits, tmp_path)


def test_codes_are_matched_with_classes_and_their_error_is_said(subject_of, tmp_path):
    labels = np.random.default_rng(0).integers(0, CLASSES, 600).astype(np.int32)
    images = np.zeros((600, SIDE, SIDE, 1), np.uint8)
    images[:, 0, 0, 0] = labels
    images[:30, 0, 0, 0] = (labels[:30] + 1) % CLASSES  # thirty of the held-out three hundred say another class
    conditions = {"category": Condition(CLASSES), "numbers": Condition(size=2), "label": Condition(CLASSES)}
    found = codes(subject_of(telling(recognise, **conditions), labelled(images, labels, tmp_path))).found
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["category"]
    assert found["category"]["match"] == ["dog", "owl", "cat"]
    assert found["category"]["error"]["value"] == 0.1
    assert (found["category"]["train"], found["category"]["test"]) == (600, 300)
    assert list(SENTENCES["codes"](found, ("image", "images"))) == [
        "Code category, matched with the classes on 600 training images, is wrong on 10.0 % [7.1, 13.9] of 300 "
        "held-out images."
    ]


def test_codes_need_a_recogniser_a_category_and_labels(subject_of, tmp_path):
    data = labelled(np.zeros((4, SIDE, SIDE, 1), np.uint8), np.zeros(4, np.int32), tmp_path)
    assert codes(subject_of(telling(category=Condition(CLASSES)), data)) is None
    numbers = {"numbers": Condition(size=2), "label": Condition(CLASSES)}
    assert codes(subject_of(telling(recognise, **numbers), data)) is None
    unlabelled = DataSet(Signature.of_pictures("few", (SIDE, SIDE, 1), (), {}, ""), {"train": {}, "test": {}}, tmp_path)
    assert codes(subject_of(telling(recognise, category=Condition(CLASSES)), unlabelled)) is None
