"""Every shipped experiment: its docstring, its trace at full size, and its tiny variant run as a user runs it."""

import importlib
import json
import re
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.api import train
from gengen.build.model import build_model, example_batch
from gengen.cli.experiments import experiments
from gengen.cli.tasks import given_to
from gengen.core.field import Field
from gengen.core.parallel import AXIS
from gengen.data import grammar, handwriting
from gengen.data.points import CLOUDS
from gengen.data.signature import Signature
from gengen.data.words import text_field
from gengen.runs.run import open_run
from gengen.tasks import sample, translate

CONFIGS = Path(__file__).parent.parent / "configs"
EXPERIMENTS = [experiment.name for experiment in experiments(CONFIGS)]
VARIANTS = [(name, variant) for name in EXPERIMENTS for variant in importlib.import_module(f"configs.{name}").VARIANTS]


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


PICTURES = {"photographs": 0, "facades": 3}
"""Data without labels, and how many channels the second picture of an example has."""

OTHERS = {"adapt", "cogan", "cyclegan", "pix2pix"}
"""Experiments of two domains, or of photographs, which have data sets of their own."""

TRANSLATE, ADAPT = ("cyclegan", "pix2pix"), ("adapt",)
"""Experiments that draw no samples."""

CAPTIONED = {"text"}
"""Experiments that are told what pictures show; nobody says it of clothes."""

EMBEDDED = {"digits", "digits_smooth", "photographs", "glyphs", "glyphs_varied", "scenes"}
"""Data that need no network."""


def config_of(name, variant=""):
    return importlib.import_module(f"configs.{name}").get_config(variant)


def signature_of(config):
    """What the data of a config would be, which are not read; those made of the first have its size."""
    section = config.data
    if section.name in (*CLOUDS, "array_folder"):
        fields = {"data": Field((2,), "float32", mean=(0.0, 0.0), deviation=(1.0, 1.0))}
        return Signature(section.name, "points", fields, {"train": 1000}, "")
    height, width = section.resolution
    classes = () if section.name in PICTURES else tuple(str(digit) for digit in range(10))
    if section.name == "scenes":
        classes = ()
    counts = {"train": 1000, **({"labelled": section.labelled} if section.labelled else {})}
    paired, second = PICTURES.get(section.name, 0), None
    if "second" in section:
        other = section.second
        channels = {"paired": paired, "edges": 1}.get(other.name, other.channels)
        second = Signature.of_pictures(
            other.name, (*(other.resolution or (height, width)), channels), classes, {"train": 900}, ""
        )
    signature = Signature.of_pictures(
        section.name, (height, width, section.channels), classes, counts, "", paired=paired, second=second
    )
    vocabulary = grammar if section.name == "scenes" else handwriting if section.captions else None
    if vocabulary:
        signature.fields["text"] = text_field(vocabulary.WORDS, vocabulary.LENGTH)
    return signature


def test_every_file_is_an_experiment_or_the_base():
    files = {path.stem for path in CONFIGS.glob("*.py")} - {"__init__", "base"}
    assert files == set(EXPERIMENTS)
    assert len(files) >= 3


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_docstring_says_what_it_is_where_it_comes_from_and_what_to_expect(name):
    text = importlib.import_module(f"configs.{name}").__doc__
    assert "Paper: " in text
    assert re.search(rf"python launch\.py (--mode=\w+ )?--config=configs/{name}\.py", text)
    entry = next(experiment for experiment in experiments(CONFIGS) if experiment.name == name)
    assert "not measured" not in entry
    assert "?" not in entry.score + entry.minutes


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_tiny_variant_needs_no_network_and_refuses_others(name):
    assert "tiny" in importlib.import_module(f"configs.{name}").VARIANTS
    for variant, precision in (("", "auto"), ("tiny", "float32")):
        data = config_of(name, variant).data
        assert config_of(name, variant).training.precision == precision
        assert {data.name, *([data.second.name] if "second" in data else [])} <= EMBEDDED
    with pytest.raises(ValueError, match=r"'huge' is unknown; .*tiny"):
        config_of(name, "huge")


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in OTHERS | CAPTIONED])
def test_every_experiment_on_digits_has_the_variants_on_real_data(name):
    """Where others than the digits are shown, a variant has these, and the tiny one, which is to begin at once."""
    if config_of(name).data.name != "digits":
        small = config_of(name, "digits").data
        assert (small.name, *small.resolution) == ("digits", 16, 16)
    assert config_of(name, "tiny").data.name == "digits"
    mnist, fashion = (config_of(name, variant) for variant in ("mnist", "fashion_mnist"))
    assert (mnist.data.name, fashion.data.name) == ("mnist", "fashion_mnist")
    fashion.data.name = mnist.data.name
    assert fashion == mnist


