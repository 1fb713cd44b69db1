"""Clustering AAE: categories that nobody names, which a critic holds to one-hot draws.

Paper: Makhzani et al. 2016, https://arxiv.org/abs/1511.05644, section 5 and appendix A.3.
Run: python launch.py --config=configs/aae_cluster.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: Fréchet distance 29.3 on digits (real images 0.458); 1 seed each; 16.0 % of held-out digits wrong.
Minutes: 0.5 on digits, with 2 cores.

30 categories and a style of 5 numbers, as in the paper, but Adam, and 1000 units where it has 3000.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width = {"tiny": 32, "mnist": 1000, "fashion_mnist": 1000}.get(variant, 256)
    config = base.categorical_autoencoder(width, width, categories=30, style=5)
    config.training.steps = 10_000 if "mnist" in variant else 6_000
    return base.vary(config, variant, VARIANTS)
