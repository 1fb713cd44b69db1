"""Unrolled GAN: the generator looks ahead at the critic's next moves and differentiates through them.

Paper: Metz et al. 2017, https://arxiv.org/abs/1611.02163, eq. 7 to 10.
Run: python launch.py --config=configs/unrolled.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: not measured
Minutes: not measured
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.game(*base.mlp())
    config.model.update(name="unrolled", unroll=5, real_label=(1.0, 1.0))
    config.optimizers.generator = base.optimizer("adam", 2e-4, b1=0.5)
    config.optimizers.critic = base.optimizer("adam", 2e-4, b1=0.5, eps_root=1e-8)
    config.training.steps = 8_000
    return base.vary(config, variant, VARIANTS)
