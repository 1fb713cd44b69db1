"""Data of every kind, judged: which scores there are, what they see, what is noise, and what is said."""

import dataclasses
import json
import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gengen.core.field import Field
from gengen.core.model import GenerativeModel
from gengen.core.parallel import example_keys
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.points import COUNTS, read_points
from gengen.data.signature import BYTE, DataSet, Signature, label_field
from gengen.evaluation import detectors
from gengen.evaluation.features import UnfitDataError, extractors
from gengen.evaluation.judging import Judge
from gengen.evaluation.known_modes import modes_of
from gengen.evaluation.likelihoods import density
from gengen.evaluation.nearest_classifier import NEIGHBOURS, NearestClassifier
from gengen.evaluation.samples import noise_like
from gengen.metrics.scores import SCORES
from gengen.runs.run import Run
from gengen.tasks import evaluate

SETTINGS = ConfigDict({"features": "auto", "inception_weights": None})

SHAPES = {"points": (3,), "series": (6, 2), "volume": (4, 4, 4, 1)}
"""Of an example of each kind that is no picture."""

CLASSES = ("low", "high")


def field_of(kind, shape, train):
    if kind == "volume":
        return Field(shape, "uint8", *BYTE)
    axes = tuple(range(train.ndim - 1))
    mean, deviation = train.mean(axes, np.float64), train.std(axes, dtype=np.float64)
    return Field(shape, "float32", mean=tuple(map(float, mean)), deviation=tuple(map(float, deviation)))


def data_of(kind, folder, shape=None, train=240, test=160, classes=CLASSES):
    """Normal numbers about -5 and 5, or bytes about 60 and 190, by their class, in the data's units."""
    shape, splits, random = shape or SHAPES[kind], {}, np.random.default_rng(0)
    for split, number in (("train", train), ("test", test)):
        label = np.arange(number, dtype=np.int32) % 2
        values = random.normal(0, 1, (number, *shape)) + 10 * (label - 0.5).reshape(-1, *[1] * len(shape))
        values = np.clip(np.rint(125 + 13 * values), 0, 255).astype(np.uint8) if kind == "volume" else values
        splits[split] = {"data": np.asarray(values, np.uint8 if kind == "volume" else np.float32), "label": label}
    fields = {"data": field_of(kind, shape, splits["train"]["data"])} | (
        {"label": label_field(classes)} if classes else {}
    )
    counts = {"train": train, "test": test}
    splits = splits if classes else {name: {"data": split["data"]} for name, split in splits.items()}
    return DataSet(Signature(f"some {kind}", kind, fields, counts, "d" * 16), splits, folder)


MODES = {"modes_hit", "high_quality", "mode_divergence"}

NEEDS_MORE = {"inception_score", "label_agreement", "class_similarity", *MODES}
"""Scores of a network with classes of its own, of samples that were told their class, of pictures, of known modes."""


@pytest.mark.parametrize("kind", SHAPES)
def test_scores_of_features_are_there_for_every_kind_and_tell_noise_from_data(kind, tmp_path):
    judge = Judge(data_of(kind, tmp_path), SETTINGS, num=200)
    assert set(judge.names) == SCORES.keys() - NEEDS_MORE
    assert {judge.extractor(name).name for name in judge.names} == {"coordinates", f"{NEIGHBOURS}-nearest-neighbours"}
    floor = judge.scores(judge.floor)
    noise = judge.scores(judge.examples(noise_like(judge.signature.fields["data"], judge.training, 200)))
    for name in ("frechet_distance", "kernel_distance"):
        assert floor[name].high < noise[name].low
    for name in ("precision", "coverage"):
        assert floor[name].low > noise[name].high
    unlabelled = Judge(data_of(kind, tmp_path, classes=()), SETTINGS, num=200)
    assert set(unlabelled.names) == {name for name in judge.names if SCORES[name].sees != "classes"}


