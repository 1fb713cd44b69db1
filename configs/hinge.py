"""Hinge GAN: where the critic is sure enough, it stops learning.

Paper: Lim and Ye 2017, https://arxiv.org/abs/1705.02894, and Miyato et al. 2018, arXiv:1802.05957, eq. 16 and 17.
Run: python launch.py --config=configs/hinge.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: not measured
Minutes: not measured
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.mlp())
    config.model.loss = "hinge"
    config.training.steps = 18_740 if "mnist" in variant else 12_000
    return base.vary(config, variant, VARIANTS)
