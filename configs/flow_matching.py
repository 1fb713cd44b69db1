"""Flow matching: data and noise joined by straight lines, and a network that learns how fast to go along them.

Paper: Lipman et al. 2023, https://arxiv.org/abs/2210.02747, section 4.1; Liu et al. 2023, arXiv:2209.03003.
Run: python launch.py --config=configs/flow_matching.py, with a variant after it, as in :mnist.
Score: Fréchet distance 0.553 on digits (real images 0.458), 0.489 on MNIST (real images 0.121); 1 seed each.
Minutes: 10.1 on digits, with a share of a core, 59.8 on MNIST, with one core.

Samples are drawn anew by any of the samplers: --mode=sample --config.sampling.name=euler --config.sampling.calls=10.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.diffusion("linear", "velocity", tiny=variant == "tiny")
    config.model.times = "logit_normal"
    config.training.steps = 6_000 if "mnist" in variant else 2_500
    base.denoise(config, variant)
    return base.vary(config, variant, VARIANTS)
