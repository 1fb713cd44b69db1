"""LSGAN: the critic is fitted to 1 on data and 0 on samples by least squares.

Paper: Mao et al. 2017, https://arxiv.org/abs/1611.04076, eq. 9.
Run: python launch.py --config=configs/lsgan.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: Fréchet distance 2.82 on digits (real images 0.458), 1.74 on MNIST (real images 0.121); 1 seed each.
Minutes: 1.4 on digits, 2.2 on MNIST, with 2 cores.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.mlp())
    config.model.loss = "least_squares"
    config.training.steps = 18_740 if "mnist" in variant else 12_000
    return base.vary(config, variant, VARIANTS)
