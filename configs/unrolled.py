"""Unrolled GAN: the generator looks ahead at the critic's next moves and differentiates through them.

Paper: Metz et al. 2017, https://arxiv.org/abs/1611.02163, eq. 7 to 10.
Run: python launch.py --config=configs/unrolled.py, with :tiny, :mnist or :fashion_mnist after it for a variant.
Score: Fréchet distance 1.34 on digits (real images 0.458), 2.07 on MNIST (real images 0.121); 1 seed each.
Minutes: 1.8 on digits, 8.8 on MNIST, with 2 cores.

`eps_root` bounds how much a move of Adam can change with the gradient, at rate / sqrt(eps_root). A larger one slows the
critic down: with 1e-5 the distance on digits was 12 after 500 steps and 4.7 at the end, with 1e-8 it was 3.6 and 1.4.

What the generator minds through the critic's moves decides. On MNIST, with a quarter of the weights, an eps_root of
1e-5 and 1,000 steps, Fréchet distances of 2,000 samples (1 seed each): 41 with the critic's loss there, as here; 42
with the critic's loss throughout (`model.loss=minimax`, the paper's); 44 with nothing, the moves taken as they are; 320
with the generator's own loss there, which does not look at data; and 122 for `gan`.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.game(*base.mlp())
    config.model.update(name="unrolled", unroll=5, real_label=(1.0, 1.0))
    config.optimizers.critic = base.optimizer("adam", 2e-4, b1=0.5, eps_root=1e-8)
    if "mnist" not in variant:
        config.training.steps = 2_500
        config.evaluation.every = 2_500
    return base.vary(config, variant, VARIANTS)
