"""A loss of one's own: name it in the table of losses, and train with it.

To keep a loss, write it into `gengen/losses/adversarial.py`, as CONTRIBUTING.md says; to try one, this is enough.
"""

# %% A loss says what critic and generator want small, given the critic's outputs for real and fake, [B] each.
import jax.numpy as jnp

import gengen
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, AdversarialLoss

exponential = AdversarialLoss(
    critic=lambda real, fake: jnp.exp(-real) + jnp.exp(fake),  # AdaBoost's, of Freund and Schapire 1997
    generator=lambda real, fake: jnp.exp(-fake),
    estimate="exponential_margin",
    distance=lambda losses: 2 - losses,
)
ADVERSARIAL_LOSSES["exponential"] = exponential

# %% The config names it as any other.
config = gengen.load_config("configs/gan.py:tiny")
config.model.loss = "exponential"
run = gengen.train(config, "runs/own_loss")
print(run.sample(4).mean())
