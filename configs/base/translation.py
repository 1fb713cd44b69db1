"""Sections of translations from one domain of images to another."""

from ml_collections import ConfigDict, config_dict

from configs.base.sections import defaults, optimizer


def paired(translator: ConfigDict, critic: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of a translation learnt from pairs, on the embedded photographs."""
    config = defaults()
    config.data.update(name="photographs", resolution=(64, 64), channels=3)
    config.networks.to_b = translator
    config.networks.critic_b = critic
    config.model.name = "pix2pix"
    config.model.loss = "non_saturating"
    config.model.weight = 100.0
    config.model.adversary = True
    config.model.residual = False
    config.model.jitter = 4
    config.model.mirror = True
    for player in ("generator", "critic"):
        config.optimizers[player] = optimizer("adam", 2e-4, b1=0.5)
    config.training.batch_size = 8
    return config


def refine(config: ConfigDict, weight: float) -> None:
    """Makes a config of pairs one whose inputs are nearly right as they are, with a weight of the absolute error."""
    config.model.update(residual=True, weight=weight)
    config.networks.to_b.update(norm="none", dropout=0.0)
    config.optimizers.generator.rate = 5e-4
    config.training.average.update(decay=0.999, networks=("to_b",))


def unpaired(translator: ConfigDict, critic: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of a translation learnt without pairs, between digits and glyphs."""
    config = two_domains()
    cycle(config, translator, critic)
    config.model.name = "cyclegan"
    config.model.jitter = 0
    config.model.mirror = False
    return config


def cycle(config: ConfigDict, translator: ConfigDict, critic: ConfigDict) -> None:
    """Adds two translators, two critics and what they want small to a config."""
    for name in ("a", "b"):
        config.networks[f"to_{name}"] = translator.copy_and_resolve_references()
        config.networks[f"critic_{name}"] = critic.copy_and_resolve_references()
    config.model.loss = "least_squares"
    config.model.cycle = 10.0
    config.model.identity = 0.5
    config.model.pool = 50
    for player in ("generator", "critic"):
        config.optimizers[player] = optimizer("adam", 5e-4 if player == "generator" else 2e-4, b1=0.5)
        config.optimizers[player].schedule = "late"


def coupled(width: int) -> ConfigDict:
    """Returns the sections of a CoGAN between digits and glyphs, with a classifier on its critic."""
    config = two_domains()
    config.networks.trunk = ConfigDict({"name": "dcgan", "width": width, "dense": 0, "upsample": "transposed"})
    for name in ("a", "b"):
        config.networks[f"head_{name}"] = ConfigDict({"name": "dcgan", "width": 0, "upsample": "transposed"})
        config.networks[f"stem_{name}"] = ConfigDict({"name": "dcgan", "width": width})
    config.networks.critic = ConfigDict({"name": "dcgan", "width": 2 * width, "dense": 8 * width, "norm": "layer"})
    config.networks.critic.update(condition="none", deviation=False)
    config.networks.classifier = ConfigDict({"name": "linear"})
    config.model.name = "cogan"
    config.model.loss = "non_saturating"
    config.model.latent = 100
    config.model.weight = 2.0
    config.model.affine = ConfigDict({"deviation": 0.0, "translation": 0.0, "noise": 0.0})
    for player in ("generator", "critic"):
        config.optimizers[player] = optimizer("adam", 5e-4, b1=0.5)
    config.training.average.decay = 0.99
    config.training.average.networks = ("trunk", "head_a", "head_b", "stem_a", "stem_b", "critic", "classifier")
    return config


def two_domains() -> ConfigDict:
    """Returns the defaults with a second data set."""
    config = defaults()
    config.data.second = ConfigDict({"name": "glyphs", "resolution": (16, 16), "channels": 1, "crop": "none"})
    config.data.second.test_share = 0.0
    config.data.second.manual_dir = config_dict.placeholder(str)
    return config


def mnist_and_usps(config: ConfigDict) -> ConfigDict:
    """Returns a config of two domains with MNIST and the whole of USPS in them, at 16 x 16."""
    config.data.name = "mnist"
    config.data.second.name = "usps_pooled"
    return config


def recogniser(channels: int = 128) -> ConfigDict:
    """Returns the networks, the model and the optimizers of a classifier of the first data set alone."""
    config = ConfigDict()
    config.networks = ConfigDict({"classifier": {"name": "convolutions", "channels": channels}})
    config.model = ConfigDict({"name": "adaptation"})
    config.model.affine = ConfigDict({"deviation": 0.1, "translation": 2.0, "noise": 0.0})
    config.model.consistency = ConfigDict({"weight": 0.0, "threshold": 0.968, "balance": 0.05, "decay": 0.99})
    config.optimizers = ConfigDict({"classifier": optimizer("adam", 1e-3)})
    config.optimizers.classifier.schedule = "cosine"
    return config


def adaptable(classifier: ConfigDict) -> ConfigDict:
    """Returns the defaults with a classifier of two domains, and what `--mode=adapt` compares it with.

    Args:
      classifier: its networks, model and optimizers; what is taught by one domain's labels alone is made of the same.
    """
    config = two_domains()
    config.update(classifier.copy_and_resolve_references())
    config.model.translated = 0.0
    config.model.semantic = 0.0
    config.model.feature = 0.0
    return adapted(config, classifier)


def adapted(config: ConfigDict, classifier: ConfigDict) -> ConfigDict:
    """Adds what `--mode=adapt` needs: how many seeds, and the classifier that it trains on one domain alone."""
    config.adaptation = ConfigDict()
    config.adaptation.seeds = 5
    config.adaptation.directions = ("ab", "ba")
    config.adaptation.baseline = classifier
    config.adaptation.baseline.update(steps=1_500, batch_size=128)
    return config


def unet(width: int, **arguments: float | str) -> ConfigDict:
    """Returns the section of a U-Net."""
    section = ConfigDict({"name": "unet", "width": width, "depth": 0, "norm": "batch", "dropout": 0.5})
    section.update(upsample="transposed", **arguments)
    return section


def resnet(width: int, blocks: int, halvings: int = 2, kernel: int = 7) -> ConfigDict:
    """Returns the section of CycleGAN's generator."""
    section = ConfigDict({"name": "resnet", "width": width, "blocks": blocks, "halvings": halvings, "kernel": kernel})
    section.update(norm="instance", upsample="nearest")  # the paper's transposed ones leave a pattern
    return section


def patchgan(width: int, layers: int = 3, norm: str = "batch") -> ConfigDict:
    """Returns the section of a critic of patches."""
    return ConfigDict({"name": "patchgan", "width": width, "layers": layers, "norm": norm})
