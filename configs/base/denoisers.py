"""Sections of diffusion models."""

from ml_collections import ConfigDict, config_dict

from configs.base.sections import defaults, optimizer, own_pictures

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
    config.model.log_ratio = (-1.2, 1.2)
    config.model.weighting = "simple"
    config.model.deviation = 0.5
    config.model.dropped = 0.1
    config.sampling = drawing(name="heun", calls=35, spacing="power", clip=False)
    return config


def one_step(method: str, tiny: bool = False, **settings: float | tuple[float, ...]) -> ConfigDict:
    """Returns the defaults with the sections of a model of one call, whose network is told the class.

    Args:
      method: one of `METHODS` in `gengen.models.diffusion`.
      tiny: whether the network is.
      **settings: of the method.
    """
    config = denoiser(tiny)
    config.model.name = "one_step"
    config.model.method = ConfigDict({"name": method, **settings})
    config.model.deviation = 0.5
    config.model.dropped = 0.0
    config.sampling = ConfigDict({"name": "jumps", "calls": 1})
    config.training.steps = 1_500
    return config


def drawing(**sampler: object) -> ConfigDict:
    """Returns the section of a sampler, without guidance and without the likelihood of the ODE."""
    return ConfigDict(
        {
            **sampler,
            "guidance": 1.0,
            "guided_from": 0.0,
            "guided_to": 1.0,
            "likelihood": False,
            "worse": config_dict.placeholder(str),
        }
    )


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


def variational_diffusion(tiny: bool = False) -> ConfigDict:
    """Returns the defaults with the sections of variational diffusion, whose network is told nothing."""
    config = denoiser(tiny)
    config.networks.denoiser.update(condition="none", fine=(7, 8))
    config.networks.schedule = ConfigDict({"name": "monotone", "width": 64})
    config.model = ConfigDict({"name": "variational_diffusion", "prediction": "edm"})
    config.model.update(gamma_0=-13.3, gamma_1=5.0, dropped=0.0)
    config.sampling = drawing(name="dpm_solver", calls=50, spacing="time", clip=True)
    config.training.average.networks = ("denoiser", "ends", "schedule")
    config.evaluation.importance_samples = (16,)
    return config


def denoise(config: ConfigDict, variant: str) -> None:
    """Makes a config of diffusion one of what its variant names: points, or the user's own pictures, of no class."""
    if variant in POINTS:
        _denoise_points(config, variant)
    if variant == "cats":
        own_pictures(config)
        config.networks.denoiser.condition = "none"


def _denoise_points(config: ConfigDict, name: str) -> None:
    """Has a perceptron denoise points, standardised and told no class."""
    config.data.name = name
    config.networks.denoiser = ConfigDict({"name": "mlp", "width": 128, "blocks": 3, "condition": "none"})
    config.networks.denoiser.update(waves=64, frequency=0.5, fastest=1024.0)  # modes are a seventieth of the data wide
    config.model.deviation = 1.0
    config.model.dropped = 0.0
    if config.model.name == "diffusion":
        config.model.update(times="log_normal", log_ratio=(-1.5, 1.7))  # noise as small as the modes counts, too
        config.sampling.likelihood = True
    config.training.update(steps=12_000, batch_size=512, precision="float32")
