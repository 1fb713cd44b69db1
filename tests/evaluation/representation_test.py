"""What codes are good for, of hand-made models of which the truth is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.model import Condition, GenerativeModel
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.representation import regularity, representation
from gengen.metrics.regularity import STEPS

CLASSES = 3


def signature(classes):
    """Of pictures [2, 2, 1] of so many classes."""
    return Signature.of_pictures("few", (2, 2, 1), tuple("abc"[:classes]), {}, "")


def data_of(train, test, folder, classes=CLASSES):
    """Images [N, 2, 2, 1] of random pixels whose first is 100 times their class, where there are classes."""
    rng, splits = np.random.default_rng(0), {}
    for name, number in (("train", train), ("test", test)):
        splits[name] = {"data": rng.integers(0, 40, (number, 2, 2, 1), np.uint8)}
        if classes:
            splits[name]["label"] = np.arange(number, dtype=np.int32) % classes
            splits[name]["data"][:, 0, 0, 0] = 100 * splits[name]["label"]
    return DataSet(signature(classes), splits, folder)


def drawn_by(classes):
    """Data of so many classes, of which nothing but the signature is looked at."""
    return DataSet(signature(classes), {}, None)


def made(classes=0, **capabilities):
    conditions = {"label": Condition(classes=classes)} if classes else {}
    return GenerativeModel(None, None, conditions=conditions, **capabilities)


def identity(key, variables, data, condition=None):
    del key, variables
    assert condition is None
    return data


def test_every_probe_reads_the_classes_from_codes_that_are_the_images(subject_of, tmp_path):
    found = representation(subject_of(made(encode=identity), data_of(300, 90, tmp_path))).found
    assert set(found) == {"linear", "nearest", "clusters"}
    for entry in found.values():
        assert (entry["train"], entry["test"]) == (300, 90)
        assert entry["accuracy"]["value"] == 1
        assert entry["accuracy"]["low"] < 1


def test_codes_that_say_nothing_are_worth_no_more_than_a_guess(subject_of, tmp_path):
    def blind(key, variables, data, condition=None):
        return jax.random.normal(key, (len(data), 2))

    found = representation(subject_of(made(encode=blind), data_of(300, 300, tmp_path))).found
    for entry in found.values():
        assert entry["accuracy"]["value"] == pytest.approx(1 / CLASSES, abs=0.12)


def test_a_model_whose_codes_are_no_features_of_its_own_is_left_out(subject_of, tmp_path):
    labelled, bare = data_of(30, 30, tmp_path), data_of(30, 30, tmp_path, classes=0)
    assert representation(subject_of(made(), labelled)) is None
    assert representation(subject_of(made(encode=identity), bare)) is None
    assert representation(subject_of(made(CLASSES, encode=identity), labelled)) is None
    semi_supervised = made(CLASSES, encode=identity, recognise=lambda key, variables, data: {})
    assert representation(subject_of(semi_supervised, labelled)).found
    only = labelled.splits["train"]
    only = {name: values[only["label"] == 1] for name, values in only.items()}
    alike = DataSet(labelled.signature, {"train": only, "test": labelled.splits["test"]}, tmp_path)
    assert representation(subject_of(made(encode=identity), alike)) is None


def normal(key, variables, n, condition=None):
    del variables
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(n))
    drawn = jax.vmap(lambda key: jax.random.normal(key, (2, 3)))(keys)
    return drawn if condition is None else drawn + condition["label"][:, None, None].astype(jnp.float32)


def linear(key, variables, latents, condition=None):
    """Images [n, 4, 4, 1] that are a linear map of codes [n, 2, 3]."""
    del key
    return (latents.reshape(len(latents), 6) @ variables["map"]).reshape(-1, 4, 4, 1)


def step(key, variables, latents, condition=None):
    """Images that are black or white, by the sign of one number of the code."""
    return jnp.broadcast_to(jnp.sign(latents[:, :1, :1, None]), (len(latents), 4, 4, 1))


MAP = {"map": np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)}


def test_a_linear_decoder_changes_evenly_and_a_step_all_at_once(subject_of):
    even = regularity(subject_of(made(prior=normal, decode=linear), drawn_by(0), variables=MAP)).found
    assert set(even) == {"continuity"}
    assert even["continuity"]["value"] == pytest.approx(1, abs=1e-4)
    # Half of the walks cross the step, in which all of their change then lies; the others do not change at all.
    sudden = regularity(subject_of(made(prior=normal, decode=step), drawn_by(0))).found["continuity"]
    assert sudden["low"] < (STEPS + 1) / 2 < sudden["high"]
    assert sudden["value"] > 8


def test_a_walk_keeps_its_class_and_its_noise_to_its_end(subject_of):
    def by_class(key, variables, latents, condition=None):
        """A picture of the class, of noise and of the code, which a change of either would interrupt."""
        condition = 50 * condition["label"][:, None, None, None].astype(jnp.float32)
        noise = 50 * jax.random.normal(key, (len(latents), 4, 4, 1))
        return linear(key, variables, latents) + condition + noise

    found = regularity(subject_of(made(CLASSES, prior=normal, decode=by_class), drawn_by(CLASSES), variables=MAP)).found
    assert found["continuity"]["value"] == pytest.approx(1, abs=1e-3)


def test_both_ends_of_a_walk_are_drawn_of_the_class_that_it_is_told(subject_of):
    def of_class(key, variables, n, condition=None):
        return jnp.broadcast_to(condition["label"][:, None, None].astype(jnp.float32), (n, 2, 3))

    def compared(key, variables, latents, condition=None):
        apart = jnp.abs(latents[:, :1, :1, None] - condition["label"][:, None, None, None].astype(jnp.float32))
        return jnp.where(apart > 1e-6, jnp.nan, jnp.zeros((len(latents), 4, 4, 1)))  # which would be refused

    found = regularity(subject_of(made(CLASSES, prior=of_class, decode=compared), drawn_by(CLASSES))).found
    assert found["continuity"]["value"] == 1, "nothing changes, which counts as even"
    with pytest.raises(ValueError, match="not finite"):
        regularity(subject_of(made(CLASSES, prior=normal, decode=compared), drawn_by(CLASSES)))


def test_the_share_of_samples_that_a_classifier_is_sure_of_is_told_beside_it(subject_of):
    seen = np.log(np.array([[0.95, 0.05], [0.5, 0.5], [0.08, 0.92], [0.6, 0.4]]))
    found = regularity(subject_of(made(prior=normal, decode=linear), drawn_by(0), variables=MAP, seen=seen)).found
    assert found["completeness"]["value"] == 0.5
    assert regularity(subject_of(made(decode=linear), drawn_by(0), variables=MAP, seen=seen)) is None
    assert regularity(subject_of(made(prior=normal), drawn_by(0), variables=MAP, seen=seen)) is None
