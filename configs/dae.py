"""Denoising autoencoder: it is shown a corrupted image and has to give back the clean one.

Paper: Vincent et al. 2010, "Stacked denoising autoencoders", JMLR 11, sections 2 and 5.4.
Run: python launch.py --config=configs/dae.py, with :tiny, :mnist, :fashion_mnist, :masking or :salt_and_pepper.
Score: Fréchet distance 2.31 on digits (real images 0.458); 1 seed each.
Minutes: 0.3 on digits, with 2 cores.

Gaussian noise of half the range from black to grey; --mode=reconstruct shows image, corrupted image and answer.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "masking", "salt_and_pepper")
AMOUNTS = {"masking": 0.25, "salt_and_pepper": 0.25}


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.autoencoder(*base.mlp_coders(*((32,) if variant == "tiny" else (512, 256))))
    config.model.latent = 64
    noise = variant if variant in AMOUNTS else "gaussian"
    config.model.corruption = ConfigDict({"name": noise, "amount": AMOUNTS.get(variant, 0.5)})
    return base.vary(config, variant, VARIANTS)
