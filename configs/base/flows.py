"""Sections of normalising flows."""

from ml_collections import ConfigDict

from configs.base.sections import defaults, optimizer


def flow(network: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of a normalising flow, of pixels with uniform noise."""
    config = defaults()
    config.networks.flow = ConfigDict({**network, "condition": "none"})
    config.model.name = "normalising_flow"
    config.model.dequantisation = "uniform"
    config.model.deviation = 0.0
    config.model.alpha = 0.05
    config.optimizers.flow = optimizer("adam", 1e-3)
    config.optimizers.flow.schedule = "cosine"
    config.optimizers.flow.clip_norm = 1.0
    config.training.batch_size = 128
    config.training.average.decay = 0.999
    config.training.average.networks = ("flow",)
    config.evaluation.anomaly_score = "typicality"
    return config


def numbers(config: ConfigDict, variant: str) -> None:
    """Makes a config one of points, `ring`, `moons` or `swiss_roll`, or of a `table`: numbers are not dequantised.

    A table is the user's own: rows of numbers in the files of `data.manual_dir`, an `array_folder`.
    """
    config.data.update(name="array_folder" if variant == "table" else variant)
    config.training.precision = "float32"
    if variant == "table":  # of rows that are few
        config.optimizers.flow.update(name="adamw", decay=1.0)


def learn_noise(config: ConfigDict, network: ConfigDict) -> None:
    """Makes the noise of pixels that of a second flow, which sees them and is learnt with the first."""
    config.networks.dequantiser = network
    config.model.dequantisation = "variational"
    config.training.average.networks = ("flow", "dequantiser")
