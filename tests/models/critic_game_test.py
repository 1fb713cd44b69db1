"""What losses are given: logits as they are, or what `of_batch` makes of those of all replicas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS, replica_mean
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.critic_game import CriticGame
from gengen.networks import mlp
from gengen.networks.critic import CriticOutput

REAL, FAKE = np.random.default_rng(0).normal(size=(2, 8, 3)).astype(np.float32)
"""Logits of 8 data and 8 samples, of 3 patches each."""


@pytest.mark.parametrize("replicas", [4, 2, 1])
def test_losses_and_their_gradients_are_those_of_the_whole_batch_on_any_number_of_replicas(replicas):
    """As `take` does, each replica has the gradient of its own loss, and their mean is what moves parameters."""
    games = [CriticGame(mlp.Critic(), loss) for loss in ADVERSARIAL_LOSSES.values()]

    def means(logits):
        return [(game.loss.critic(*pair).mean(), game.loss.generator(*pair).mean()) for game, pair in logits]

    def of_replica(slope, real, fake):
        outputs = [CriticOutput(slope * logit, features=logit) for logit in (real, fake)]
        return jnp.asarray(means((game, game.logits(*outputs)) for game in games))

    def of_whole(slope):
        logits = slope * REAL, slope * FAKE
        return jnp.asarray(means((game, (game.loss.of_batch or (lambda *same: same))(*logits)) for game in games))

    def both(function, *parts):
        return jnp.stack([function(1.5, *parts), jax.jacrev(function)(1.5, *parts)])

    def found(*parts):
        return replica_mean(both(of_replica, *parts))

    parts = [side.reshape(replicas, -1, 3) for side in (REAL, FAKE)]
    values, whole = jax.jit(jax.vmap(found, axis_name=AXIS))(*parts), jax.jit(lambda: both(of_whole))()
    for index, name in enumerate(ADVERSARIAL_LOSSES):
        for replica in values:
            np.testing.assert_allclose(replica[:, index], whole[:, index], rtol=1e-5, atol=1e-6, err_msg=name)
