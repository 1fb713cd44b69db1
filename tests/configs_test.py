"""Every shipped experiment: its docstring, its trace at full size, and its tiny variant run as a user runs it."""

import importlib
import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.build.model import build_model, example_batch
from gengen.core.parallel import AXIS
from gengen.data.signature import Signature
from gengen.tasks import sample, train
from gengen.tasks.describe import experiments

CONFIGS = Path(__file__).parent.parent / "configs"
EXPERIMENTS = [experiment.name for experiment in experiments(CONFIGS)]
VARIANTS = [(name, variant) for name in EXPERIMENTS for variant in importlib.import_module(f"configs.{name}").VARIANTS]


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def config_of(name, variant=""):
    return importlib.import_module(f"configs.{name}").get_config(variant)


def signature_of(config):
    height, width = config.data.resolution
    classes = tuple(str(digit) for digit in range(10))
    labelled = {"labelled": config.data.labelled} if config.data.labelled else {}
    return Signature(config.data.name, height, width, config.data.channels, classes, {"train": 1000, **labelled}, "")


def test_every_file_is_an_experiment_or_the_base():
    files = {path.stem for path in CONFIGS.glob("*.py")} - {"__init__", "base"}
    assert files == set(EXPERIMENTS)
    assert len(files) >= 3


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_docstring_says_what_it_is_where_it_comes_from_and_what_to_expect(name):
    text = importlib.import_module(f"configs.{name}").__doc__
    assert "Paper: " in text
    assert f"python launch.py --config=configs/{name}.py" in text
    entry = next(experiment for experiment in experiments(CONFIGS) if experiment.name == name)
    assert "not measured" not in entry
    assert "?" not in entry.score + entry.minutes


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_the_common_variants_and_needs_no_network(name):
    assert {"tiny", "mnist", "fashion_mnist"} <= set(importlib.import_module(f"configs.{name}").VARIANTS)
    assert config_of(name).data.name == config_of(name, "tiny").data.name == "digits"
    for real in ("mnist", "fashion_mnist"):
        assert config_of(name, real).data.name == real
    with pytest.raises(ValueError, match=r"'huge' is unknown; .*tiny"):
        config_of(name, "huge")


@pytest.mark.parametrize(("name", "variant"), [*((name, "") for name in EXPERIMENTS), *VARIANTS])
def test_it_traces_at_full_size(name, variant):
    config = config_of(name, variant)
    signature = signature_of(config)
    model = build_model(config, signature)
    batch = example_batch(signature, config.training.batch_size)
    state = jax.eval_shape(model.init, jax.random.key(0), batch)
    step = jax.vmap(model.train_step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)
    halves = jax.tree.map(lambda x: x.reshape(2, -1, *x.shape[1:]), batch)
    after, metrics = jax.eval_shape(step, jax.random.key(0), state, halves)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert METRICS[name] <= metrics.keys()
    for stage in model.later:
        assert jax.tree.structure(jax.eval_shape(stage.enter, state)) == jax.tree.structure(state)
        step = jax.vmap(stage.train_step, in_axes=(None, None, 0), out_axes=None, axis_name=AXIS)
        assert jax.tree.structure(jax.eval_shape(step, jax.random.key(0), state, halves)[0]) == jax.tree.structure(
            state
        )
    look = partial(shown, model, shape=signature.shape)
    assert jax.eval_shape(look, jax.random.key(0), after.variables).shape == (4, *signature.shape)


def shown(model, key, variables, shape):
    """Four samples, or four images that went through a model without a prior."""
    if model.sample:
        return model.sample(key, variables, 4)
    return model.decode(key, variables, model.encode(key, variables, jnp.zeros((4, *shape))))


# The estimate of the distance and the terms that an experiment is about.
GAME = {"critic/loss", "generator/loss"}
BOUND = {f"autoencoder/{part}" for part in ("loss", "bound", "reconstruction", "divergence")}
ERROR = {"autoencoder/loss", "autoencoder/squared_error"}
METRICS = {
    "aae": GAME | ERROR | {"critic/jensen_shannon"},
    "aae_cluster": GAME | ERROR | {"category_critic/jensen_shannon"},
    "aae_semi": GAME | ERROR | {"category_critic/jensen_shannon", "classifier/accuracy"},
    "ae": ERROR,
    "ae_conv": ERROR,
    "anomaly": ERROR,
    "cgan": GAME | {"critic/jensen_shannon"},
    "cvae": BOUND,
    "dae": ERROR,
    "dcgan": GAME | {"critic/jensen_shannon"},
    "gan": GAME | {"critic/jensen_shannon"},
    "hinge": GAME | {"critic/total_variation"},
    "infogan": GAME | {f"{player}/{code}" for player in ("critic", "generator") for code in ("category", "continuous")},
    "iwae": BOUND,
    "lsgan": GAME | {"critic/le_cam"},
    "pacgan": GAME | {"critic/jensen_shannon"},
    "unrolled": GAME | {"critic/jensen_shannon"},
    "vae": BOUND,
    "vae_conv": BOUND,
    "vqvae": ERROR | {"autoencoder/perplexity", "autoencoder/commitment"},
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
        ("cgan", {"label"}),
        ("cvae", {"label"}),
        ("infogan", {"category", "continuous"}),
        ("vqvae", {"label"}),
    ],
)
def test_conditional_experiments_can_be_told_what_to_sample(name, arguments):
    config = config_of(name, "tiny")
    assert set(build_model(config, signature_of(config)).conditions) == arguments


def test_the_paper_variant_of_the_wgan_is_algorithm_1():
    config = config_of("wgan", "paper")
    assert (config.model.clip, config.model.critic_steps, config.training.batch_size) == (0.01, 5, 64)
    for player in ("critic", "generator"):
        assert (config.optimizers[player].name, config.optimizers[player].rate) == ("rmsprop", 5e-5)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_tiny_variant_trains_and_samples(name, tmp_path, data_dir):
    config = config_of(name, "tiny")
    config.data.data_dir = str(data_dir)
    config.training.steps = 15
    config.training.batch_size = 8
    last = train.run(config, tmp_path / "run")
    with Image.open(last) as shown:
        assert shown.size[0] > 64
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 15]
    assert np.isfinite([value for line in lines for value in line.values()]).all()
    with np.load(sample.run(tmp_path / "run", num=5, seed=0, output=None)) as saved:
        assert saved["images"].shape == (5, 8, 8, 1)
        assert saved["images"].dtype == np.uint8
        assert saved["images"].std() > 0
