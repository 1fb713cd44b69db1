"""Neural spline flow: couplings or autoregressive layers whose maps of numbers are monotone splines.

Paper: Durkan et al. 2019, https://arxiv.org/abs/1906.04032.
Run: python launch.py --config=configs/spline_flow.py, with one of its variants after it, as in :mnist.
Score: 2.61 bits on digits, 1.022 bits on MNIST (10,000 held-out images, uniform noise); 1 seed.
Minutes: 6.5 on digits, with a share of a core, 27 on MNIST, with one core.

Of pictures, one autoregressive layer, whose splines a PixelCNN gives. Variants `ring`, `moons` and `swiss_roll` are of
points in the plane; `table` is of the user's own rows of numbers.
"""

from ml_collections import ConfigDict

from configs import base

POINTS = ("ring", "moons", "swiss_roll", "table")

VARIANTS = ("tiny", "mnist", "fashion_mnist", *POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    if variant not in POINTS:
        width, bins = (8, 4) if variant == "tiny" else (24, 12)
        network = ConfigDict({"name": "pixel_spline", "width": width, "dilations": (1, 2, 1, 4), "reach": 3})
        network.update(hidden=64, waves=(4, 6), bins=bins)
        config = base.flow(network)
        config.model.alpha = 0.0
        config.optimizers.flow.rate = 3e-3
        config.training.update(steps=8_000 if "mnist" in variant else 3_000, batch_size=16)
        return base.vary(config, variant, VARIANTS)
    network = ConfigDict({"name": "spline_flow", "kind": "autoregressive", "width": 32, "hidden": 2, "residual": True})
    network.update(activation="relu", bound=4.0, mix="none", sampling="parallel")
    network.update(layers=1 if variant == "ring" else 2, bins=48 if variant == "ring" else 12)
    config = base.flow(network)
    base.numbers(config, variant)
    config.optimizers.flow.rate = 7e-3 if variant == "ring" else 2e-3
    config.training.update(steps=24_000 if variant == "ring" else 4_000, batch_size=256)
    return base.vary(config, variant, VARIANTS)
