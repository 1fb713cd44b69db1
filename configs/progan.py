"""ProGAN: a GAN grows from images of 4 x 4 pixels, a level of twice the size at a time, each faded in.

Paper: Karras et al. 2018, https://arxiv.org/abs/1710.10196, sections 2 to 4, with the loss of its table 1.
Run: python launch.py --config=configs/progan.py, with :tiny, :mnist, :fashion_mnist, :cats or :full after it.
Score: Fréchet distance 6.6 on digits (real images 0.363), after 3,650 steps; 1 seed.
Minutes: 44.8 on digits, with a third of a core.

Digits and MNIST grow from 4 to 32 pixels, cats to 64; `full` has the paper's 1024 pixels and widths.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", "full")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    full = variant == "full"
    config = base.progan(width=8 if variant == "tiny" else 512 if full else 32, wide=4 if full else 2)
    config.data.resolution = (32, 32)
    if variant in ("cats", "full"):
        base.own_pictures(config, 1024 if full else 64)
    if full:
        config.model.update(latent=512, fading=50_000, steady=50_000, batches=(16, 16, 16, 16, 16, 16, 8, 4, 3))
        config.training.update(steps=1_000_000, batch_size=16)
    if variant == "tiny":
        config.model.update(fading=5, steady=5)
    return base.vary(config, variant, VARIANTS, resolution=32)
