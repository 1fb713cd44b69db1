"""Shortcut models: flow matching, and a leap over a span that is to be two leaps over its halves.

Paper: Frans et al. 2024, https://arxiv.org/abs/2410.12557, algorithms 1 and 2.
Run: python launch.py --config=configs/shortcut.py, with a variant after it, as in :mnist.
Score: Fréchet distance 2.24 on digits (real images 0.458); 1 seed.
Minutes: 45.8 on digits, with a share of a core; the process stood still for more than half of that.

More calls, powers of 2: --mode=sample --config.sampling.calls=4.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.one_step("shortcut", variant == "tiny", every=4, halvings=7, guidance=1.0)
    base.denoise(config, variant)
    return base.vary(config, variant, VARIANTS)
