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
    config.optimizers.generator = base.optimizer("adam", 2e-4, b1=0.5)
    config.optimizers.critic = base.optimizer("adam", 2e-4, b1=0.5)
    config.training.average.decay = 0.999
    config.training.steps = 18_740 if "mnist" in variant else 12_000
    config.evaluation.every = 4_000
    return base.vary(config, variant, VARIANTS)
