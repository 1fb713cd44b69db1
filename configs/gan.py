"""GAN: the first of them, with the non-saturating loss.

Paper: Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661, section 3.
Run: python launch.py --config=configs/gan.py, with one of its variants after it, as in :mnist.
Score: Fréchet distance 3.43 on digits (real images 0.458), 2.31 on MNIST (real images 0.121); 1 seed each.
Minutes: 0.8 on digits, 1.8 on MNIST, with 2 cores.

Variant `minimax` keeps the generator's loss of the value function itself, which saturates when the critic wins.
Variants `ring` and `grid` are of Gaussians in the plane, with the networks of section 4.1 of Lin et al. 2018 (PacGAN).
The others are ill: `collapse`, of digits, and `vanishing`, `rotating` and `diverging`, of points: see --mode=diagnose.
"""

from ml_collections import ConfigDict

from configs import base

ILL = ("collapse", "vanishing", "rotating", "diverging")

VARIANTS = ("tiny", "mnist", "fashion_mnist", "minimax", "ring", "grid", *ILL)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.mlp())
    config.model.loss = "minimax" if variant == "minimax" else "non_saturating"
    if variant in ("ring", "grid"):
        base.mixture(config, variant)
    if variant in ILL:
        base.sicken(config, variant, data="digits" if variant == "collapse" else "ring")
    return base.vary(config, variant, VARIANTS)
