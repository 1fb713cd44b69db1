"""Text to picture by a GAN: the critic also learns to reject real pictures whose text is that of others (GAN-CLS).

Paper: Reed et al. 2016, https://arxiv.org/abs/1605.05396, Algorithm 1, with the projection of Miyato and Koyama 2018.
Run: python launch.py --config=configs/text_gan.py, with a variant after it, as in :digits.
Score: TODO
Minutes: TODO

A caption is asked for with --mode=sample --text="a small red circle above a blue square".
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "digits", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.dcgan(width=8 if variant == "tiny" else 32))
    config.networks.generator.condition = config.networks.critic.condition = "text"
    config.model.mismatched = 0.5
    config.data.captions = variant != ""
    if not config.data.captions:
        config.data.update(name="scenes", resolution=(32, 32), channels=3)
    return base.vary(config, variant, VARIANTS)
