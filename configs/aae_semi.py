"""Semi-supervised AAE: 100 labelled images say what the categories are, a critic that every image has one.

Paper: Makhzani et al. 2016, https://arxiv.org/abs/1511.05644, section 4 and appendix A.2.
Run: python launch.py --config=configs/aae_semi.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: Fréchet distance 7.64 on digits (real images 0.458); 1 seed each; 3.7 % of held-out digits wrong.
Minutes: 0.4 on digits, with 2 cores.

10 categories and a style of 10 numbers, as in the paper, but Adam. Samples: --mode=sample --label=3.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width = {"tiny": 32, "mnist": 1000, "fashion_mnist": 1000}.get(variant, 256)
    config = base.categorical_autoencoder(width, width, categories=10, style=10)
    config.model.semi_supervised = True
    config.model.corruption = ConfigDict({"name": "gaussian", "amount": 0.6})  # 0.3 of pixels in [0, 1]
    config.optimizers.classifier = base.optimizer("adam", 1e-3)
    config.data.labelled = 100
    config.training.steps = 10_000 if "mnist" in variant else 4_000
    return base.vary(config, variant, VARIANTS)
