"""Consistency training: all points of a way from noise to data are led to its same end, without a teacher.

Paper: Song and Dhariwal 2023, https://arxiv.org/abs/2310.14189; Geng et al. 2024, https://arxiv.org/abs/2406.14548.
Run: python launch.py --config=configs/consistency.py, with a variant after it, as in :mnist.
Score: Fréchet distance 1.56 on digits (real images 0.458); 1 seed.
Minutes: 16.7 on digits, with two thirds of a core.

More calls, between which noise is added again: --mode=sample --config.sampling.calls=2.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.one_step(
        "consistency", variant == "tiny", mean=-1.1, spread=2.0, doubling=200, doublings=8, huber=0.01
    )
    base.denoise(config, variant)
    if variant in base.POINTS:
        config.model.method.huber = 1.0  # of two numbers, plain errors would find a median
    return base.vary(config, variant, VARIANTS)
