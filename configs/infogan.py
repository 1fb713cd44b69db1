"""InfoGAN: codes without meaning get one, because the critic has to find them in the samples.

Paper: Chen et al. 2016, https://arxiv.org/abs/1606.03657, eq. 6 and appendix C.1.
Run: python launch.py --config=configs/infogan.py, with :tiny, :digits, :mnist or :fashion_mnist after it.
Score: Fréchet distance 4.8 on varied glyphs (real images 0.119), 4.24 on digits (real images 0.458), 0.366 on MNIST
  (real images 0.121); 1 seed each; the category is wrong on 53.5 % of held-out varied glyphs, 10.0 % of digits, 3.8 %
  on MNIST.
Minutes: 1.1 on varied glyphs, 1.4 on digits, 11.3 on MNIST, with 2 cores.

The dense layers, four times narrower than the paper's, are what lets the category find the digits: without them it is
wrong on more than half of the images. Printed digits of many slants, widths and weights are what the continuous codes
find their meaning in; of the handwritten ones (`digits`), which are few, samples of one category hardly differ.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "digits", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.game(*(base.dcgan(width=8, dense=16) if variant == "tiny" else base.dcgan(width=32, dense=256)))
    config.model.update(name="infogan", latent=62, categories=10, continuous=2, information=1.0)
    config.optimizers.generator = base.optimizer("adam", 1e-3, b1=0.5)
    if variant in ("tiny", "digits"):  # the digits are so few that a critic learns them by heart
        config.model.views.instance_noise.deviation = 0.5
    config.training.steps = 15_000 if "mnist" in variant else 3_000 if variant == "digits" else 1_500
    config.evaluation.every = 3_000
    return base.vary(config, variant, VARIANTS, shown="glyphs_varied")
