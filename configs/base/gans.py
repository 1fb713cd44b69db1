"""Sections of adversarial networks."""

from ml_collections import ConfigDict, config_dict

from configs.base.sections import defaults, optimizer


def gan(generator: ConfigDict, critic: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of an adversarial network, every trick switched off."""
    config = game(generator, critic)
    config.model.name = "adversarial"
    config.model.real_label = (1.0, 1.0)
    config.model.critic_steps = 1
    config.model.generator_steps = 1
    config.model.clip = config_dict.placeholder(float)
    config.model.mismatched = 0.0
    config.model.truncation = config_dict.placeholder(float)
    return config


def game(generator: ConfigDict, critic: ConfigDict) -> ConfigDict:
    """Returns the defaults with what every game between a generator and a critic has."""
    config = defaults()
    config.networks.generator = generator
    config.networks.critic = critic
    config.model.loss = "non_saturating"
    config.model.latent = 100
    config.model.views = views()
    config.model.terms = terms()
    config.optimizers.generator = optimizer("adam", 2e-4, b1=0.5)
    config.optimizers.critic = optimizer("adam", 2e-4, b1=0.5)
    config.training.average.decay = 0.999
    config.training.average.networks = ("generator",)
    config.training.steps = 12_000
    config.evaluation.every = 4_000
    return config


def views() -> ConfigDict:
    """Returns what data and samples may pass on their way to the critic: gengen.models.gans.views."""
    section = ConfigDict()
    section.augmentation = ConfigDict({"probability": 0.0, "target": 0.0})
    section.augmentation.pace = 500_000
    section.augmentation.kinds = ("brightness", "translation", "cutout")
    section.instance_noise = ConfigDict({"deviation": 0.0, "steps": 0})
    section.packing = ConfigDict({"size": 1})
    return section


def terms() -> ConfigDict:
    """Returns what may be added to the losses, with weights of 0: gengen.models.gans.terms."""
    section = ConfigDict()
    section.gradient_penalty = ConfigDict({"weight": 0.0, "one_sided": False})
    section.dragan = ConfigDict({"weight": 0.0, "deviation": 0.5})
    section.r1 = ConfigDict({"weight": 0.0, "every": 1})
    section.r2 = ConfigDict({"weight": 0.0, "every": 1})
    section.drift = ConfigDict({"weight": 0.0})
    section.feature_matching = ConfigDict({"weight": 0.0, "alone": True})
    section.auxiliary_classifier = ConfigDict({"weight": 0.0})
    section.orthogonal = ConfigDict({"weight": 0.0})
    return section


def mlp() -> tuple[ConfigDict, ConfigDict]:
    """Returns the generator and the critic of the tutorial scripts, without convolutions."""
    common = {"name": "mlp", "activation": "leaky_relu"}
    generator = ConfigDict({**common, "widths": (128, 256, 512, 1024), "norm": "batch", "components": 1})
    critic = ConfigDict({**common, "widths": (512, 256), "norm": "none", "pieces": 1, "waves": 0, "frequency": 1.0})
    return _options(generator, critic)


def bigan(width: int) -> ConfigDict:
    """Returns the defaults with the sections of a BiGAN of perceptrons."""
    config = defaults()
    hidden = {"name": "mlp", "widths": (width, width), "norm": "batch"}
    config.networks.generator = ConfigDict({**hidden, "activation": "relu"})
    config.networks.encoder = ConfigDict({**hidden, "activation": "leaky_relu"})
    config.networks.joint_critic = ConfigDict({**hidden, "activation": "leaky_relu"})
    config.model = ConfigDict({"name": "bigan", "loss": "non_saturating", "latent": 50})
    config.model.update(unary=1.0, stochastic=False, prior=ConfigDict({"name": "uniform", "bound": 1.0}))
    for player in ("critic", "generator"):
        config.optimizers[player] = optimizer("adam", 2e-4, b1=0.5)
        config.optimizers[player].schedule = "late"
    config.training.average.decay = 0.999
    config.training.average.networks = ("generator", "encoder")
    config.training.batch_size = 128
    return config


def progan(width: int, wide: int) -> ConfigDict:
    """Returns the defaults with the sections of a GAN that grows: WGAN-GP, and Adam as in its appendix A.1."""
    common = {"name": "progan", "width": width, "wide": wide}
    config = game(ConfigDict(common), ConfigDict({**common, "deviation": True}))
    config.model.update(name="progressive", loss="wasserstein", latent=128, fading=400, steady=400, batches=())
    config.model.terms.gradient_penalty.weight = 10.0
    config.model.terms.drift.weight = 1e-3
    for player in ("critic", "generator"):
        config.optimizers[player] = optimizer("adam", 1e-3, b1=0.0, b2=0.99)
    config.training.update(steps=4_000, batch_size=64)
    return config


def stylegan(width: int, wide: int, style: int) -> ConfigDict:
    """Returns the defaults with the sections of a StyleGAN of the second version: widths, and numbers of a style."""
    common = {"name": "stylegan", "width": width, "wide": wide}
    config = game(
        ConfigDict({**common, "modulation": "weights", "join": "skip", "noise": True}),
        ConfigDict({**common, "join": "residual", "deviation": True, "condition": "none"}),
    )
    config.networks.mapping = ConfigDict({"name": "stylegan", "width": style, "depth": 4, "rate": 0.01})
    config.networks.mapping.condition = "none"
    config.model.update(name="style_based", latent=style, mixing=0.9, truncation=1.0)
    config.model.update(path_weight=2.0, path_every=4)
    config.model.loss = "relativistic_pairing"
    for term in (config.model.terms.r1, config.model.terms.r2):
        term.update(weight=1.0, every=16)
    for player in ("critic", "generator"):
        config.optimizers[player] = optimizer("adam", 2e-3, b1=0.0, b2=0.99)
    config.training.average.networks = ("mapping", "generator")
    config.training.update(steps=3_000, batch_size=32)
    return config


def biggan(width: int, wide: int) -> ConfigDict:
    """Returns the defaults with the sections of a BigGAN: hinge loss, two steps of the critic for one of the generator.

    A chunk of 20 latents for each block of images of 32 x 32 and for the first layer.
    """
    common = {"name": "biggan", "width": width, "wide": wide, "attention": 1, "spectral": True}
    config = gan(ConfigDict({**common, "condition": "embedding"}), ConfigDict({**common, "condition": "projection"}))
    config.model.update(loss="hinge", latent=80, critic_steps=2)
    config.model.terms.orthogonal.weight = 1e-4
    for player, rate in (("critic", 4e-4), ("generator", 2e-4)):
        config.optimizers[player] = optimizer("adam", rate, b1=0.0, b2=0.999)
    return config


def mixture(config: ConfigDict, name: str) -> None:
    """Makes a config one of a mixture of Gaussians, `ring` or `grid`, with networks and rates as published with PacGAN.

    Published were 400,000 steps on 100,000 points, a hundred packs a step, with the first hidden layer normalised, too.
    """
    of_mixture(config, name)
    config.networks.generator.update(widths=(400,) * 4, activation="relu")
    config.networks.critic.update(widths=(200,) * 3, pieces=5)
    config.model.latent = 2
    for player in ("generator", "critic"):
        config.optimizers[player] = optimizer("adam", 1e-4, b1=0.8)
    config.training.update(steps=20_000, batch_size=100 * config.model.views.packing.size)
    config.training.average.decay = 0.0


def of_mixture(config: ConfigDict, name: str) -> None:
    """Gives a config the points of a mixture, with scores by the protocol of section 4.1 of Lin et al. 2018 (PacGAN).

    In float32: of 8 bits, a coordinate has steps as large as the narrow Gaussians.
    """
    config.data.name = name
    config.training.precision = "float32"
    config.evaluation.update(num=2_500, scores=("modes_hit", "high_quality", "mode_divergence"), best="mode_divergence")


def finer_mixture(config: ConfigDict, name: str) -> None:
    """Makes an R3GAN one of a mixture of Gaussians: small perceptrons, waves for the critic, a mixture of latents."""
    of_mixture(config, name)
    config.networks.generator, config.networks.critic = mlp()
    config.networks.generator.update(widths=(128,) * 3, norm="none", components=256 if name == "ring" else 1_024)
    config.networks.critic.update(widths=(128,) * 3, waves=16, frequency=1.5)
    config.model.latent = 2
    config.model.terms.r1.weight = config.model.terms.r2.weight = 0.15
    for player in config.optimizers:
        config.optimizers[player].update(rate=3e-3, schedule="cosine")
    config.training.update(steps=10_000, batch_size=128)


def stacks(config: ConfigDict) -> None:
    """Makes an R3GAN one of stacked digits, with the DCGAN's networks, which take a third of the time, unnormalised."""
    config.data.update(name="stacked_digits", channels=3)
    config.networks.generator, config.networks.critic = dcgan(width=64)
    config.networks.generator.update(activation="leaky_relu", norm="none")
    config.networks.critic.norm = "none"
    config.model.terms.r1.weight = config.model.terms.r2.weight = 0.5
    config.training.steps = 8_000
    config.evaluation.update(num=26_000, scores=("modes_hit", "mode_divergence"), best="mode_divergence", every=2_000)


def dcgan(width: int, dense: int = 0) -> tuple[ConfigDict, ConfigDict]:
    """Returns the generator and the critic of the DCGAN by its paper's recommendations; its own have no dense layer."""
    common = {"name": "dcgan", "width": width, "dense": dense, "norm": "batch"}
    generator = ConfigDict({**common, "activation": "relu", "upsample": "transposed"})
    critic = ConfigDict({**common, "activation": "leaky_relu", "downsample": "strided"})
    return _options(generator, critic)


def r3gan(width: int, wide: int, blocks: int) -> tuple[ConfigDict, ConfigDict]:
    """Returns the generator and the critic of the R3GAN: widths, how many sizes of maps have it, blocks for each."""
    common = {"name": "r3gan", "width": width, "wide": wide, "blocks": blocks, "condition": "none"}
    return ConfigDict({**common, "output": "tanh"}), ConfigDict(common)


def _options(generator: ConfigDict, critic: ConfigDict) -> tuple[ConfigDict, ConfigDict]:
    generator.condition = "none"
    critic.condition = "none"
    critic.deviation = False
    return generator, critic
