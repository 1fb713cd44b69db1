"""Values of configs: each held to its type and range by one mechanism, and what must go together, before data."""

import importlib
import inspect
import json
import math
import re
from typing import Annotated

import jax
import pytest
from ml_collections import ConfigDict

from configs import base
from gengen.api import train
from gengen.build import networks, optimizers, parts
from gengen.build.calls import check_value
from gengen.build.meanings import meanings
from gengen.build.model import GIVEN, MODELS
from gengen.core.refusal import Refusal
from gengen.evaluation import detectors
from gengen.inference import fitted_prior
from gengen.metrics.scores import AS_REAL
from gengen.metrics.scores import SCORES as MEASURED
from gengen.runs import prepare, sections
from gengen.runs.check import check_config
from gengen.runs.keys import keys_of
from gengen.tasks import adapt
from gengen.values import Count, Decay, Entries, OneOf, Positive, Range, Size, Weight, complaint, kind_of
from tests.sweep import experiments, leaves


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def refused(name, key, value, variant="tiny"):
    """The sentence that a config gets in which one key has a value."""
    config = importlib.import_module(f"configs.{name}").get_config(variant)
    *path, last = key.split(".")
    section = config
    for part in path:
        section = section[part]
    with section.ignore_type():
        section[last] = value
    with pytest.raises(Refusal) as said:
        check_config(config)
    assert str(said.value).endswith(".")
    return str(said.value)


# One value.

Shape = tuple[Size, Size]
Layers = Annotated[tuple[Size, ...], Entries(1, 3)]
Names = Annotated[tuple[Annotated[str, OneOf(("a", "b"))], ...], Entries(distinct=True)]


@pytest.mark.parametrize(
    ("annotation", "fine", "wrong"),
    [
        (bool, (True, False), (0, 1, "True", None, 1.0)),
        (Size, (1, 2**16), (0, -1, 2**16 + 1, 1.0, True, None, "8", float("nan"))),
        (Count, (0, 2**31 - 1), (-1, 2**31, 0.5)),
        (Weight, (0, 0.0, 1, 1e9), (-1e-3, 1.1e9, float("nan"), float("inf"), 1e300, "1", True, None)),
        (Positive, (1e-30, 2), (0, 0.0, 1e-300, -1)),
        (Positive | None, (None, 0.01), (0, "None")),
        (Decay, (0, 0.999), (1.0, 1 - 1e-12, -0.1)),
        (Annotated[str, OneOf(("a", "b"))], ("a",), ("c", "", None, 0)),
        (str, ("any", "two words"), ("", " ", "a\0b", 3, None)),
        (str | None, (None, "x"), ("", 0)),
        (Annotated[int | str, Range(0, 9)], (3, "three"), (-1, 2.0, True, None)),
        (Shape, ((1, 2), [1, 2]), (1, (1,), (1, 2, 3), (1, 2.5), (1, None), "12")),
        (Layers, ((1,), (1, 2, 3)), ((), (1, 2, 3, 4), (1, "2"), (True,))),
        (Names, ((), ("a", "b")), (("a", "a"), ("a", "c"), "ab")),
    ],
)
def test_a_value_fits_its_type_and_range_or_is_refused(annotation, fine, wrong):
    kind = kind_of(annotation)
    assert [value for value in fine if complaint(value, kind)] == []
    assert [value for value in wrong if not complaint(value, kind)] == []


def test_the_sentence_says_what_would_be_right():
    with pytest.raises(Refusal, match=r"^config\.a\.b=1\.5 must be a number in \[0, 1\)\.$"):
        check_value(1.5, Decay, "a.b")
    with pytest.raises(Refusal, match=r"must hold 1 to 3 entries, each a whole number from 1 to 65,536, which 'x' is"):
        check_value((1, "x"), Layers, "a.b")
    with pytest.raises(Refusal, match=r"must be a number in \(0, 1e\+09\], or None"):
        check_value(0, Positive | None, "a.b")


def test_a_meaning_can_be_read_beside_the_type():
    kind = kind_of(Annotated[Decay, "how much stays"])
    assert (kind.types, kind.range, kind.meaning) == ((float,), Range(0, 1, below=True), "how much stays")


# Every key.


