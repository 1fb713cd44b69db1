"""DCGAN: a GAN of strided convolutions with batch normalisation.

Paper: Radford, Metz and Chintala 2016, https://arxiv.org/abs/1511.06434, section 3 and 4.
Run: python launch.py --config=configs/dcgan.py, with :tiny, :mnist, :fashion_mnist, :cats or :plain after it.
Score: Fréchet distance 4.86 on digits (real images 0.458), 6.74 on MNIST (real images 0.14); 1 seed each.
Minutes: 1.1 on digits, 8.6 on MNIST, with 2 cores.

Variant `cats` is for a folder or a zip of your own colour pictures, of cats or of anything else, at 64x64:
  python launch.py --config=configs/dcgan.py:cats --config.data.manual_dir=path/to/cats.zip
Of 6,000 cats there are eyes, noses and fur after 500 steps, 8 minutes of one core; all 4,000 take about an hour of it.

Variant `plain` goes against the paper's five recommendations: no normalisation, pooling, hidden dense layers, tanh in
the generator, ReLU in the critic. It trains, but draws little that differs: after 2,000 steps of width 16 on the digits
its Fréchet distance is 19.3 and its recall 0.03, where the DCGAN of that width has 7.92 and 0.59; 1 seed each.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", "plain")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.dcgan(width={"tiny": 8, "cats": 32}.get(variant, 64)))
    if variant == "plain":
        config.networks.generator.update(norm="none", activation="tanh", upsample="nearest", dense=256)
        config.networks.critic.update(norm="none", activation="relu", downsample="max_pooled", dense=256)
    config.training.steps = 4_000
    config.evaluation.every = 2_000
    if variant == "cats":
        base.own_pictures(config)
    return base.vary(config, variant, VARIANTS, resolution=32)
