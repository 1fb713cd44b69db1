"""TarFlow: causal transformers over patches; noise is added to the data and taken off samples again.

Paper: Zhai et al. 2024, https://arxiv.org/abs/2412.06329, sections 3.2 to 3.5.
Run: python launch.py --config=configs/tarflow.py, with :tiny, :mnist, :fashion_mnist or :jet after it for a variant.
Score: 5.62 bits on digits; 1 seed.
Minutes: 4.2 on digits, with a share of a core.

Variant `jet` has couplings in their place, whose transformers look everywhere: Kolesnikov et al. 2024,
https://arxiv.org/abs/2412.15129.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "jet")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    network = ConfigDict({"name": "tarflow", "patch": 4, "width": 64, "heads": 4, "layers": 2})
    if variant == "jet":
        network.update(name="jet", couplings=8)
    else:
        network.update(blocks=4, sampling="sequential", tolerance=1e-5)
    config = base.flow(network)
    config.model.update(dequantisation="gaussian", deviation=0.1, alpha=0.0)
    config.training.update(steps=1_000, batch_size=64)
    return base.vary(config, variant, VARIANTS)
