"""MeanFlow: a network learns the mean velocity over any span of time, so that one call leaps from noise to data.

Paper: Geng et al. 2025, https://arxiv.org/abs/2505.13447, algorithms 1 and 2.
Run: python launch.py --config=configs/meanflow.py, with a variant after it, as in :mnist.
Score: Fréchet distance 1.97 on digits (real images 0.458); 1 seed.
Minutes: 29.6 on digits, with half of a core.

More calls: --mode=sample --config.sampling.calls=4. Guidance is learnt in training: --config.model.method.guidance=2
--config.model.dropped=0.1.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", *base.POINTS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.one_step("mean_flow", variant == "tiny", every=4, mean=-0.4, spread=1.0, power=1.0, guidance=1.0)
    config.training.steps = 2_500
    base.denoise(config, variant)
    if variant in base.POINTS:
        config.model.method.power = 0.0  # of two numbers, errors differ so much that weights would bias the mean
    return base.vary(config, variant, VARIANTS)
