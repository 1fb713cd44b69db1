"""Neural spline flow: couplings or autoregressive layers whose maps of numbers are monotone splines.

Paper: Durkan et al. 2019, https://arxiv.org/abs/1906.04032.
Run: python launch.py --config=configs/spline_flow.py, with one of its variants after it, as in :mnist.

Variants `ring`, `moons` and `swiss_roll` are of points in the plane; `table` is of the user's own rows of numbers.
"""

from ml_collections import ConfigDict

from configs import base

POINTS = ("ring", "moons", "swiss_roll", "table")

VARIANTS = ("tiny", "mnist", "fashion_mnist", *POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    network = ConfigDict({"name": "spline_flow", "kind": "autoregressive", "width": 512, "hidden": 2, "layers": 2})
    network.update(residual=True, activation="relu", bins=8, bound=4.0, mix="none", sampling="parallel")
    if variant == "ring":
        network.update(width=32, layers=1, bins=32)
    elif variant in POINTS:
        network.update(width=32, bins=12)
    config = base.flow(network)
    config.training.steps = 2_000
    if variant in POINTS:
        base.numbers(config, variant)
        config.optimizers.flow.rate = 1e-2 if variant == "ring" else 2e-3
        config.training.update(steps=14_000 if variant == "ring" else 4_000, batch_size=256)
    if variant == "tiny":
        config.networks.flow.update(width=16, bins=4)
    return base.vary(config, variant, VARIANTS)
