"""Sections that all experiments share, and the variants that all of them have.

What each key means stands beside its type, in `gengen.runs.sections`, or in the docstring of the builder that takes it;
`python launch.py --keys=NAME` prints both.
"""

from collections.abc import Sequence

from ml_collections import ConfigDict, config_dict


def defaults() -> ConfigDict:
    """Returns the sections that all experiments share, on the embedded digits."""
    config = ConfigDict()
    config.data = ConfigDict()
    config.data.name = "digits"
    config.data.kind = "auto"
    config.data.resolution = (16, 16)
    config.data.channels = 1
    config.data.crop = "none"
    config.data.test_share = 0.0
    config.data.classes = ()
    config.data.held_out = 0.0
    config.data.labelled = 0
    config.data.captions = False
    config.data.data_dir = config_dict.placeholder(str)
    config.data.manual_dir = config_dict.placeholder(str)

    config.networks = ConfigDict()
    config.model = ConfigDict()
    config.optimizers = ConfigDict()

    config.training = ConfigDict()
    config.training.steps = 1000
    config.training.epochs = 0.0
    config.training.batch_size = 64
    config.training.seed = 0
    config.training.seeds = 1
    config.training.steps_per_dispatch = 50
    config.training.log_every = 100
    config.training.checkpoint_every = 1000
    config.training.sample_every = 2000
    config.training.film_every = 0
    config.training.diagnose_every = 500
    config.training.heal = False
    config.training.init_from = config_dict.placeholder(str)
    config.training.quick_compilation = False
    config.training.precision = "auto"
    config.training.average = ConfigDict({"decay": 0.0, "networks": (), "widths": (), "width": 0.0})

    config.evaluation = ConfigDict()
    config.evaluation.every = 0
    config.evaluation.num = 2000
    config.evaluation.scores = ()
    config.evaluation.best = "frechet_distance"
    config.evaluation.features = "auto"
    config.evaluation.importance_samples = (1,)
    config.evaluation.parzen = False
    config.evaluation.sampler = "mixture"
    config.evaluation.components = 10
    config.evaluation.anomalies = False
    config.evaluation.anomaly_score = "reconstruction"
    config.evaluation.false_alarms = 0.05
    config.evaluation.foreign = config_dict.placeholder(str)
    config.evaluation.foreign_dir = config_dict.placeholder(str)
    config.evaluation.inception_weights = config_dict.placeholder(str)

    config.sweep = config_dict.placeholder(str)
    return config


def optimizer(name: str, rate: float, **arguments: float) -> ConfigDict:
    """Returns the section of one player's optimizer.

    Args:
      name: one of `OPTIMIZERS` in `gengen.build`.
      rate: learning rate.
      **arguments: of the optimizer itself, such as b1 of Adam.
    """
    section = ConfigDict({"name": name, "rate": rate, **arguments})
    section.schedule = "constant"
    section.clip_norm = 0.0
    section.accumulate = 1
    return section


def vary(
    config: ConfigDict, variant: str, known: Sequence[str], resolution: int = 28, shown: str = "digits"
) -> ConfigDict:
    """Returns an experiment as the variant that all of them have; others an experiment has dealt with itself.

    Args:
      config: the experiment on the digits.
      variant: "tiny", "mnist", "fashion_mnist", "digits", another one of `known`, or "" for none.
      known: all variants of the experiment.
      resolution: height and width of MNIST and Fashion-MNIST, and of `shown`.
      shown: the embedded data of the experiment where they are not the digits, which "tiny" and "digits" have.

    Raises:
      ValueError: the experiment has no such variant.
    """
    if variant not in ("", *known):
        raise ValueError(f"variant {variant!r} is unknown; leave it out or choose one of {', '.join(known)}")
    if variant in ("mnist", "fashion_mnist") or (variant not in ("tiny", "digits") and shown != "digits"):
        config.data.name = variant if "mnist" in variant else shown
        config.data.resolution = (resolution, resolution)
    if variant == "tiny":
        _shrink(config)
    return config


def own_pictures(config: ConfigDict, resolution: int = 64) -> None:
    """Makes a config one of the user's own colour pictures, whose folder or zip is `data.manual_dir`."""
    config.data.update(name="image_folder", resolution=(resolution, resolution), channels=3, crop="center")
    config.evaluation.every = 0  # pictures without labels are judged by Inception, whose weights are a file


def _shrink(config: ConfigDict) -> None:
    """Makes an experiment so small that it ends in seconds: it shows that everything runs, not what it can do."""
    config.data.resolution = (8, 8)
    if "second" in config.data and config.data.second.resolution:
        config.data.second.resolution = (8, 8)
    if "adaptation" in config:
        config.adaptation.seeds = 2
        config.adaptation.baseline.update(steps=20, batch_size=16)
    config.training.steps = 20
    config.training.batch_size = 16
    config.training.steps_per_dispatch = 5
    config.training.log_every = 10
    config.training.checkpoint_every = 10
    config.training.sample_every = 10
    config.training.quick_compilation = True
    config.training.precision = "float32"  # products so small gain nothing, and nothing is measured first
    config.evaluation.every = 0
    config.evaluation.num = 200
