"""Sections of diffusion models."""

from ml_collections import ConfigDict, config_dict

from configs.base.sections import defaults, optimizer

POINTS = ("ring", "grid", "moons", "swiss_roll")
"""Data sets of points."""


def diffusion(path: str, prediction: str, tiny: bool = False) -> ConfigDict:
    """Returns the defaults with the sections of a diffusion model, whose network is told the class."""
    config = denoiser(tiny)
    config.model.name = "diffusion"
    config.model.path = path
    config.model.steps = 0
    config.model.prediction = prediction
    config.model.times = "uniform"
    config.model.weighting = "simple"
    config.model.deviation = 0.5
    config.model.dropped = 0.1
    config.sampling = ConfigDict({"name": "heun", "calls": 35, "guidance": 1.0, "guided_from": 0.0, "guided_to": 1.0})
    config.sampling.update(spacing="power", clip=False, likelihood=False, worse=config_dict.placeholder(str))
    return config


def denoiser(tiny: bool = False) -> ConfigDict:
    """Returns the defaults with a denoiser for pictures, its optimizer and its average."""
    config = defaults()
    config.networks.denoiser = denoising_unet(width=8 if tiny else 64)
    config.optimizers.denoiser = optimizer("adam", 1e-3, b2=0.99)
    config.optimizers.denoiser.schedule = "cosine"
    config.optimizers.denoiser.clip_norm = 1.0
    config.training.average.decay = 0.999
    config.training.average.networks = ("denoiser",)
    config.training.batch_size = 64
    config.training.diagnose_every = 0  # a look draws samples, for as long as a hundred steps take
    return config


def denoising_unet(width: int) -> ConfigDict:
    """Returns the section of a U-Net that is told the class."""
    network = ConfigDict({"name": "unet", "width": width, "multipliers": (1, 2), "blocks": 1, "attention": (1,)})
    network.update(patch=2, heads=4, dropout=0.0)
    network.condition = "embedding"
    return network


def denoise_points(config: ConfigDict, name: str) -> None:
    """Makes a config one of points, which a perceptron denoises, standardised and told no class."""
    config.data.name = name
    config.networks.denoiser = ConfigDict({"name": "mlp", "condition": "none"})
    config.model.deviation = 1.0
    config.model.dropped = 0.0
    config.sampling.likelihood = True
    config.training.update(steps=10_000, batch_size=512, precision="float32")
