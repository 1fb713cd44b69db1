"""Hinge GAN: a critic that is sure enough stops learning, with spectral normalisation.

Paper: Miyato et al. 2018, https://arxiv.org/abs/1802.05957, eq. 16 and 17, and Lim and Ye 2017, arXiv:1705.02894.
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
    config.networks.critic.norm = "spectral"
    config.model.loss = "hinge"
    config.optimizers.generator = base.optimizer("adam", 2e-4, b1=0.5)
    config.optimizers.critic = base.optimizer("adam", 2e-4, b1=0.5)
    config.training.average.decay = 0.999
    config.training.steps = 12_000
    config.evaluation.every = 4_000
    return base.vary(config, variant, VARIANTS)
