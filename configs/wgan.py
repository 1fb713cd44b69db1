"""WGAN: the critic's parameters are clipped, and its loss estimates the Wasserstein distance.

Paper: Arjovsky, Chintala and Bottou 2017, https://arxiv.org/abs/1701.07875, Algorithm 1.
Run: python launch.py --config=configs/wgan.py, with :tiny or another of `VARIANTS` after it.
Score: Fréchet distance 3 on smooth digits (real images 0.376), 1.54 on digits (real images 0.458), 15.9 on MNIST
  (real images 0.121); 1 seed each.
Minutes: 2.0 on smooth digits, 0.9 on digits, 1.0 on MNIST, with 2 cores.

The learning rate is 2e-4, four times the paper's, so that the digits can be read after minutes instead of hours.
Variant `paper` keeps the values of Algorithm 1, which are also the defaults of the builder; `convolutional` has
the networks of the DCGAN, on the small digits; `saturated` is ill, on points, see --mode=diagnose.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "digits", "mnist", "fashion_mnist", "paper", "convolutional", "saturated")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*(base.dcgan(width=32) if variant == "convolutional" else base.mlp()))
    config.model.update(loss="wasserstein", critic_steps=5, clip=0.01)
    rate = 5e-5 if variant == "paper" else 2e-4
    config.optimizers.generator = base.optimizer("rmsprop", rate)
    config.optimizers.critic = base.optimizer("rmsprop", rate)
    shown = "digits" if variant == "convolutional" else "digits_smooth"  # four times as quick for convolutions
    config.training.steps = 15_000 if not variant else 20_000 if "mnist" in variant else 30_000
    config.training.sample_every = 500  # the first look within seconds
    config.evaluation.every = 10_000
    if variant == "saturated":
        base.sicken(config, variant, data="ring")
        return config
    return base.vary(config, variant, VARIANTS, shown=shown)
