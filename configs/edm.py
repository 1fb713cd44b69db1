"""EDM: noise of any deviation, a network that is shown and gives numbers of deviation 1, and Heun's steps.

Paper: Karras et al. 2022, https://arxiv.org/abs/2206.00364, table 1.
Run: python launch.py --config=configs/edm.py, with a variant after it, as in :mnist.
Score: Fréchet distance 0.59 on digits (real images 0.458), by 35 calls; 1 seed each.
Minutes: 15.2 on digits, with half of a core.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.diffusion("variance_exploding", "edm", tiny=variant == "tiny")
    config.model.update(times="log_normal", weighting="edm")
    config.training.steps = 6_000 if "mnist" in variant else 2_500
    base.denoise(config, variant)
    return base.vary(config, variant, VARIANTS)
