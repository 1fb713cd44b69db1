"""RealNVP: couplings, half of the numbers by the other half; of pictures by colours of a board, channels and scales.

Paper: Dinh et al. 2017, https://arxiv.org/abs/1605.08803, sections 3 and 4.
Run: python launch.py --config=configs/realnvp.py, with :tiny, :mnist, :fashion_mnist, :ring, :moons or :swiss_roll
  after it; or with :table, and --config.data.manual_dir=PATH of a folder of your own numbers.
Score: 2.95 bits on digits; 1 seed.
Minutes: 6.7 on digits, with a share of a core.
"""

from ml_collections import ConfigDict

from configs import base

NUMBERS = ("ring", "moons", "swiss_roll", "table")

VARIANTS = ("tiny", "mnist", "fashion_mnist", *NUMBERS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width, couplings = (8, 1) if variant == "tiny" else (32, 3)
    network = {"name": "realnvp", "width": width, "couplings": couplings, "levels": 2, "blocks": 1}
    config = base.flow(ConfigDict({**network, "transform": "affine"}))
    config.training.update(steps=1_500, batch_size=64)
    if variant in NUMBERS:
        config.networks.flow = ConfigDict({"name": "realnvp", "width": 64, "couplings": 8, "transform": "affine"})
        config.networks.flow.condition = "none"
        config.training.update(steps=4_000, batch_size=256)
        base.numbers(config, variant)
    return base.vary(config, variant, VARIANTS)