def test_every_key_of_every_config_has_a_type_a_meaning_and_every_number_a_range():
    seen = 0
    for experiment, config in experiments():
        found = list(keys_of(config))
        assert sorted(key.path for key in found) == sorted(leaves(config)), experiment
        json.dumps([key.default for key in found])  # which a run folder's config is compared with
        for path, value, _, kind, meaning in found:
            assert kind and meaning, f"{experiment}: {path}"
            assert not complaint(value, kind), f"{experiment}: {path}"
            assert kind.range or kind.choice or not {int, float} & set(kind.types), f"{experiment}: {path} has no range"
        seen += len(found)
    assert seen > 1_500


OF_DATA = ("shape", "channels", "rank", "bounded", "vocabulary")
"""Arguments that come from the data."""


@pytest.mark.parametrize("table", [MODELS, *parts.PARTS.values(), optimizers.OPTIMIZERS, *networks.NETWORKS.values()])
def test_all_that_a_builder_takes_has_one_meaning_and_every_number_a_range(table):
    for name, builder in table.items():
        for key, parameter in inspect.signature(builder).parameters.items():
            kind = kind_of(parameter.annotation)
            if kind and key not in (*GIVEN, *OF_DATA, "name", "parent"):
                assert bool(kind.meaning) != bool(meanings(builder).get(key)), (
                    f"{name}: {key} beside its type, or below"
                )
                assert kind.range or kind.choice or not {int, float} & set(kind.types), f"{name}: {key}"


def test_names_of_tables_that_are_slow_to_import_are_those_of_the_tables():
    assert {name: score.better != AS_REAL for name, score in MEASURED.items()} == sections.SCORES
    assert set(sections.FITTED_PRIORS) == set(fitted_prior.FITTED_PRIORS)
    assert tuple(detectors.DETECTORS) == sections.DETECTORS
    assert ("auto", *networks.DTYPES) == sections.PRECISIONS


@pytest.mark.input("Keys of a config", "networks.X.dtype, of older versions", "refused", "training.precision is named")
def test_a_dtype_of_one_network_is_told_where_it_went():
    said = refused("gan", "networks.critic.dtype", "bfloat16")
    assert (
        said == "config.networks.critic.dtype is not a key any more: config.training.precision is that of all networks."
    )


# The mechanism at work: (experiment, key, value, words of the sentence).

WRONG = {
    "half a pixel": ("gan", "data.resolution", (14.5, 14), "14.5"),
    "no side": ("vae", "data.resolution", (None, 16), "None"),
    "three sides": ("vae", "data.resolution", (8, 8, 1), "3"),
    "half a unit": ("ae", "networks.encoder.widths", (32, 7.5), "7.5"),
    "a truth for a width": ("wgan", "networks.generator.widths", (True,), "True"),
    "half a sample": ("iwae", "evaluation.importance_samples", (1, 2.5), "2.5"),
    "no rate": ("gan", "optimizers.generator.rate", None, "None"),
    "an endless weight": ("wgan_gp", "model.terms.gradient_penalty.weight", float("inf"), "inf"),
    "a NaN": ("infogan", "model.information", float("nan"), "nan"),
    "a decay of one in single precision": ("vqvae", "model.decay", 1 - 1e-10, r"\[0, 1\)"),
    "a negative eps": ("iwae", "optimizers.autoencoder.eps", -1.0, r"\(0"),
    "no latents": ("vae", "model.latents", (), "holds 0"),
    "a layer without latents": ("vae", "model.latents", (4, 0), "0 is not"),
    "three layers of latents": ("vae", "model.latents", (4, 3, 2), "holds 3"),
    "bits of no kind": ("vae", "model.binarisation", "often", "none, dynamic, static"),
    "no look ahead": ("unrolled", "model.unroll", -1, "from 0"),
    "one code": ("vqvae", "model.codes", 1, "from 2"),
    "more than all pixels": ("dae", "model.corruption.amount", 2.0, r"\[0, 2\)"),
    "noise of no kind": ("ae", "model.corruption.amount", 0.3, "is of no corruption"),
    "a year in one dispatch": ("gan", "training.steps_per_dispatch", 10**9, "10,000"),
    "an unknown score": ("gan", "evaluation.scores", ("fid",), "'fid'"),
    "an unknown best": ("vae", "evaluation.best", "fid", "frechet_distance"),
    "a best that has no better": ("vae", "evaluation.best", "density", "frechet_distance"),
    "an unknown extractor": ("gan", "evaluation.features", "vgg", "inception"),
    "a direction twice": ("adapt", "adaptation.directions", ("ab", "ab"), "twice"),
    "no direction": ("adapt", "adaptation.directions", (), "holds 0"),
    "no steps of the baseline": ("adapt", "adaptation.baseline.steps", 0, r"config\.adaptation\.baseline\.steps=0"),
    "a rate of the baseline": (
        "cogan",
        "adaptation.baseline.optimizers.classifier.rate",
        -0.1,
        r"config\.adaptation\.baseline\.optimizers\.classifier\.rate=-0.1",
    ),
    "a name with a zero in it": ("gan", "data.manual_dir", "a\0b", "text"),
    "an empty name": ("cyclegan", "data.second.name", "", "text"),
}


