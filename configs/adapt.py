"""Domain adaptation: labels of one domain, pictures of another, and how many of the other's labels come out right.

Paper: Hoffman et al. 2018 (CyCADA), https://arxiv.org/abs/1711.03213; French et al. 2018 (self-ensembling),
  https://arxiv.org/abs/1706.05208.
Run: python launch.py --mode=adapt --config=configs/adapt.py, with :tiny, :mnist_usps or :mnist_usps_official after it.
Score: ?
Minutes: ?

Both directions, several seeds; a classifier of the source alone and one taught by the target's labels beside it.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist_usps", "mnist_usps_official")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.adaptable(base.recogniser())
    config.model.consistency.update(weight=3.0, threshold=0.9)
    config.training.update(batch_size=128, steps=2_000)
    if "mnist_usps" in variant:
        base.mnist_and_usps(config)
    if variant == "mnist_usps_official":
        config.data.second.name = "usps"
    return base.vary(config, variant, VARIANTS)
