"""How losses count logits: by themselves, or from those of the whole batch, on any number of replicas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.critic_game import CriticGame
from gengen.networks import mlp
from gengen.networks.critic import CriticOutput

REAL, FAKE = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)

COUNTED = {"relativistic": (REAL - FAKE.mean(), FAKE - REAL.mean())}
"""The logits of losses that look at the whole batch."""


@pytest.mark.parametrize("replicas", [1, 4])
@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_logits_are_those_of_the_whole_batch_on_any_number_of_replicas(name, replicas):
    game = CriticGame(mlp.Critic(), ADVERSARIAL_LOSSES[name])

    def logits(real, fake):
        return game.logits(*(CriticOutput(logit, features=logit) for logit in (real, fake)))

    parts = (jnp.asarray(side).reshape(replicas, -1) for side in (REAL, FAKE))
    found = jax.vmap(logits, axis_name=AXIS)(*parts)
    for side, expected in zip(found, COUNTED.get(name, (REAL, FAKE)), strict=True):
        np.testing.assert_allclose(side.ravel(), expected, rtol=0, atol=1e-6)


def test_losses_that_look_at_the_whole_batch_have_a_row():
    assert COUNTED.keys() == {name for name, loss in ADVERSARIAL_LOSSES.items() if not loss.alone}