@pytest.mark.input(
    "Keys of a config", "an entry of a tuple that is no whole number", "refused", "the entry and the range are named"
)
@pytest.mark.input(
    "Keys of a config", "NaN, infinity, or a number that single precision cannot hold", "refused", "the range is named"
)
@pytest.mark.input(
    "Keys of a config",
    "a number beyond its range, in any section",
    "refused",
    "the key with its whole path, and its range",
)
@pytest.mark.input("Keys of a config", "a name that its table does not have", "refused", "the names that it has")
@pytest.mark.parametrize(("experiment", "key", "value", "words"), WRONG.values(), ids=WRONG)
def test_a_value_that_means_nothing_is_refused_with_its_key(experiment, key, value, words):
    sentence = refused(experiment, key, value)
    assert sentence.startswith(f"config.{key}=")
    assert re.search(words, sentence), sentence


@pytest.mark.input("Keys of a config", "None for a key that may be None, such as model.clip", "taken", "nothing is set")
def test_none_can_be_said_where_it_is_a_value():
    config = importlib.import_module("configs.wgan").get_config("tiny")
    config.model.clip = config.data.manual_dir = None
    check_config(config)


@pytest.mark.input("Keys of a config", "an unknown or a missing key of a section", "refused", "a key like it, or all")
def test_a_key_that_nothing_reads_is_refused_and_one_that_is_read_must_be_there():
    config = base.gan(*base.mlp())
    config.training.stepz = 5
    with pytest.raises(Refusal, match=r"config\.training\.stepz is not .*did you mean steps"):
        check_config(config)
    config = base.gan(*base.mlp())
    del config.training["steps"]
    with pytest.raises(Refusal, match=r"config\.training\.steps is missing"):
        check_config(config)
    config = base.gan(*base.mlp())
    config.notes = ConfigDict()
    with pytest.raises(Refusal, match=r"config\.notes is not a section"):
        check_config(config)
    config = base.gan(*base.mlp())
    config.model.corruption = ConfigDict({"name": "none"})
    with pytest.raises(Refusal, match=r"config\.model\.corruption is not an argument"):
        check_config(config)


# Values together.


@pytest.mark.input(
    "Keys of a config", "data.labelled for a model that has no use for it", "refused", "which key would use it, if any"
)
def test_labels_that_no_model_sees_are_refused():
    assert "set it to 0" in refused("gan", "data.labelled", 30)
    assert "config.model.semi_supervised" in refused("aae_cluster", "data.labelled", 30)
    config = importlib.import_module("configs.aae").get_config("swiss_roll")
    config.data.labelled = 30
    check_config(config)


@pytest.mark.input(
    "Keys of a config", "evaluation.best that is not among evaluation.scores", "refused", "before a folder is made"
)
def test_what_chooses_the_best_is_among_what_is_measured():
    config = importlib.import_module("configs.gan").get_config("tiny")
    config.evaluation.update(scores=("precision", "recall"))
    with pytest.raises(Refusal, match=r"best='frechet_distance' must be one of .*precision, recall"):
        check_config(config)
    config.evaluation.best = "recall"
    check_config(config)
    config.evaluation.scores = ("density",)
    with pytest.raises(Refusal, match="of which none says"):
        check_config(config)


