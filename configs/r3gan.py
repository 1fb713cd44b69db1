"""R3GAN: the critic says which of two pictures is of the data, and its gradients at both are held near 0.

Paper: Huang et al. 2024, https://arxiv.org/abs/2501.05441: the loss of section 2, the networks of section 4.
Run: python launch.py --config=configs/r3gan.py, with a variant after it, as in :stacked.
Score: Fréchet distance 3 on digits (real images 0.458); 1 seed each.
Minutes: 9.8 on digits, with 1 core that other work shared.

Variant `cats` is for your own pictures, as of `dcgan`; `stacked` has a thousand kinds of digits, `ring` and `grid` are
mixtures of Gaussians, with networks of their own. The ablations take from the loss what the paper's road map does:
`non_saturating`, `no_r2`, `r1_alone` (without pairs), `no_penalty`. At a 24th of the paper's width, with one block a
size; the weight of R1 and R2, b2 and the average's length do not change on the way.
"""

from ml_collections import ConfigDict

from configs import base

PAIRS, ALONE = "relativistic_pairing", "non_saturating"
LOSSES = {ALONE: (ALONE, 1, 1), "no_r2": (PAIRS, 1, 0), "r1_alone": (ALONE, 1, 0), "no_penalty": (PAIRS, 0, 0)}
VARIANTS = ("tiny", "mnist", "fashion_mnist", "cats", "stacked", "ring", "grid", *LOSSES)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.gan(*base.r3gan(width=8 if variant == "tiny" else 32, wide=3 if variant == "cats" else 2, blocks=1))
    loss, r1, r2 = LOSSES.get(variant, (PAIRS, 1, 1))
    config.model.update(loss=loss, latent=64)
    config.model.terms.update(r1={"weight": float(r1)}, r2={"weight": float(r2)})
    for player in config.optimizers:
        config.optimizers[player].update(rate=1e-3, b1=0.0, b2=0.99, schedule="quarter")
    config.training.steps = 2_000
    config.evaluation.every = 1_000
    if variant in ("ring", "grid"):
        base.finer_mixture(config, variant)
    if variant == "cats":
        base.own_pictures(config)
        config.networks.generator.output = "linear"
    if variant == "stacked":
        base.stacks(config)
    return base.vary(config, variant, VARIANTS)
