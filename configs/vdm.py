"""Variational diffusion: a diffusion model whose loss is a bound of the likelihood, in bits, and whose noise is learnt.

Paper: Kingma et al. 2021, https://arxiv.org/abs/2107.00630, sections 3 to 5, in continuous time.
Run: python launch.py --config=configs/vdm.py, with :tiny, :mnist, :fashion_mnist or :cats after it for a variant.
Score: 3.72 bits on digits (300 held-out images, a bound, 8 times each), after 1,000 steps; 1 seed.
Minutes: 15.3 on digits, with a third of a core.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.variational_diffusion(tiny=variant == "tiny")
    config.training.steps = 6_000 if "mnist" in variant else 1_000
    base.denoise(config, variant)
    if variant == "tiny":
        config.sampling.calls = 20
    return base.vary(config, variant, VARIANTS)
