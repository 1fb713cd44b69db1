"""VQ-VAE: the code of an image is a map of symbols; a transformer learns afterwards which maps there are.

Paper: van den Oord et al. 2017, https://arxiv.org/abs/1711.00937, sections 3 and 4.1 and appendix A.1.
Run: python launch.py --config=configs/vqvae.py, with :tiny, :mnist, :fashion_mnist or :dead after it for a variant.
Score: Fréchet distance 3.05 on digits (real images 0.458), 8.77 on MNIST (real images 0.121); 1 seed each; the
  classifier agrees with 86.1 % of asked labels on digits, the classifier agrees with 68.1 % of asked labels on MNIST.
Minutes: 1.4 on digits, 8.2 on MNIST, with 2 cores.

The paper's prior is a PixelCNN; the digits are so few that a larger one learns them by heart. --mode=sample --label=3.
Variant `dead` is ill, see --mode=diagnose.
On MNIST the squared error got stuck at black pictures, whose gradient is 0; a Bernoulli decoder does not.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "dead")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    large = variant in ("mnist", "fashion_mnist")
    width = 16 if variant == "tiny" else 64
    coder = {"name": "residual", "width": width, "halvings": 2, "blocks": 2, "hidden": width // 2}
    config = base.solitaire(ConfigDict(coder), ConfigDict(coder))
    config.networks.prior = ConfigDict({"name": "transformer", "heads": 4})
    config.networks.prior.update(width=128 if large else 32, layers=4 if large else 2, condition="embedding")
    config.optimizers.prior = base.optimizer("adam", 1e-3 if large else 3e-3)
    config.optimizers.prior.schedule = "cosine"
    config.model.name = "vector_quantised"
    config.model.update(codes=128 if large else 64, dimension=8, commitment=0.25, decay=0.99, restart=0.5)
    config.model.update(reduction="mean", likelihood=ConfigDict({"name": "bernoulli" if large else "squared_error"}))
    config.training.steps = 1_600 if large else 2_000
    config.model.prior_start = 10 if variant == "tiny" else config.training.steps // 2
    if variant == "dead":
        base.sicken(config, variant, steps=600)
        config.model.prior_start = 500
    return base.vary(config, variant, VARIANTS)