@pytest.mark.parametrize("name", sorted(CAPTIONED))
def test_every_experiment_that_is_told_texts_begins_at_once_and_has_variants_of_captioned_digits(name):
    data = [config_of(name, variant).data for variant in ("", "tiny", "digits", "mnist")]
    assert [one.name for one in data] == ["scenes", "digits", "digits", "mnist"]
    assert [one.captions for one in data] == [False, True, True, True]


@pytest.mark.parametrize("name", sorted(OTHERS - {"pix2pix"}))
def test_every_experiment_of_two_domains_has_the_variant_of_two_kinds_of_real_digits(name):
    data = config_of(name, "mnist_usps").data
    assert (data.name, data.second.name) == ("mnist", "usps_pooled")
    assert tuple(data.resolution) == tuple(data.second.resolution) == (16, 16)


ALIKE = {
    *(("stylegan", variant) for variant in ("classes", "v1", "cats", "full")),
    *((name, variant) for name in ("biggan", "progan") for variant in ("cats", "full")),
    *((name, "cats") for name in ("ddpm", "edm", "vdm", "latent_diffusion")),
    *((name, "cats") for name in ("consistency", "drifting", "meanflow", "shortcut")),
    *(("cyclegan", variant) for variant in ("facades", "facades64", "mnist_usps")),
    ("adapt", "cycada"),
    *(
        (name, "cats")
        for name in ("dcgan", "ddpm", "edm", "vdm", "consistency", "drifting", "meanflow", "latent_diffusion")
    ),
    *((name, variant) for name in ("maf", "realnvp", "spline_flow") for variant in ("moons", "swiss_roll")),
    *(("glow", "variational"), ("tarflow", "jet"), ("tarflow", "tiny")),
    *(("r3gan", variant) for variant in ("cats", "stacked", "non_saturating", "no_r2", "r1_alone", "no_penalty")),
}
"""The networks of others at other sizes, which take up to half a minute to trace: a slow test traces them."""

TRACED = [
    pytest.param(*pair, marks=pytest.mark.slow) if pair in ALIKE or pair[1] in ("mnist", "tiny") else pair
    for pair in VARIANTS
    if pair[1] != "fashion_mnist"
]
"""Fashion-MNIST is MNIST with other pictures, which an experiment sees at another size than the digits: a slow test. So
are tiny networks, which another test trains."""


@pytest.mark.parametrize(("name", "variant"), [*((name, "") for name in EXPERIMENTS), *TRACED])
def test_it_traces_at_full_size(name, variant):
    """In bfloat16, in which types are mixed that strict promotion would refuse; tiny variants train in float32."""
    config = config_of(name, variant)
    config.training.precision = "bfloat16"
    signature = signature_of(config)
    model = build_model(config, signature)
    batch = example_batch(signature, max(config.training.batch_size, 2))
    state = jax.eval_shape(model.init, jax.random.key(0), batch)
    step = jax.vmap(model.train_step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)
    halves = jax.tree.map(lambda x: x.reshape(2, -1, *x.shape[1:]), batch)
    after, metrics = jax.eval_shape(step, jax.random.key(0), state, halves)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert METRICS.get(f"{name}:{variant}", METRICS[name]) <= metrics.keys()
    for stage in model.stages:
        step = jax.vmap(stage.train_step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)
        assert jax.tree.structure(jax.eval_shape(step, jax.random.key(0), state, halves)[0]) == jax.tree.structure(
            state
        )
    look = partial(shown, model, signature=signature)
    expected = (len(signature.classes),) if name in ADAPT else signature.shape
    if name == "cyclegan":
        expected = signature.second.shape
    assert jax.eval_shape(look, jax.random.key(0), after.variables).shape == (4, *expected)


