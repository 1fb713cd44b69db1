"""Sections of autoencoders."""

from ml_collections import ConfigDict

from configs.base.sections import defaults, optimizer


def autoencoder(encoder: ConfigDict, decoder: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of a plain autoencoder."""
    config = solitaire(encoder, decoder)
    config.model.name = "autoencoder"
    config.model.latent = 2
    config.model.likelihood = ConfigDict({"name": "squared_error"})
    config.model.corruption = ConfigDict({"name": "none", "amount": 0.0})
    config.model.reduction = "mean"
    config.model.contraction = 0.0
    config.model.sparsity = 0.0
    return config


def adversarial_autoencoder(*widths: int) -> ConfigDict:
    """Returns the defaults with the sections of an adversarial autoencoder; all networks have these hidden layers."""
    config = solitaire(*mlp_coders(*widths))
    config.networks.critic = ConfigDict({"name": "mlp", "widths": widths, "norm": "none"})
    config.model.name = "adversarial_autoencoder"
    config.model.latent = 8
    config.model.likelihood = ConfigDict({"name": "squared_error"})
    config.model.prior = ConfigDict({"name": "gaussian"})
    config.model.corruption = ConfigDict({"name": "none", "amount": 0.0})
    config.model.loss = "non_saturating"
    config.model.reduction = "mean"
    config.model.label_aware = False
    config.model.categories = 0  # beside the style; needs networks.category_critic
    config.model.semi_supervised = False
    for player in ("critic", "generator"):
        config.optimizers[player] = optimizer("adam", 1e-3, b1=0.5)
    config.training.batch_size = 100
    return config


def categorical_autoencoder(*widths: int, categories: int, style: int) -> ConfigDict:
    """Returns an adversarial autoencoder of categories and a style."""
    config = adversarial_autoencoder(*widths)
    config.networks.category_critic = config.networks.critic.copy_and_resolve_references()
    config.optimizers.category_critic = optimizer("adam", 1e-3, b1=0.5)
    config.model.update(latent=style, categories=categories)
    return config


def variational(encoder: ConfigDict, decoder: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of a variational autoencoder."""
    config = solitaire(encoder, decoder)
    config.model.name = "variational"
    config.model.latents = (20,)  # a second number is a second layer, with the networks upper_encoder, upper_decoder
    config.model.likelihood = ConfigDict({"name": "bernoulli"})
    config.model.binarisation = "none"
    config.model.objective = objective()
    config.training.average.decay = 0.999
    config.training.average.networks = ("encoder", "decoder")
    return config


def objective() -> ConfigDict:
    """Returns what a variational autoencoder minimises: gengen.models.autoencoders.objective."""
    section = ConfigDict({"estimator": "elbo", "samples": 1})
    section.reconstruction = 1.0
    section.beta = 1.0
    section.warmup = 0
    section.free_bits = 0.0
    section.reduction = "sum"
    return section


def solitaire(encoder: ConfigDict, decoder: ConfigDict) -> ConfigDict:
    """Returns the defaults with what every autoencoder has."""
    config = defaults()
    config.networks.encoder = encoder
    config.networks.decoder = decoder
    config.optimizers.autoencoder = optimizer("adam", 1e-3)
    config.training.batch_size = 128
    config.training.steps = 10_000
    return config


def mlp_coders(*widths: int, activation: str = "relu") -> tuple[ConfigDict, ConfigDict]:
    """Returns an encoder of these hidden layers and the decoder that is its mirror."""
    common = {"name": "mlp", "activation": activation, "condition": "none"}
    return ConfigDict({**common, "widths": widths}), ConfigDict({**common, "widths": widths[::-1]})


def dcgan_coders(width: int, dense: int = 0) -> tuple[ConfigDict, ConfigDict]:
    """Returns an encoder and a decoder by the recommendations of the DCGAN."""
    common = {"name": "dcgan", "width": width, "dense": dense, "norm": "batch", "condition": "none"}
    encoder = ConfigDict({**common, "activation": "leaky_relu", "downsample": "strided"})
    return encoder, ConfigDict({**common, "activation": "relu", "upsample": "transposed"})
