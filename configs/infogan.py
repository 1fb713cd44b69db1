"""InfoGAN: codes without meaning get one, because the critic has to find them in the samples.

Paper: Chen et al. 2016, https://arxiv.org/abs/1606.03657, eq. 6 and appendix C.1.
Run: python launch.py --config=configs/infogan.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: not measured
Minutes: not measured

The dense layers, four times narrower than the paper's, are what lets the category find the digits: without them it is
wrong on more than half of the images.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.game(*(base.dcgan(width=8, dense=16) if variant == "tiny" else base.dcgan(width=32, dense=256)))
    config.model.update(name="infogan", latent=62, categories=10, continuous=2, information=1.0)
    config.optimizers.generator = base.optimizer("adam", 1e-3, b1=0.5)
    config.training.steps = 15_000 if "mnist" in variant else 5_000
    config.evaluation.every = 5_000
    return base.vary(config, variant, VARIANTS)
