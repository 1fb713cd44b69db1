"""CycleGAN: from one domain of pictures to another and back, learnt without pairs.

Paper: Zhu et al. 2017, https://arxiv.org/abs/1703.10593.
Run: python launch.py --config=configs/cyclegan.py, with :tiny, :mnist_usps, :facades or :facades64 after it.
Score: ?
Minutes: ?

Handwritten digits to printed ones and back. --mode=translate shows held-out ones, --direction=ba the other way.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist_usps", "facades", "facades64")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.unpaired(
        base.resnet(32, blocks=3, halvings=1, kernel=5), base.patchgan(32, layers=2, norm="instance")
    )
    config.training.batch_size = 32
    config.training.steps = 6_000
    if variant == "mnist_usps":
        base.mnist_and_usps(config)
    if "facades" in variant:
        large = variant == "facades"
        size, width, blocks = (256, 64, 9) if large else (64, 32, 6)
        translator = base.resnet(width, blocks)
        config = base.unpaired(translator, base.patchgan(width, layers=3 if large else 2, norm="instance"))
        config.data.update(name="facades", resolution=(size, size), channels=3)
        config.data.second.update(name="paired", resolution=(), channels=0)
        config.model.update(jitter=30 if large else 8, mirror=True)
        config.training.update(batch_size=1 if large else 4, steps=80_000 if large else 5_000)
    return base.vary(config, variant, VARIANTS)