def shown(model, key, variables, signature):
    """Four samples, or what becomes of four images in a model that draws none."""
    images = jnp.zeros((4, *signature.shape))
    if model.sample:
        return model.sample(key, variables, 4)
    if model.pair:
        images, _ = model.pair(key, example_batch(signature, 4))
    if model.recognise:
        return model.recognise(key, variables, images)["label"]
    if model.translate:
        return model.translate["ab"](key, variables, images)
    return model.decode(key, variables, model.encode(key, variables, images))


# The estimate of the distance and the terms that an experiment is about.
GAME = {"critic/loss", "generator/loss"}
BOUND = {f"autoencoder/{part}" for part in ("loss", "bound", "reconstruction", "divergence")}
ERROR = {"autoencoder/loss", "autoencoder/squared_error"}
FLOW = {"flow/loss", "flow/finite_layers"}
CYCLES = ("generator/cycle", "generator/identity")
METRICS = {
    "adapt": {f"classifier/{part}" for part in ("loss", "accuracy", "sure", "consistency")},
    "progan": GAME | {"critic/wasserstein", "critic/gradient_penalty", "critic/drift", "growth"},
    "stylegan": GAME | {"critic/paired_divergence", "critic_r1/r1", "critic_r2/r2", "path/length"},
    "stylegan:v1": GAME | {"critic/paired_divergence", "critic_r1/r1", "critic_r2/r2"},
    "stylegan:full": GAME | {"critic/jensen_shannon", "critic_r1/r1", "path/length"},
    "biggan": GAME | {"critic/total_variation", "generator/orthogonal"},
    "bigan": GAME | {"critic/jensen_shannon", "critic/accuracy_real", "critic/accuracy_fake"},
    "bigbigan": GAME | {"critic/total_variation", "critic/accuracy_real", "critic/accuracy_fake"},
    "aae": GAME | ERROR | {"critic/jensen_shannon"},
    "aae_cluster": GAME | ERROR | {"category_critic/jensen_shannon"},
    "aae_semi": GAME | ERROR | {"category_critic/jensen_shannon", "classifier/accuracy"},
    "ae": ERROR,
    "ae_conv": ERROR,
    "anomaly": ERROR,
    "cgan": GAME | {"critic/jensen_shannon"},
    "cogan": GAME | {"critic/jensen_shannon_a", "critic/jensen_shannon_b", "critic/accuracy"},
    "cvae": BOUND,
    "cyclegan": GAME | {f"{part}_{name}" for name in "ab" for part in ("critic/le_cam", *CYCLES)},
    "dae": ERROR,
    "dcgan": GAME | {"critic/jensen_shannon"},
    "ddpm": {"denoiser/loss"},
    "edm": {"denoiser/loss"},
    "flow_matching": {"denoiser/loss"},
    "meanflow": {"denoiser/loss", "denoiser/squared_error"},
    "shortcut": {"denoiser/loss", "denoiser/leap", "denoiser/velocity"},
    "consistency": {"denoiser/loss", "denoiser/squared_error", "denoiser/apart"},
    "drifting": {"denoiser/drift"},
    "gan": GAME | {"critic/jensen_shannon"},
    "gan:diverging": GAME | {"critic/wasserstein"},
    "glow": FLOW | {"flow/bits_per_dimension"},
    "hinge": GAME | {"critic/total_variation"},
    "infogan": GAME | {f"{player}/{code}" for player in ("critic", "generator") for code in ("category", "continuous")},
    "iwae": BOUND,
    "latent_diffusion": ERROR | {"autoencoder/divergence"},
    "lsgan": GAME | {"critic/le_cam"},
    "maf": FLOW,
    "pacgan": GAME | {"critic/jensen_shannon"},
    "pix2pix": GAME | {"critic/jensen_shannon", "generator/absolute_error"},
    "pixelcnn": {"predictor/loss", "predictor/bits_per_dimension"},
    "r3gan": GAME,  # what more there is, its ablations take away
    "realnvp": FLOW,  # of pixels or of numbers
    "spline_flow": FLOW,
    "text": {"denoiser/loss"},
    "tarflow": FLOW | {"flow/nats"},
    "unrolled": GAME | {"critic/jensen_shannon"},
    "vae": BOUND,
    "vae_conv": BOUND,
    "vqvae": ERROR | {"autoencoder/perplexity", "autoencoder/commitment"},
    "vdm": {f"denoiser/{part}" for part in ("bits_per_dimension", "prior", "reconstruction", "diffusion")},
    "wgan": GAME | {"critic/wasserstein"},
    "wgan_gp": GAME | {"critic/wasserstein", "critic/gradient_penalty"},
}