@pytest.mark.input(
    "Keys of a config", "evaluation.inception_weights that is no file", "refused", "before a folder is made"
)
def test_a_file_of_weights_is_looked_for_before_a_folder_is_made(tmp_path):
    assert "is no file" in refused("gan", "evaluation.inception_weights", str(tmp_path / "gone.pth"))
    assert "is no file" in refused("gan", "evaluation.inception_weights", str(tmp_path))


def test_a_file_that_holds_no_such_weights_is_refused_before_a_folder_is_made(tmp_path, data_dir):
    (tmp_path / "other.pth").write_bytes(b"nothing of the kind")
    config = importlib.import_module("configs.gan").get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.evaluation.update(every=10, inception_weights=str(tmp_path / "other.pth"), features="inception")
    with pytest.raises(Refusal, match="wanted: "):
        train.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.input(
    "Keys of a config", "evaluation.anomalies where nothing is held out", "refused", "data.held_out is named"
)
def test_a_run_that_is_to_tell_anomalies_sets_normal_images_aside():
    assert "config.data.held_out=0" in refused("anomaly", "data.held_out", 0.0)


@pytest.mark.input(
    "Keys of a config",
    "training.heal=True of a run that could not be healed",
    "refused",
    "the key that would have to change",
)
def test_a_run_that_is_to_be_healed_can_be(monkeypatch):
    for name, variant in (("vae", "tiny"), ("pix2pix", "tiny"), ("aae", "tiny")):
        assert "a game of a generator and a critic" in refused(name, "training.heal", True, variant)
    config = importlib.import_module("configs.gan").get_config("collapse")
    config.training.heal = True
    check_config(config)
    for key, value, words in (
        ("seeds", 2, r"training\.seeds=2 would"),
        ("diagnose_every", 0, r"set config\.training\.diagnose_every above 0"),
        ("checkpoint_every", 0, r"checkpoint_every=0 must be a multiple of config\.training\.diagnose_every=50"),
        ("checkpoint_every", 75, r"checkpoint_every=75 must be a multiple of config\.training\.diagnose_every=50"),
        ("log_every", 30, r"checkpoint_every=1000 must be a multiple of config\.training\.log_every=30"),
    ):
        wrong = config.copy_and_resolve_references()
        wrong.training[key] = value
        with pytest.raises(Refusal, match=words):
            check_config(wrong)
    swept = config.copy_and_resolve_references()
    swept.sweep = "optimizers.critic.rate=1e-3,1e-4"
    with pytest.raises(Refusal, match="asks for several"):
        check_config(swept)
    config.training.log_every = 0
    check_config(config)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(Refusal, match=r"heal=True goes with one process"):
        check_config(config)


@pytest.mark.input(
    "Keys of a config", "training.epochs of less than one image", "refused", "how many images and steps they are"
)
@pytest.mark.parametrize(("epochs", "fine"), [(1e-30, False), (1e-7, False), (1e6, False), (0.001, True), (2.0, True)])
def test_epochs_are_at_least_an_image_and_no_more_steps_than_can_be_counted(data_dir, monkeypatch, epochs, fine):
    config = importlib.import_module("configs.vae").get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.epochs = epochs
    monkeypatch.setattr(prepare, "MOST_STEPS", 1_000)
    if not fine:
        with pytest.raises(Refusal, match=r"images and .* steps"):
            prepare.load_data(config)
    else:
        images = prepare.load_data(config).signature.counts["train"]
        assert config.training.steps == max(1, math.ceil(epochs * images / 16))


@pytest.mark.input(
    "Keys of a config", "a part of an adaptation that cannot be trained", "refused", "before any part is trained"
)
@pytest.mark.slow
def test_an_adaptation_is_checked_whole_before_any_of_it_is_trained(data_dir, tmp_path):
    config = importlib.import_module("configs.adapt").get_config("tiny")
    config.data.data_dir = str(data_dir)
    for changes, words in (
        ({"model.semantic": 2.0}, r"semantic=2\.0 needs translations: networks\.to_a and networks\.to_b"),
        ({"model.translated": 0.5}, r"translated=0\.5 needs translations"),
        ({"adaptation.baseline.batch_size": 1}, "batch_size"),
    ):
        wrong = config.copy_and_resolve_references()
        wrong.update_from_flattened_dict(changes)
        with pytest.raises(Refusal, match=words):
            adapt.main(wrong, tmp_path / "runs", output=None)
        assert not (tmp_path / "runs").exists()
