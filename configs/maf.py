"""MAF: autoregressive layers that scale and shift each number by those before it, in one order and then the reverse.

Paper: Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057, sections 3 and 4.
Run: python launch.py --config=configs/maf.py, with one of its variants after it, as in :mnist.

Variants `ring`, `moons` and `swiss_roll` are of points in the plane; `table` is of the user's own rows of numbers.
--config.networks.flow.inverse=True makes it an IAF (Kingma et al. 2016, https://arxiv.org/abs/1606.04934).
"""

from ml_collections import ConfigDict

from configs import base

POINTS = ("ring", "moons", "swiss_roll", "table")

VARIANTS = ("tiny", "mnist", "fashion_mnist", *POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    network = ConfigDict({"name": "maf", "width": 512, "hidden": 2, "layers": 5, "residual": False})
    network.update(activation="relu", inverse=False, sampling="parallel")
    if variant in POINTS or variant == "tiny":
        network.update(width=64 if variant == "ring" else 32, layers=8 if variant == "ring" else 6, activation="silu")
    config = base.flow(network)
    config.training.steps = 2_000
    if variant in POINTS:
        base.numbers(config, variant)
        config.optimizers.flow.rate = 3e-3
        config.training.update(steps=6_000, batch_size=256)
    if variant == "tiny":
        config.networks.flow.update(width=16, layers=2)
    return base.vary(config, variant, VARIANTS)
