"""Defaults of every section; an experiment changes what makes it what it is."""

from collections.abc import Sequence

from ml_collections import ConfigDict, config_dict


def defaults() -> ConfigDict:
    """Returns the sections that all experiments share, on the embedded digits."""
    config = ConfigDict()
    config.data = ConfigDict()
    config.data.name = "digits"  # digits, mnist, fashion_mnist, kmnist, image_folder, or any name that TFDS knows
    config.data.resolution = (16, 16)  # height and width, or one number for both; () keeps the pictures' own
    config.data.channels = 1  # 1 is grey, 3 is colour; 0 keeps the pictures' own
    config.data.crop = "none"  # "center" cuts pictures to the resolution's aspect before they are resized
    config.data.classes = ()  # names of classes, to which the data are then restricted; () is all of them
    config.data.held_out = 0.0  # share of the training images that is set aside
    config.data.labelled = 0  # training images whose labels a semi-supervised model may see
    config.data.data_dir = config_dict.placeholder(str)  # where prepared data lies; None is TFDS's own place
    config.data.manual_dir = config_dict.placeholder(str)  # a folder of raw files, or of pictures

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


def gan(generator: ConfigDict, critic: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of an adversarial network, every trick switched off."""
    config = game(generator, critic)
    config.model.name = "adversarial"
    config.model.real_label = (1.0, 1.0)  # targets of data, drawn between these: (0.9, 0.9) smooths, (0.7, 0.9) too
    config.model.critic_steps = 1  # moves in a period
    config.model.generator_steps = 1
    config.model.clip = config_dict.placeholder(float)  # largest absolute value of the critic's parameters
    return config


def game(generator: ConfigDict, critic: ConfigDict) -> ConfigDict:
    """Returns the defaults with what every game between a generator and a critic has."""
    config = defaults()
    config.networks.generator = generator
    config.networks.critic = critic
    config.model.loss = "non_saturating"  # one of ADVERSARIAL_LOSSES in gengen.losses.adversarial
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
    section.augmentation = ConfigDict({"probability": 0.0, "target": 0.0})  # a target, such as 0.6, adapts it
    section.augmentation.pace = 500_000  # images of data in which it may go from 0 to 1
    section.augmentation.kinds = ("brightness", "translation", "cutout")
    section.instance_noise = ConfigDict({"deviation": 0.0, "steps": 0})  # brought to 0 over so many steps; 0 keeps it
    section.packing = ConfigDict({"size": 1})  # images judged as one
    return section


def terms() -> ConfigDict:
    """Returns what may be added to the losses, with weights of 0: gengen.models.gans.terms."""
    section = ConfigDict()
    section.gradient_penalty = ConfigDict({"weight": 0.0, "one_sided": False})  # 10 in the paper
    section.dragan = ConfigDict({"weight": 0.0, "deviation": 0.5})  # 10 in the paper
    section.r1 = ConfigDict({"weight": 0.0})  # gamma: 10 in the paper
    section.r2 = ConfigDict({"weight": 0.0})
    section.feature_matching = ConfigDict({"weight": 0.0, "alone": True})  # alone: in the place of the generator's loss
    section.auxiliary_classifier = ConfigDict({"weight": 0.0})  # for a critic with the condition "auxiliary"
    return section


def mlp() -> tuple[ConfigDict, ConfigDict]:
    """Returns the generator and the critic of the tutorial scripts, without convolutions."""
    generator = ConfigDict({"name": "mlp", "widths": (128, 256, 512, 1024), "dtype": "float32"})
    critic = ConfigDict({"name": "mlp", "widths": (512, 256), "dtype": "float32"})
    return _options(generator, critic, norm="none")


def dcgan(width: int, dense: int = 0) -> tuple[ConfigDict, ConfigDict]:
    """Returns the generator and the critic of the DCGAN, which has no dense layer between latents and maps."""
    generator = ConfigDict(
        {"name": "dcgan", "width": width, "dense": dense, "upsample": "transposed", "dtype": "float32"}
    )
    critic = ConfigDict({"name": "dcgan", "width": width, "dense": dense, "dtype": "float32"})
    return _options(generator, critic, norm="batch")


def _options(generator: ConfigDict, critic: ConfigDict, norm: str) -> tuple[ConfigDict, ConfigDict]:
    generator.condition = "none"  # "embedding" tells it a label
    critic.condition = "none"  # "concatenated", "projection" and "auxiliary" tell it or ask it for one
    critic.norm = norm  # none, batch, layer or spectral
    critic.deviation = False  # shows the last layer how much the images of a batch differ
    return generator, critic


def autoencoder(encoder: ConfigDict, decoder: ConfigDict) -> ConfigDict:
    """Returns the defaults with the sections of a plain autoencoder."""
    config = solitaire(encoder, decoder)
    config.model.name = "autoencoder"
    config.model.latent = 2
    config.model.likelihood = ConfigDict({"name": "squared_error"})
    config.model.corruption = ConfigDict({"name": "none", "amount": 0.0})  # gaussian, masking, salt_and_pepper
    config.model.reduction = "mean"  # or "sum", over pixels
    config.model.contraction = 0.0  # weight of the encoder's squared Jacobian
    config.model.sparsity = 0.0  # weight of the mean absolute value of the code
    return config


def adversarial_autoencoder(*widths: int) -> ConfigDict:
    """Returns the defaults with the sections of an adversarial autoencoder; all networks have these hidden layers."""
    config = solitaire(*mlp_coders(*widths))
    config.networks.critic = ConfigDict({"name": "mlp", "widths": widths, "norm": "none", "dtype": "float32"})
    config.model.name = "adversarial_autoencoder"
    config.model.latent = 8  # numbers of the style
    config.model.likelihood = ConfigDict({"name": "squared_error"})
    config.model.prior = ConfigDict({"name": "gaussian"})  # or mixture, swiss_roll, with arguments
    config.model.corruption = ConfigDict({"name": "none", "amount": 0.0})
    config.model.loss = "non_saturating"  # one of ADVERSARIAL_LOSSES in gengen.losses.adversarial
    config.model.reduction = "mean"  # or "sum", over pixels
    config.model.label_aware = False  # gives each class a part of the prior
    config.model.categories = 0  # beside the style; needs networks.category_critic
    config.model.semi_supervised = False  # makes the categories the classes of data.labelled images
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
    config.model.likelihood = ConfigDict({"name": "bernoulli"})  # squared_error, gaussian, gaussian_learned
    config.model.binarisation = "none"  # dynamic draws bits anew each time, static always the same ones of an image
    config.model.objective = objective()
    config.training.average.decay = 0.999
    config.training.average.networks = ("encoder", "decoder")
    return config


def objective() -> ConfigDict:
    """Returns what a variational autoencoder minimises: gengen.models.autoencoders.objective."""
    section = ConfigDict({"estimator": "elbo", "samples": 1})  # iwae and dreg weigh their samples by importance
    section.reconstruction = 1.0  # its weight, C or lambda of lectures
    section.beta = 1.0  # weight of the divergence
    section.warmup = 0  # steps over which beta comes in
    section.free_bits = 0.0  # nats of a latent's divergence that cost nothing
    section.reduction = "sum"  # or "mean", over pixels
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
    common = {"name": "mlp", "activation": activation, "dtype": "float32", "condition": "none"}
    return ConfigDict({**common, "widths": widths}), ConfigDict({**common, "widths": widths[::-1]})


def dcgan_coders(width: int, dense: int = 0) -> tuple[ConfigDict, ConfigDict]:
    """Returns an encoder and a decoder by the recommendations of the DCGAN."""
    common = {"name": "dcgan", "width": width, "dense": dense, "dtype": "float32", "condition": "none"}
    return ConfigDict({**common, "norm": "batch"}), ConfigDict({**common, "upsample": "transposed"})


def vary(config: ConfigDict, variant: str, known: Sequence[str], resolution: int = 28) -> ConfigDict:
    """Returns an experiment as the variant that all of them have; others an experiment has dealt with itself.

    Args:
      config: the experiment on the digits.
      variant: "tiny", "mnist", "fashion_mnist", another one of `known`, or "" for none.
      known: all variants of the experiment.
      resolution: height and width of MNIST and Fashion-MNIST.

    Raises:
      ValueError: the experiment has no such variant.
    """
    if variant not in ("", *known):
        raise ValueError(f"variant {variant!r} is unknown; leave it out or choose one of {', '.join(known)}")
    if variant in ("mnist", "fashion_mnist"):
        config.data.name = variant
        config.data.resolution = (resolution, resolution)
    if variant == "tiny":
        _shrink(config)
    return config


def _shrink(config: ConfigDict) -> None:
    """Makes an experiment so small that it ends in seconds: it shows that everything runs, not what it can do."""
    config.data.resolution = (8, 8)
    config.training.steps = 20
    config.training.batch_size = 16
    config.training.steps_per_dispatch = 5
    config.training.log_every = 10
    config.training.checkpoint_every = 10
    config.training.sample_every = 10
    config.evaluation.every = 0
    config.evaluation.num = 200
