"""A path from data to noise that is learnt: Kingma et al. 2021, https://arxiv.org/abs/2107.00630, section 3.2.

    alpha^2 = sigmoid(-gamma),  sigma^2 = sigmoid(gamma),  gamma = gamma_0 + (gamma_1 - gamma_0) s(t)

The ends gamma_0 and gamma_1 are one network, "ends", which the bound moves, and s, which grows from 0 to 1, is another,
"schedule", which the variance of its estimate moves. What s(t) is, is called the place of a time. Along places gamma
grows evenly, whatever the schedule.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.state import Variables
from gengen.networks.denoisers.noise_schedule import NoiseSchedule
from gengen.samplers.probability_paths import Path


class LearntPath(NamedTuple):
    """The schedule, and what it says by the variables of a run.

    Attributes:
      schedule: times -> places, both in [0, 1]; None where they are the same.
      first: gamma at t = 0 and at t = 1, as they start.
    """

    schedule: NoiseSchedule | None
    first: tuple[float, float]

    def init(self, key: jax.Array) -> Variables:
        """Makes the first variables of "ends" and, if there is one, of "schedule"."""
        ends: Variables = {"ends": {"params": {"gamma": jnp.array(self.first, jnp.float32)}}}
        return ends | ({"schedule": dict(self.schedule.init(key, jnp.zeros(1)))} if self.schedule else {})

    def ends(self, variables: Variables) -> tuple[jax.Array, jax.Array]:
        """gamma_0 [] and gamma_1 []."""
        least, most = variables["ends"]["params"]["gamma"]
        return least, most

    def placed(self, variables: Variables, time: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Places of times and s'(t), both of the times' shape."""
        if self.schedule is None:
            return time, jnp.ones_like(time)
        at: Any = partial(self.schedule.apply, variables["schedule"])
        return jax.jvp(at, (time,), (jnp.ones_like(time),))

    def of_places(self, variables: Variables) -> Path:
        """alpha and sigma by places."""
        least, most = self.ends(variables)

        def gamma(place: jax.Array) -> jax.Array:
            return least + (most - least) * place

        return Path(
            "places",
            lambda place: jnp.sqrt(jax.nn.sigmoid(-gamma(place))),
            lambda place: jnp.sqrt(jax.nn.sigmoid(gamma(place))),
        )

    def of_times(self, variables: Variables) -> Path:
        """alpha and sigma by times, for samplers: at t = 0 itself lie the data, without the noise of gamma_0."""
        places = self.of_places(variables)

        def alpha(time: jax.Array) -> jax.Array:
            return jnp.where(time > 0, places.alpha(self.placed(variables, time)[0]), 1.0)

        def sigma(time: jax.Array) -> jax.Array:
            return jnp.where(time > 0, places.sigma(self.placed(variables, time)[0]), 0.0)

        return Path("learnt", alpha, sigma)
