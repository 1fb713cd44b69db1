"""StyleGAN: a generator whose layers are told styles, which a mapping makes of latents, and which can be mixed.

Paper: Karras et al. 2019, https://arxiv.org/abs/1812.04948, and for the second version 2020, arXiv:1912.04958.
Run: python launch.py --config=configs/stylegan.py, with a variant after it, as in :mnist.
Score: Fréchet distance 13.2 on digits (real images 0.363), 10.2 on MNIST (real images 0.209); 1 seed each.
Minutes: 12.1 on digits, with most of a core, 32.3 on MNIST, with one core.

The loss is R3GAN's, arXiv:2501.05441, which drops fewer kinds of digits than the paper's, which `full` has beside its
1024 pixels and widths. `v1` has the first version's networks, `classes` tells mapping and critic the class, and `cats`
has 64 pixels of your own pictures. Samples nearer to the mean one: --mode=sample --config.model.truncation=0.7.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "v1", "classes", "mnist", "fashion_mnist", "cats", "full")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    large = variant in ("mnist", "fashion_mnist", "cats")
    sizes = {"tiny": (8, 2, 8), "full": (512, 5, 512)}
    config = base.stylegan(*sizes.get(variant, (64, 3 if large else 2, 64)))
    config.data.resolution = (32, 32)
    if variant in ("cats", "full"):
        base.own_pictures(config, 1024 if variant == "full" else 64)
    if variant == "full":
        config.model.loss = "non_saturating"
        config.model.terms.r1.weight, config.model.terms.r2.weight = 10.0, 0.0
        config.networks.mapping.depth = 8
        config.training.steps = 780_000
    if variant == "v1":
        config.networks.generator.update(modulation="instance", join="plain")
        config.networks.critic.join = "plain"
        config.model.path_weight = 0.0
    if variant == "classes":
        config.networks.mapping.condition = "embedding"
        config.networks.critic.condition = "projection"
    return base.vary(config, variant, VARIANTS, resolution=32)
