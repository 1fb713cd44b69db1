"""BiGAN: a GAN with an encoder; its critic judges pairs of data and latents, and is fooled where the two are inverse.

Paper: Donahue et al. 2017, https://arxiv.org/abs/1605.09782, on permutation-invariant MNIST.
Run: python launch.py --config=configs/bigan.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: Fréchet distance 4.43 on digits (real images 0.458), 2.01 on MNIST (real images 0.121); 1 seed each.
Minutes: 1.2 on digits, 36.9 on MNIST, with one core.

What it finds of pictures: --mode=reconstruct. How good the codes are: --mode=evaluate, linear probe and neighbours.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.bigan(width=32 if variant == "tiny" else 1024 if "mnist" in variant else 256)
    config.training.steps = 11_725 if "mnist" in variant else 3_000
    return base.vary(config, variant, VARIANTS)