def test_the_unrolled_experiment_differentiates_its_critics_moves_where_gradients_are_zero():
    assert config_of("unrolled").optimizers.critic.eps_root > 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("aae_cluster", {"category"}),
        ("aae_semi", {"label"}),
        ("biggan", {"label"}),
        ("cgan", {"label"}),
        ("cogan", {"domain"}),
        ("cvae", {"label"}),
        ("infogan", {"category", "continuous"}),
        ("latent_diffusion", {"label"}),
        ("text", {"text"}),
        ("vqvae", {"label"}),
    ],
)
def test_conditional_experiments_can_be_told_what_to_sample(name, arguments):
    config = config_of(name, "tiny")
    assert set(build_model(config, signature_of(config)).conditions) == arguments


@pytest.mark.parametrize("variant", ["non_saturating", "no_r2", "r1_alone", "no_penalty"])
def test_an_ablation_of_the_r3gan_takes_parts_of_its_loss_away_and_changes_nothing_else(variant):
    whole, ablated = config_of("r3gan"), config_of("r3gan", variant)
    assert ablated != whole
    weights = [(config.model.terms.r1.weight, config.model.terms.r2.weight) for config in (whole, ablated)]
    assert all(left in (0, given) for given, left in zip(*weights, strict=True))
    ablated.model.update(loss=whole.model.loss)
    ablated.model.terms = whole.model.terms
    assert ablated == whole


def test_the_paper_variant_of_the_wgan_is_algorithm_1():
    config = config_of("wgan", "paper")
    assert (config.model.clip, config.model.critic_steps, config.training.batch_size) == (0.01, 5, 64)
    for player in ("critic", "generator"):
        assert (config.optimizers[player].name, config.optimizers[player].rate) == ("rmsprop", 5e-5)


def tiny_run(name, folder, data_dir):
    """Trains the tiny variant; returns the path of what was shown last."""
    config = config_of(name, "tiny")
    config.data.data_dir = str(data_dir)
    config.training.steps = 20
    config.training.batch_size = 8
    last = train.run(config, folder)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20]
    assert np.isfinite([value for line in lines for value in line.values()]).all()
    return last


ALWAYS = ("wgan", "aae_semi")
"""Some of each family, whose tiny variant is trained by default; those of the others are slow tests."""


def each(names):
    return [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", each(name for name in EXPERIMENTS if name not in (*TRANSLATE, *ADAPT)))
def test_the_tiny_variant_trains_and_samples(name, tmp_path, data_dir):
    with Image.open(tiny_run(name, tmp_path / "run", data_dir)) as shown:
        assert shown.size[0] > 64
    with np.load(sample.main(open_run(tmp_path / "run"), **given_to("sample", {"num": 5, "seed": 0}))) as saved:
        assert saved["images"].shape == (5, *signature_of(config_of(name, "tiny")).shape)
        assert saved["images"].dtype == np.uint8
        assert saved["images"].std() > 0


@pytest.mark.parametrize("name", each(TRANSLATE))
def test_the_tiny_variant_trains_and_translates(name, tmp_path, data_dir):
    with Image.open(tiny_run(name, tmp_path / "run", data_dir)) as shown:
        assert shown.size[0] > 64
    made = translate.main(open_run(tmp_path / "run"), **given_to("translate", {"num": 5, "seed": 0}))
    with np.load(made.with_suffix(".npz")) as saved:
        assert saved["outputs"].shape[:3] == saved["inputs"].shape[:3] == (5, 8, 8)
        assert saved["outputs"].dtype == np.uint8
        assert saved["outputs"].std() > 0


@pytest.mark.parametrize("name", each(ADAPT))
def test_the_tiny_variant_trains_what_only_recognises(name, tmp_path, data_dir):
    assert tiny_run(name, tmp_path / "run", data_dir).name == "metrics.jsonl"
