"""Translators of known quality on pictures of known statistics: perfect, half-way, blurred and none at all."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.data.domains import joined, paired_alone
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.judging import pick
from gengen.evaluation.translation_scores import translation
from gengen.inference.domains import aligned, domains
from gengen.metrics.interval import of_blocks
from gengen.metrics.pairs import measure, retrieve
from gengen.reports.translations import sentences

pytestmark = pytest.mark.heavy

SETTINGS = ConfigDict({"features": "auto", "inception_weights": None})


def pictures(seed, number, channels=1):
    """Bright gradients in all directions with a little noise, uint8 [N, 8, 8, C]."""
    random = np.random.default_rng(seed)
    slopes = random.normal(0, 0.04, (2, number, 1, 1, 1))
    rows, columns = (np.linspace(-1, 1, 8).reshape(shape) for shape in ((8, 1, 1), (8, 1)))
    plane = 0.75 + slopes[0] * rows + slopes[1] * columns + random.normal(0, 0.02, (number, 8, 8, channels))
    return np.rint(255 * np.clip(plane, 0.5, 1)).astype(np.uint8)


def data_set(name, folder, train, test, /, classes=(), **more):
    channels = more["train"]["paired"].shape[-1] if more else 0
    counts = {"train": len(train), "test": len(test)}
    splits = {"train": {"data": train, **more.get("train", {})}, "test": {"data": test, **more.get("test", {})}}
    return DataSet(Signature.of_pictures(name, train.shape[1:], classes, counts, name, paired=channels), splits, folder)


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory):
    """Pictures, and the negatives of other ones."""
    folder = tmp_path_factory.mktemp("unpaired")
    bright = data_set("bright", folder / "a", pictures(0, 500), pictures(1, 300))
    dark = data_set("dark", folder / "b", 255 - pictures(2, 400), 255 - pictures(3, 350))
    return joined(bright, dark)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return data_set("alone", tmp_path_factory.mktemp("alone"), pictures(4, 400, 3), pictures(5, 200, 3))


def fake(directions, pair=None):
    return GenerativeModel(None, None, translate=directions, pair=pair)


def negative(key, variables, images):
    del key, variables
    return -images


def duller(key, variables, images):
    return 0.75 * negative(key, variables, images)


def grey_pairs(key, batch):
    """The mean of the channels, but for one pixel that is drawn, and the picture."""
    b = batch["data"].astype(jnp.float32) / 127.5 - 1
    a = b.mean(-1, keepdims=True)
    return a.at[:, 0, 0, 0].set(jax.random.uniform(key, (len(b),))), b


@pytest.fixture(scope="module")
def both_ways(subject_of, unpaired):
    return translation(subject_of(fake({"ab": negative, "ba": duller}), unpaired, SETTINGS)).found


def test_a_perfect_translation_is_as_near_as_real_images_and_an_input_is_far(both_ways):
    found = both_ways["ab"]
    assert found["images"] == 300
    assert found["domain"] == "dark"
    assert found["reference"] == 350
    distance = found["scores"]["frechet_distance"]
    assert distance["outputs"]["value"] == pytest.approx(distance["floor"]["value"], rel=0.15)
    assert distance["inputs"]["low"] > 50 * distance["outputs"]["high"]
    for score in ("precision", "recall"):
        scores = found["scores"][score]
        assert scores["outputs"]["value"] == pytest.approx(scores["floor"]["value"], abs=0.1)
        assert scores["inputs"]["value"] == 0


def test_a_dull_translation_is_farther_than_real_images(both_ways):
    distance = both_ways["ba"]["scores"]["frechet_distance"]
    assert both_ways["ba"]["images"] == 350
    assert distance["outputs"]["low"] > 2 * distance["floor"]["high"]
    assert distance["outputs"]["high"] < distance["inputs"]["low"]


def test_the_cycle_error_is_that_of_the_way_back(subject_of, both_ways, unpaired):
    # A negative at 3/4 of its contrast, and the negative of that, or the other way round.
    for direction, data in (("ab", unpaired), ("ba", unpaired.second)):
        _, inputs = pick(data.splits["test"]["data"], 10_000)
        lost = np.abs(np.rint(0.75 * (inputs - 127.5) + 127.5) - inputs).mean((1, 2, 3)) / 255
        assert tuple(both_ways[direction]["cycle"].values()) == pytest.approx(of_blocks(lost), abs=1e-12)
    one_way = translation(subject_of(fake({"ab": negative}), unpaired, SETTINGS, num=40)).found
    assert list(one_way) == ["ab"]
    assert one_way["ab"]["cycle"] is None
    assert one_way["ab"]["images"] == 40


def test_without_known_pairs_there_is_nothing_to_compare_with(both_ways, unpaired):
    assert not aligned(unpaired, fake({"ab": negative}))
    assert both_ways["ab"]["pairs"] == {}


def test_a_perfect_answer_leaves_trivial_ones_behind_and_a_blurred_one_is_not_sharp(subject_of, alone):
    model = fake(None, grey_pairs)
    indices, targets = pick(alone.splits["test"]["data"], 10_000)
    inputs = domains(alone, model)["a"].splits["test"]["data"][indices]
    truth = jnp.asarray(alone.splits["test"]["data"].reshape(200, -1), jnp.float32) / 127.5 - 1
    seen = jnp.asarray(domains(alone, model)["a"].splits["test"]["data"].reshape(200, -1), jnp.float32) / 127.5 - 1

    def looked_up(key, variables, images):
        del key, variables
        nearest = jnp.abs(images.reshape(len(images), 1, -1) - seen[None]).sum(-1).argmin(1)
        return truth[nearest].reshape(-1, 8, 8, 3)

    def blurred(key, variables, images):
        return jnp.broadcast_to(looked_up(key, variables, images).mean((1, 2), keepdims=True), (len(images), 8, 8, 3))

    perfect, blur = (
        translation(subject_of(fake({"ab": answer}, grey_pairs), alone, SETTINGS)).found["ab"]
        for answer in (looked_up, blurred)
    )
    assert perfect["pairs"]["outputs"]["absolute_error"] == {"value": 0, "low": 0, "high": 0}
    assert perfect["pairs"]["outputs"]["sharpness"]["value"] == pytest.approx(1)
    assert blur["pairs"]["outputs"]["sharpness"]["high"] < 0.01
    assert blur["pairs"]["outputs"]["absolute_error"]["low"] > 0
    assert perfect["scores"]["frechet_distance"]["outputs"]["value"] == pytest.approx(0, abs=1e-6)
    assert perfect["scores"]["frechet_distance"]["floor"]["value"] > 0.1
    assert "inputs" not in perfect["scores"]["frechet_distance"], "they have one channel"
    for found in (perfect, blur):
        assert found["pairs"]["fill"] == said_of(inputs.repeat(3, -1), targets)
        near = retrieve(inputs, domains(alone, model)["a"].splits["train"]["data"])
        assert found["pairs"]["retrieval"] == said_of(alone.splits["train"]["data"][near], targets)


def said_of(found, targets):
    return {name: estimate._asdict() for name, estimate in measure(found, targets).items()}


def test_pairs_that_the_model_was_not_told_of_are_known_all_the_same(subject_of, tmp_path):
    train, test = pictures(6, 60), pictures(7, 40)
    data = data_set("both", tmp_path, train, test, train={"paired": 255 - train}, test={"paired": 255 - test})
    data = joined(data, paired_alone(data))
    found = translation(subject_of(fake({"ab": negative, "ba": duller}), data, SETTINGS, num=100)).found
    assert found["ab"]["pairs"]["outputs"]["absolute_error"]["value"] == 0
    assert found["ba"]["pairs"]["outputs"]["absolute_error"]["low"] > 0
    assert found["ba"]["pairs"]["outputs"]["sharpness"]["value"] == pytest.approx(0.5625, abs=0.03)


def test_domains_that_are_made_are_data_sets_with_a_digest_and_a_folder_of_their_own(alone, tmp_path):
    model, labels = fake(None, grey_pairs), {"label": np.arange(60, dtype=np.int32) % 2}
    train, test = pictures(8, 60, 3), pictures(9, 60, 3)
    data = data_set("named", tmp_path, train, test, ("even", "odd"))
    data = DataSet(data.signature, {name: {**split, **labels} for name, split in data.splits.items()}, tmp_path)
    made = domains(data, model)
    assert made["b"] is data
    assert made["a"].signature.shape == (8, 8, 1)
    assert made["a"].signature.classes == ("even", "odd")
    np.testing.assert_array_equal(made["a"].splits["train"]["label"], labels["label"])
    others = [data, domains(alone, model)["a"], made["a"]]
    assert len({each.signature.digest for each in others}) == len({each.folder for each in others}) == 3
    assert domains(data, model)["a"].signature == made["a"].signature
    drawn = [made["a"].splits[split]["data"][:, 0, 0] for split in ("train", "test")]
    assert (drawn[0] != drawn[1]).mean() > 0.9, "each split draws for itself"


def test_domains_that_no_extractor_fits_have_no_scores_and_say_why(subject_of, tmp_path):
    big = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    data = data_set("big", tmp_path, big[:20].repeat(2, 0), big)
    by_points = ConfigDict({"features": "coordinates", "inception_weights": None})
    found = translation(
        subject_of(fake({"ab": negative}, lambda key, batch: (-one(batch), one(batch))), data, by_points, num=40)
    ).found
    assert "big has pictures of 3,072 numbers" in found["ab"]["unfit"]
    assert "scores" not in found["ab"]
    assert found["ab"]["pairs"]["outputs"]["absolute_error"]["value"] == 0
    said = "\n".join(sentences(found))
    assert "Translations a to b are not judged as images of their domain: big has" in said
    assert "Fréchet" not in said


def one(batch):
    return batch["data"].astype(jnp.float32) / 127.5 - 1


def test_a_report_is_json_and_is_said_in_tables(subject_of, both_ways, alone):
    assert json.loads(json.dumps(both_ways)) == both_ways
    said = "\n".join(sentences(both_ways))
    cell = both_ways["ab"]["scores"]["frechet_distance"]["outputs"]
    assert f"{cell['value']:.3g} [{cell['low']:.3g}, {cell['high']:.3g}]" in said
    for words in ("| a to b ", "| b to a ", "Fréchet distance", "coordinates", "There and back a to b: mean absolute"):
        assert words in said
    assert "sharpness" not in said
    few = translation(
        subject_of(fake({"ab": negative}, lambda key, batch: (-one(batch), one(batch))), alone, SETTINGS, num=40)
    ).found
    said = "\n".join(sentences(few))
    assert "Fréchet distance a to b: 40 images are fewer than the 768 from which it means something." in said
    for words in ("the model", "the pair whose input is nearest", "the trivial fill", "PSNR in dB"):
        assert words in said


def test_a_model_that_cannot_translate_has_nothing_to_be_judged(subject_of, unpaired):
    assert translation(subject_of(fake(None), unpaired, SETTINGS, num=100)) is None
    assert list(sentences({})) == []
