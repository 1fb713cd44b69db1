"""Autoencoder: 784-128-64-12-2 and its mirror; what is left of an image are two numbers, to be drawn as a map.

Paper: Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".
Run: python launch.py --config=configs/ae.py, with :tiny, :mnist, :fashion_mnist, :deep, :sparse or :contractive.
Score: Fréchet distance 2.75 on digits (real images 0.458), 20.1 on MNIST (real images 0.121); 1 seed each.
Minutes: 0.4 on digits, 0.4 on MNIST, with 2 cores.

It has no prior: samples are drawn from a mixture of ten Gaussians that is fitted to the codes of the training images.
Variant `deep` is the paper's 784-1000-500-250-30; `sparse` and `contractive` penalise 32 numbers.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "deep", "sparse", "contractive")
WIDTHS = {"tiny": (32, 8), "deep": (1000, 500, 250), "sparse": (256,), "contractive": (256,)}
LATENT = {"deep": 30, "sparse": 32, "contractive": 32}


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.autoencoder(*base.mlp_coders(*WIDTHS.get(variant, (128, 64, 12))))
    config.model.latent = LATENT.get(variant, 2)
    config.model.sparsity = 0.01 if variant == "sparse" else 0.0
    config.model.contraction = 0.01 if variant == "contractive" else 0.0
    return base.vary(config, variant, VARIANTS)
