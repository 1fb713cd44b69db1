"""BigGAN: residual networks whose every block is told the class and a chunk of the latent, and truncation of latents.

Paper: Brock et al. 2019, https://arxiv.org/abs/1809.11096, sections 2 and 3, appendix B.1.
Run: python launch.py --config=configs/biggan.py, with :tiny, :mnist, :fashion_mnist, :cats or :full after it.
Score: Fréchet distance 8.77 on digits (real images 0.458), after 1,250 steps, 6.16 on Fashion-MNIST (real images
  0.103), where the classifier agrees with 82.2 % of the asked labels, and of real images with 94.3; 1 seed each.
Minutes: 33.5 on digits, with an eighth of a core, 32.6 on Fashion-MNIST, with a share of one.

Cats have no labels: their networks are told nothing. `full` has the paper's 128 pixels, widths and rates, for labelled
pictures of your own. Samples of latents near 0, which differ less: --mode=sample --config.model.truncation=0.5.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", "full")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    full, width = variant == "full", {"tiny": 8, "cats": 64, "full": 1536}.get(variant, 32)
    config = base.biggan(width, wide=3 if variant == "cats" else 2)
    config.training.steps = 4_000
    if variant in ("cats", "full"):
        base.own_pictures(config, 128 if full else 64)
    if variant == "cats":
        config.networks.generator.condition = config.networks.critic.condition = "none"
        config.model.latent = 100
    if full:
        config.model.latent = 120
        config.optimizers.generator.rate = 1e-4
        config.training.update(steps=300_000, batch_size=2_048)
        config.training.average.decay = 0.9999
    return base.vary(config, variant, VARIANTS, resolution=32)
