"""AAE: a critic holds the codes of an autoencoder to a distribution that one can draw from.

Paper: Makhzani et al. 2016, https://arxiv.org/abs/1511.05644, sections 2 and 3.
Run: python launch.py --config=configs/aae.py, with :tiny, :mnist, :fashion_mnist, :mixture or :swiss_roll after it.
Score: Fréchet distance 3.39 on digits (real images 0.458); 1 seed each.
Minutes: 0.2 on digits, with 2 cores.

MNIST has the paper's 1000-1000 networks and 8-D codes of deviation 5, but Adam. The variants `mixture` and `swiss_roll`
are figure 4 on the digits: 2-D codes, and a part of the prior for each class. Samples: --mode=sample --label=3.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "mixture", "swiss_roll")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width = {"tiny": 32, "mnist": 1000, "fashion_mnist": 1000}.get(variant, 256)
    config = base.adversarial_autoencoder(width, width)
    config.model.prior.deviation = 5.0
    if variant in ("mixture", "swiss_roll"):
        config.model.prior = ConfigDict({"name": variant})
        config.model.update(latent=2, label_aware=True)
    else:
        for player in ("critic", "generator"):
            config.optimizers[player].rate = 2e-4
    config.training.steps = 10_000 if "mnist" in variant else 4_000
    return base.vary(config, variant, VARIANTS)
