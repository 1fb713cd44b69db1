"""DDPM: a thousand steps of a little noise each, and a network that finds the noise, to go back step by step.

Paper: Ho et al. 2020, https://arxiv.org/abs/2006.11239, algorithms 1 and 2.
Run: python launch.py --config=configs/ddpm.py, with a variant after it, as in :mnist.
Score: Fréchet distance 0.897 on digits (real images 0.458), by 250 calls; 1 seed each.
Minutes: 23.2 on digits, with a third of a core.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.diffusion("variance_preserving", "noise", tiny=variant == "tiny")
    config.model.steps = 1_000
    config.sampling.update(name="ancestral", calls=250, spacing="time", clip=True)
    config.training.steps = 6_000 if "mnist" in variant else 2_500
    base.denoise(config, variant)
    if variant == "tiny":
        config.sampling.calls = 20
    return base.vary(config, variant, VARIANTS)
