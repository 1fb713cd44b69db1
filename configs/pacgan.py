"""PacGAN: the critic judges two images as one, so that samples which repeat each other give themselves away.

Paper: Lin et al. 2018, https://arxiv.org/abs/1712.04086, section 3.
Run: python launch.py --config=configs/pacgan.py, with :tiny, :mnist, :fashion_mnist, :ring or :grid after it.
Score: Fréchet distance 1.74 on digits (real images 0.458), 8.39 on MNIST (real images 0.121); 1 seed each.
Minutes: 1.6 on digits, 2.8 on MNIST, with 2 cores.

Variants `ring` and `grid` are the mixtures of section 4.1, judged four points at a time.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "ring", "grid")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.mlp())
    config.model.views.packing.size = 4 if variant in ("ring", "grid") else 2
    if variant in ("ring", "grid"):
        base.mixture(config, variant)
    return base.vary(config, variant, VARIANTS)
