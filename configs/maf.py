"""MAF: autoregressive layers that scale and shift each number by those before it, in one order and then the reverse.

Paper: Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057, sections 3 and 4.
Run: python launch.py --config=configs/maf.py, with one of its variants after it, as in :mnist.
Score: 4.37 bits on digits; 1 seed.
Minutes: 0.5 on digits, with a share of a core.

Variants `ring`, `moons` and `swiss_roll` are of points in the plane, whose numbers follow mixtures of Gaussians
("MoG", section 4.1); `table` is of the user's own rows. --config.networks.flow.inverse=True makes it an IAF (Kingma et
al. 2016, https://arxiv.org/abs/1606.04934).
"""

from ml_collections import ConfigDict

from configs import base

POINTS = ("ring", "moons", "swiss_roll", "table")
VARIANTS = ("tiny", "mnist", "fashion_mnist", *POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    few = variant in ("", "tiny")  # the digits, of which there are 1,497
    network = ConfigDict({"name": "maf", "width": 512, "hidden": 2, "layers": 5})
    network.update(residual=False, activation="relu", components=0, inverse=False, sampling="parallel")
    if variant == "table":
        network.update(width=32, layers=6, activation="silu")
    elif variant in POINTS:
        network.update(width=32, layers=1 if variant == "ring" else 2, residual=True, components=12)
    elif few:
        network.update(width=16 if variant == "tiny" else 128, hidden=1, layers=2 if variant == "tiny" else 4)
    config = base.flow(network)
    config.training.steps = 600 if few else 4_000
    if few:
        config.optimizers.flow.update(name="adamw", decay=1.0)
    if variant in POINTS:
        base.numbers(config, variant)
        config.optimizers.flow.rate = 2e-3 if variant in ("moons", "swiss_roll") else 3e-3
        config.training.update(steps={"ring": 12_000, "table": 6_000}.get(variant, 4_000), batch_size=256)
    return base.vary(config, variant, VARIANTS)
