"""Domain adaptation: labels of one domain, pictures of another, and how many of the other's labels come out right.

Paper: Hoffman et al. 2018 (CyCADA), https://arxiv.org/abs/1711.03213; French et al. 2018 (self-ensembling),
  https://arxiv.org/abs/1706.05208.
Run: python launch.py --mode=adapt --config=configs/adapt.py, with :tiny or one of VARIANTS after it.
Score: of held-out labels, 93.08 % from digits to glyphs (source alone 50.24 %) and 83.93 % back (63.60 %), 5 seeds;
  98.00 % from MNIST to USPS (94.69 %) and 97.44 % back (84.18 %), 5 seeds.
Minutes: 1 a run on digits, 2 on mnist_usps, on half of one core or more; 14 on cycada, on one.

Both directions, several seeds; a classifier of the source alone and one taught by the target's labels beside it.
cycada also translates images, whose labels have to survive: --mode=translate shows them after training alone.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist_usps", "mnist_usps_official", "cycada")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.adaptable(base.recogniser())
    config.model.consistency.update(weight=3.0, threshold=0.9)
    config.training.update(batch_size=128, steps=2_000)
    if "mnist_usps" in variant or variant == "cycada":
        base.mnist_and_usps(config)
    if variant == "mnist_usps_official":
        config.data.second.name = "usps"
    if variant == "cycada":
        translator = base.resnet(16, blocks=4, halvings=1, kernel=5)
        base.cycle(config, translator, base.patchgan(32, layers=2, norm="instance"))
        config.model.update(identity=0.0, translated=1.0, semantic=1.0)
        config.training.update(batch_size=32, steps=5_000)
    return base.vary(config, variant, VARIANTS)