@pytest.mark.input(
    "Judging",
    "a score of pictures alone, asked of points, series or volumes",
    "refused",
    "it cannot be had from these data; the sentence names those that can",
)
def test_a_score_of_pictures_alone_cannot_be_asked_of_others(tmp_path):
    with pytest.raises(Refusal, match="'class_similarity' cannot be had from these data and features; what can"):
        Judge(data_of("points", tmp_path), SETTINGS, num=200, scores=("class_similarity",))


@pytest.mark.input(
    "Judging", "features of a network that sees pictures, asked of points", "refused", "they are judged by coordinates"
)
@pytest.mark.parametrize("kind", SHAPES)
def test_a_network_that_sees_pictures_cannot_be_asked_of_others(kind, tmp_path):
    with pytest.raises(UnfitDataError, match="features=classifier sees pictures alone; set it to coordinates"):
        extractors(data_of(kind, tmp_path), ConfigDict(SETTINGS.to_dict() | {"features": "classifier"}))


def test_coordinates_are_in_the_models_units_and_of_many_numbers_means_over_blocks(tmp_path):
    small = data_of("series", tmp_path)
    test = small.splits["test"]["data"]
    seen = extractors(small, SETTINGS).features
    np.testing.assert_array_equal(seen.extract(test)[0], small.signature.units.to_model(test).reshape(160, -1))
    for kind, shape, blocks in (("series", (2048, 3), (512, 4)), ("volume", (16, 16, 16, 1), None)):
        large = data_of(kind, tmp_path, shape, train=20, test=10)
        test, seen = large.splits["test"]["data"], extractors(large, SETTINGS).features
        units = large.signature.units.to_model(test)
        if blocks:
            expected = units.reshape(10, *blocks, 3).mean(2)
        else:
            expected = units.reshape(10, 8, 2, 8, 2, 8, 2, 1).mean((2, 4, 6))
        np.testing.assert_allclose(seen.extract(test)[0], expected.reshape(10, -1), rtol=1e-4, atol=1e-5)
        assert seen.dimension == expected[0].size <= 2048


@pytest.mark.input(
    "Judging",
    "a table of 40 rows, 9 of them held out",
    "taken",
    "there are no scores of neighbours, which need 32; of others, a star says that so few mean little",
)
def test_few_examples_are_judged_by_what_can_be_computed_of_them(tmp_path):
    few = data_of("points", tmp_path, train=31, test=9)
    judge = Judge(few, SETTINGS, num=200)
    assert set(judge.names) == SCORES.keys() - NEEDS_MORE - {"precision", "recall", "density", "coverage"}
    floor, noise = judge.floor, judge.examples(noise_like(few.signature.fields["data"], judge.training, 31))
    found, real = judge.scores(noise), judge.scores(floor)
    assert found["frechet_distance"].value > 10 * real["frechet_distance"].value
    assert set(judge.compared(noise, floor, found, real)) == set(judge.names) - {"class_confidence"}
    with pytest.raises(UnfitDataError, match=r"31 training and 9 held-out points; .* there must be 32 and 32 of them"):
        Judge(few, SETTINGS, num=200, scores=("recall",))
    with pytest.raises(UnfitDataError, match=r"31 training and 1 held-out points; .* there must be 4 and 2 of them"):
        Judge(data_of("points", tmp_path, train=31, test=1), SETTINGS, num=200)


@pytest.mark.input(
    "Judging", "points of more than 2,048 features", "refused", "so many are not judged; there is nothing to average"
)
def test_points_of_too_many_features_are_not_judged(tmp_path):
    with pytest.raises(UnfitDataError, match="2,049 features, and points of at most 2,048 are judged"):
        extractors(data_of("points", tmp_path, (2049,), train=4, test=4), SETTINGS)


