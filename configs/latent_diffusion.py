"""Latent diffusion: an autoencoder makes small maps of pictures; a diffusion model learns afterwards which there are.

Paper: Rombach et al. 2022, https://arxiv.org/abs/2112.10752, sections 3.1 and 3.2 and appendix G.
Run: python launch.py --config=configs/latent_diffusion.py, with :tiny, :mnist, :fashion_mnist or :cats after it.
Score: Fréchet distance 0.663 on digits (real images 0.458), by 10 calls; 1 seed.
Minutes: 50.3 on digits, with a fifth of a core.

The paper's autoencoder has a critic and a distance of features beside the error of pixels; this one has neither.
The denoiser is that of any diffusion model: --config.model.path=cosine, --config.sampling.guidance=2.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    tiny, large = variant == "tiny", "mnist" in variant
    config = base.diffusion("linear", "velocity", tiny=tiny)
    coder = {"name": "residual", "width": 16 if tiny else 64, "halvings": 2, "blocks": 2, "hidden": 8 if tiny else 32}
    config.networks.update(encoder=ConfigDict(coder), decoder=ConfigDict(coder))
    config.networks.denoiser.update(patch=1, attention=(0, 1))
    config.sampling.update(name="dpm_solver", calls=10, spacing="log_snr")
    config.optimizers.autoencoder = base.optimizer("adam", 1e-3)
    del config.model.deviation  # that of codes is 1
    config.model.update(name="latent_diffusion", times="logit_normal", dimension=4, divergence=1e-3, reduction="sum")
    config.model.likelihood = ConfigDict({"name": "bernoulli" if large else "squared_error"})
    config.training.steps = 6_000 if large else 2_500
    config.model.diffusion_start = 10 if tiny else 1_500 if large else 1_000
    base.denoise(config, variant)
    if variant == "cats":
        config.training.steps, config.model.diffusion_start = 12_000, 4_000
    return base.vary(config, variant, VARIANTS)
