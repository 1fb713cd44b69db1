"""BigBiGAN: a BiGAN whose encoder draws, and whose critics judge data and latents alone, too.

Paper: Donahue and Simonyan 2019, https://arxiv.org/abs/1907.02544, section 2, with networks of BiGAN's size on digits.
Run: python launch.py --config=configs/bigbigan.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: Fréchet distance 15 on digits (real images 0.458); 1 seed; a linear probe of its latents names 96 % of digits.
Minutes: 2.3 on digits, with one core.

Without what critics say of one of the two alone: --config.model.unary=0.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width = 32 if variant == "tiny" else 1024 if "mnist" in variant else 256
    config = base.bigan(width=width)
    critic = config.networks.joint_critic
    config.networks.critic = critic.copy_and_resolve_references()
    config.networks.latent_critic = critic.copy_and_resolve_references()
    config.model.update(loss="hinge", stochastic=True)
    config.training.steps = 11_725 if "mnist" in variant else 3_000
    return base.vary(config, variant, VARIANTS)
