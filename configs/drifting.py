"""Drifting: samples are drawn to data and pushed away from each other, and a network of one call follows them.

Paper: Deng et al. 2026, https://arxiv.org/abs/2602.04770, algorithms 1 and 2; kernels of pixels in place of features.
Run: python launch.py --config=configs/drifting.py, with a variant after it, as in :mnist.
Score: Fréchet distance 4.25 on digits (real images 0.458); 1 seed.
Minutes: 18.4 on digits, with two fifths of a core.

A batch must hold several examples of each class, which its kernels compare.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.one_step("drifting", variant == "tiny", widths=(0.02, 0.05, 0.2))
    base.denoise(config, variant)
    return base.vary(config, variant, VARIANTS)
