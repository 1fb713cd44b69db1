"""Sections that all experiments share, and the variants that all of them have."""

from collections.abc import Sequence

from ml_collections import ConfigDict, config_dict


def defaults() -> ConfigDict:
    """Returns the sections that all experiments share, on the embedded digits."""
    config = ConfigDict()
    config.data = ConfigDict()
    config.data.name = "digits"  # one of BUILDERS in gengen.data.sources, or any name that TFDS knows
    config.data.kind = (
        "auto"  # of the arrays of array_folder: points, series, picture or volume; auto goes by their axes
    )
    config.data.resolution = (16, 16)  # height and width, or one number for both; () keeps the pictures' own
    config.data.channels = 1  # 1 is grey, 3 is colour; 0 keeps the pictures' own
    config.data.crop = "none"  # "center" cuts pictures to the resolution's aspect before they are resized
    config.data.classes = ()  # names of classes, to which the data are then restricted; () is all of them
    config.data.held_out = 0.0  # share of the training images that is set aside
    config.data.labelled = 0  # training images whose labels a semi-supervised model may see
    config.data.data_dir = config_dict.placeholder(str)  # where prepared data lies; None is TFDS's own place
    config.data.manual_dir = config_dict.placeholder(str)  # a folder of raw files or of pictures, or a file of arrays

    config.networks = ConfigDict()
    config.model = ConfigDict()
    config.optimizers = ConfigDict()

    config.training = ConfigDict()
    config.training.steps = 1000  # batches
    config.training.epochs = 0.0  # stands for steps where it is not 0
    config.training.batch_size = 64  # over all devices
    config.training.seed = 0
    config.training.steps_per_dispatch = 50  # fused into one call of the device
    config.training.log_every = 100
    config.training.checkpoint_every = 1000
    config.training.sample_every = 2000
    config.training.average = ConfigDict()  # decay 0 keeps no average
    config.training.average.decay = 0.0
    config.training.average.networks = ()

    config.evaluation = ConfigDict()
    config.evaluation.every = 0  # steps; 0 is never
    config.evaluation.num = 2000  # samples judged while training
    config.evaluation.scores = ()  # measured while training: names of SCORES in gengen.metrics.scores; () is all
    config.evaluation.best = "frechet_distance"  # the score that chooses the checkpoint in best/
    config.evaluation.features = "auto"  # classifier, inception or coordinates
    config.evaluation.importance_samples = (1,)  # of each image, for bounds of its likelihood
    config.evaluation.parzen = False  # the log-likelihood of Parzen windows, as early papers on GANs have it
    config.evaluation.sampler = "mixture"  # or "gaussian": fitted to the codes of an autoencoder without a prior
    config.evaluation.components = 10  # of that mixture
    config.evaluation.anomalies = False  # whether the run is to tell them: then normal images have to be set aside
    config.evaluation.anomaly_score = "reconstruction"  # squared_error, likelihood, density, features
    config.evaluation.false_alarms = 0.05  # share of normal images that may be called anomalies
    config.evaluation.inception_weights = config_dict.placeholder(str)  # a file; without it, Inception is not offered
    return config


def optimizer(name: str, rate: float, **arguments: float) -> ConfigDict:
    """Returns the section of one player's optimizer.

    Args:
      name: one of `OPTIMIZERS` in `gengen.build`.
      rate: learning rate.
      **arguments: of the optimizer itself, such as b1 of Adam.
    """
    section = ConfigDict({"name": name, "rate": rate, **arguments})
    section.schedule = "constant"  # "linear" and "cosine" bring the rate to 0 at training.steps
    section.clip_norm = 0.0  # largest norm of all gradients together; 0 is no limit
    section.accumulate = 1  # batches whose gradients are averaged for one move
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
    config.evaluation.every = 0
    config.evaluation.num = 200
