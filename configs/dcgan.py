"""DCGAN: a GAN of strided convolutions with batch normalisation.

Paper: Radford, Metz and Chintala 2016, https://arxiv.org/abs/1511.06434, section 3 and 4.
Run: python launch.py --config=configs/dcgan.py, with :tiny, :mnist, :fashion_mnist or :cats after it.
Score: Fréchet distance 4.86 on digits (real images 0.458), 6.74 on MNIST (real images 0.14); 1 seed each.
Minutes: 1.1 on digits, 8.6 on MNIST, with 2 cores.

Variant `cats` is for a folder or a zip of your own colour pictures, of cats or of anything else, at 64x64:
  python launch.py --config=configs/dcgan.py:cats --config.data.manual_dir=path/to/cats.zip
Of 6,000 cats there are eyes, noses and fur after 500 steps, 8 minutes of one core; all 4,000 take about an hour of it.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.dcgan(width={"tiny": 8, "cats": 32}.get(variant, 64)))
    config.training.steps = 4_000
    config.evaluation.every = 2_000
    if variant == "cats":
        base.own_pictures(config)
    return base.vary(config, variant, VARIANTS, resolution=32)
