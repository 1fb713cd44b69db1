"""Gated PixelCNN: a picture pixel by pixel, each drawn after all those before it; its likelihood is exact.

Paper: van den Oord et al. 2016, https://arxiv.org/abs/1606.05328, section 2.
Run: python launch.py --config=configs/pixelcnn.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: 2.87 bits on digits, 0.922 bits on MNIST (10,000 held-out images; exact, told no class); 1 seed.
Minutes: 1.4 on digits, with two cores, 76 on MNIST, with one core.

It is told the class; how likely a picture is without one is the mean over classes, which is exact, too.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    large = variant in ("mnist", "fashion_mnist")
    config = base.defaults()
    config.networks.predictor = ConfigDict({"name": "pixelcnn", "condition": "concatenated"})
    config.networks.predictor.update(width=8 if variant == "tiny" else 24, dilations=(1, 2, 1, 4), reach=3)
    config.networks.predictor.update(hidden=64, waves=(4, 6), spatial=16)
    config.model.update(name="autoregressive", head="dual_softmax")
    config.optimizers.predictor = base.optimizer("adam", 3e-3)
    config.optimizers.predictor.update(schedule="cosine", clip_norm=1.0)
    config.training.update(steps=2_000, batch_size=16)
    if large:
        config.networks.predictor.update(width=32, dilations=(1, 2, 4, 8))
        config.training.steps = 18_000
    config.evaluation.anomaly_score = "typicality"
    config.training.average.update(decay=0.999, networks=("predictor",))
    return base.vary(config, variant, VARIANTS)
