"""Glow: invertible convolutions and couplings, scale by scale.

Paper: Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039, sections 3 and 5.
Run: python launch.py --config=configs/glow.py, with :tiny, :mnist, :fashion_mnist or :variational after it.
Score: 3.34 bits on digits; 1 seed.
Minutes: 9.8 on digits, with a share of a core.

Variant `variational` learns the noise of pixels with the flow: Ho et al. 2019, https://arxiv.org/abs/1902.00275.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "variational")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    large = variant in ("mnist", "fashion_mnist")
    width, steps = (8, 2) if variant == "tiny" else (64, 8) if large else (32, 4)
    network = {"name": "glow", "width": width, "steps": steps, "levels": 2, "transform": "affine"}
    config = base.flow(ConfigDict(network))
    config.training.update(steps=1_500, batch_size=128 if large else 64)
    if variant == "variational":
        base.learn_noise(config, ConfigDict({**network, "steps": 2, "levels": 1}))
    return base.vary(config, variant, VARIANTS)
