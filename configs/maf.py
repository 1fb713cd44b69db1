"""MAF: autoregressive layers that scale and shift each number by those before it, in one order and then the reverse.

Paper: Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057, sections 3 and 4.
Run: python launch.py --config=configs/maf.py, with one of its variants after it, as in :mnist.
Score: 4.37 bits on digits; 1 seed.
Minutes: 0.5 on digits, with a share of a core.

Variants `ring`, `moons` and `swiss_roll` are of points in the plane; `table` is of the user's own rows of numbers.
--config.networks.flow.inverse=True makes it an IAF (Kingma et al. 2016, https://arxiv.org/abs/1606.04934).
"""

from ml_collections import ConfigDict

from configs import base

POINTS = ("ring", "moons", "swiss_roll", "table")

VARIANTS = ("tiny", "mnist", "fashion_mnist", *POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    few = variant in ("", "tiny")  # the digits, of which there are 1,497
    width, layers = (128, 4) if few else (512, 5)
    network = ConfigDict({"name": "maf", "width": width, "hidden": 1 if few else 2, "layers": layers})
    network.update(residual=False, activation="relu", inverse=False, sampling="parallel")
    if variant in POINTS:
        network.update(width=64 if variant == "ring" else 32, layers=8 if variant == "ring" else 6, activation="silu")
    config = base.flow(network)
    config.training.steps = 600 if few else 4_000
    if few:
        config.optimizers.flow.update(name="adamw", decay=1.0)
    if variant in POINTS:
        base.numbers(config, variant)
        config.optimizers.flow.rate = 3e-3
        config.training.update(steps=6_000, batch_size=256)
    if variant == "tiny":
        config.networks.flow.update(width=16, layers=2)
    return base.vary(config, variant, VARIANTS)