def test_the_nearest_training_examples_vote_for_a_class(tmp_path):
    data = data_of("points", tmp_path)
    made = NearestClassifier(data, lambda examples: examples)
    assert made.accuracy == 1
    points, votes = made.extract(data.splits["test"]["data"])
    np.testing.assert_array_equal(points, data.splits["test"]["data"])
    np.testing.assert_allclose(np.exp(votes).sum(1), 1)
    np.testing.assert_allclose(np.exp(votes.max(1)), (NEIGHBOURS + 0.5) / (NEIGHBOURS + 1))
    data.splits["train"]["label"][:] = -1
    data.splits["train"]["label"][:3] = [0, 1, 1]
    _, votes = NearestClassifier(data, lambda examples: examples).extract(data.splits["test"]["data"])
    np.testing.assert_allclose(np.exp(votes), np.tile([(1 + 0.5) / 4, (2 + 0.5) / 4], (160, 1)))


def test_noise_of_bytes_fills_them_and_of_numbers_the_range_of_each_feature(tmp_path):
    drawn = noise_like(Field((4, 4, 1), "uint8", *BYTE), np.zeros((2, 4, 4, 1), np.uint8), 50)
    np.testing.assert_array_equal(drawn, np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), dtype=np.uint8))
    shown = np.array([[[0, -5], [1, 5]], [[0.5, 0], [0.5, 0]]], np.float32)
    drawn = noise_like(Field((2, 2), "float32"), shown, 1000)
    assert drawn.dtype == np.float32
    low, high = drawn.min((0, 1)), drawn.max((0, 1))
    np.testing.assert_allclose([low, high], [[0, -5], [1, 5]], atol=0.05)
    assert (low >= [0, -5]).all() and (high <= [1, 5]).all()


@pytest.fixture
def ring(tmp_path):
    splits = {split: dict(zip(("data", "label"), read_points("ring", split), strict=True)) for split in COUNTS}
    fields = {"data": field_of("points", (2,), splits["train"]["data"])}
    return DataSet(Signature("ring", "points", fields, dict(COUNTS), "d"), splits, tmp_path)


def nothing(directions):
    return GenerativeModel(None, None, translate=directions)


def test_the_exact_density_of_samples_stands_beside_that_of_held_out_data(ring, subject_of):
    centres = np.stack([np.cos(np.arange(4) * np.pi / 4), np.sin(np.arange(4) * np.pi / 4)], -1).repeat(5, 0)
    subject = subject_of(nothing(None), ring, samples=centres)
    real = subject.samples.examples._replace(data=ring.splits["train"]["data"])
    judge = SimpleNamespace(real=SimpleNamespace(reference=real))
    found = density(subject._replace(samples=subject.samples._replace(judge=judge))).found
    assert found["samples"]["nats"]["value"] == pytest.approx(-math.log(8 * 2 * math.pi * 0.01**2), abs=1e-6)
    # Minus the entropy of one component and of their choice, as the components do not overlap.
    entropy = math.log(8) + math.log(2 * math.pi * math.e * 0.01**2)
    assert found["held_out"]["nats"]["low"] < -entropy < found["held_out"]["nats"]["high"]


def test_samples_of_a_mixture_are_judged_by_its_modes(ring):
    judge = Judge(ring, SETTINGS, num=2500, scores=tuple(MODES))
    assert judge.names == [name for name in SCORES if name in MODES]
    assert {judge.extractor(name).title for name in MODES} == {"centres"} and judge.least("modes_hit") == 26 * 8
    real = judge.scores(judge.floor)
    assert real["modes_hit"].value == 8 and real["mode_divergence"].high < 0.01
    assert real["high_quality"].low < 1 - math.exp(-4.5) < real["high_quality"].high
    angles = np.arange(4) * np.pi / 4
    half = judge.examples(np.stack([np.cos(angles), np.sin(angles)], -1).repeat(5, 0).astype(np.float32))
    found = {name: estimate.value for name, estimate in judge.scores(half).items()}
    assert found == {"modes_hit": 4, "high_quality": 1, "mode_divergence": pytest.approx(math.log(2))}
    compared = judge.compared(half, judge.floor, judge.scores(half), real)
    assert compared["modes_hit"].difference.p_value < 0.05 and compared["mode_divergence"].difference.p_value < 0.05


