"""CycleGAN: from one domain of pictures to another and back, learnt without pairs.

Paper: Zhu et al. 2017, https://arxiv.org/abs/1703.10593.
Run: python launch.py --config=configs/cyclegan.py, with :tiny, :mnist_usps, :facades or :facades64 after it.
Score: Fréchet distance from digits to glyphs 3.59 (real images 0.798), back 2.32 (0.57); 69 % of labels survive there
  and 68 % back; 1 seed. Where labels are to survive, configs/adapt.py:cycada.
Minutes: 14 on one core of 2; the variants were not trained to their end.

Handwritten digits to printed ones and back. --mode=translate shows held-out ones, --direction=ba the other way.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist_usps", "facades", "facades64")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width, layers = (8, 1) if variant == "tiny" else (32, 2)
    translator = base.resnet(width, blocks=3, halvings=1, kernel=5)
    if variant == "facades64":
        translator = base.resnet(width, blocks=6)
    if variant == "facades":
        width, layers, translator = 64, 3, base.resnet(64, blocks=9)
    config = base.unpaired(translator, base.patchgan(width, layers, norm="instance"))
    config.training.update(batch_size=16, steps=3_000)
    if variant == "mnist_usps":
        base.mnist_and_usps(config)
    if "facades" in variant:
        size = 256 if variant == "facades" else 64
        config.data.update(name="facades", resolution=(size, size), channels=3)
        config.data.second.update(name="paired", resolution=(), channels=0)
        config.model.update(jitter=15 * size // 256, mirror=True)
        config.training.update(batch_size=256 // size, steps=80_000 if size == 256 else 5_000)
    return base.vary(config, variant, VARIANTS)