def test_of_some_classes_of_a_mixture_no_modes_are_known(ring):
    counts = {"train": 2_400, "test": 500}
    few = dataclasses.replace(ring, signature=dataclasses.replace(ring.signature, counts=counts))
    assert modes_of(ring).number == 8 and modes_of(few) is None


def test_other_data_have_no_density_that_is_known(tmp_path, subject_of):
    assert density(subject_of(nothing(None), data_of("points", tmp_path), samples=np.zeros((2, 3)))) is None


def anomaly_scores(name, data, model):
    config = ConfigDict({"evaluation": {}})
    detectors.check(name, model, data.signature.kind)
    run = Run(None, config, data.signature, model, 7, {}, {}, config)
    return detectors.scorer(name, detectors.Normal(run, data.splits["train"]["data"]))(data.splits["test"]["data"])


@pytest.mark.parametrize("kind", SHAPES)
def test_a_squared_error_is_that_of_a_number_in_the_models_units(kind, tmp_path):
    data = data_of(kind, tmp_path)
    model = GenerativeModel(
        None, None, encode=lambda key, variables, data: data, decode=lambda key, variables, data: data / 2
    )
    scored = anomaly_scores("squared_error", data, model)
    test = data.splits["test"]["data"]
    expected = np.square(data.signature.units.to_model(test).reshape(160, -1).astype(np.float64) / 2).mean(1)
    np.testing.assert_allclose(scored.scores, expected, rtol=1e-5)
    assert scored.heat is None
    assert scored.reconstructions.shape == test.shape and scored.reconstructions.dtype == test.dtype


@pytest.mark.input(
    "Judging",
    "anomalies among points by the score that blurs pictures",
    "refused",
    "it is of pictures alone; the sentence names a score that can be had",
)
def test_the_score_that_blurs_is_of_pictures_alone(tmp_path):
    model = GenerativeModel(None, None, encode=len, decode=len)
    with pytest.raises(Refusal, match=r"is of pictures alone, and .* of the kind points; set it to 'squared_error' or"):
        detectors.check("reconstruction", model, "points")


def drawing(shape):
    """A model that draws normal numbers of a shape."""

    def sample(key, variables, n, condition=None):
        del condition
        scale = variables["net"]["params"]["scale"]
        return scale * jax.vmap(lambda key: jax.random.normal(key, shape))(example_keys(key, n))

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), {"net": {"params": {"scale": jnp.float32(0.1)}}}, {})

    return GenerativeModel(init, None, sample=sample)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_run_on_data_of_any_kind_is_evaluated_in_its_own_words(kind, opened, tmp_path, capsys):
    data = data_of(kind, tmp_path)
    config = ConfigDict({"model": {"name": "fake"}, "evaluation": SETTINGS})
    path = evaluate.main(opened(drawing(SHAPES[kind]), data, config), num=120, seed=0, output=None)
    report = json.loads(path.read_text())
    assert report["kind"] == kind
    assert "told from real" in report["verdict"][-1]
    said = capsys.readouterr().out
    many = {"points": "points", "series": "series", "volume": "volumes"}[kind]
    assert f"as many training {many} in their place" in said
    assert f"copies of training {many}" in said
    assert "image" not in said.replace("one_image", "")
    with Image.open(path.with_suffix(".png")) as shown:
        assert np.asarray(shown).std() > 0


def test_samples_that_are_not_finite_are_refused(opened, tmp_path):
    data = data_of("points", tmp_path)
    config = ConfigDict({"model": {"name": "fake"}, "evaluation": SETTINGS})
    model = drawing((3,))._replace(sample=lambda key, variables, n, condition=None: jnp.full((n, 3), jnp.nan))
    with pytest.raises(Refusal, match="samples hold values that are not finite"):
        evaluate.main(opened(model, data, config), num=120, seed=0, output=None)
