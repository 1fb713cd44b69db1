"""Two translators that undo each other, two critics, and the pure functions of the game between them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.game import Outcome
from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Tree, Variables
from gengen.models.critic_game import CriticGame
from gengen.models.translation.domains import first_images
from gengen.models.translation.error import absolute_error
from gengen.models.translation.jitter import jittered
from gengen.models.translation.pool import Pool
from gengen.networks.forward import eval_mode, init_network, train_mode

TRANSLATORS = ("to_b", "to_a")
"""G, from domain a to b, and F, from b to a."""

CRITICS = ("critic_a", "critic_b")
"""Of images of each domain."""

SLOWER = 0.5
"""What the critics' losses are multiplied with: section 7.1 of Zhu et al. 2017."""


class Passes(NamedTuple):
    """What the translators make of a batch, and what their passes carry."""

    fake_a: jax.Array
    fake_b: jax.Array
    cycled_a: jax.Array
    cycled_b: jax.Array
    same_a: jax.Array | None
    same_b: jax.Array | None
    mutable: Variables


class Cycle(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      translators: by `TRANSLATORS`, images [B, H, W, C] and a key for each -> images of the other domain.
      critics: the critics by `CRITICS`, and their losses.
      weight: of the cycles' mean absolute error.
      identity: weight, times `weight`, of the change of images that are of the domain already.
      pool: of translations that the critics are shown.
      jitter: the largest random shift of an image along each axis, in pixels.
      mirror: whether half of the images are mirrored.
    """

    translators: Mapping[str, nn.Module]
    critics: Mapping[str, CriticGame]
    weight: float
    identity: float
    pool: Pool
    jitter: int
    mirror: bool

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of all four networks, and the empty pools.

        Raises:
          ValueError: there is no second domain, or its images do not go with the first one's.
        """
        images = first_images(batch, alike=False)
        shapes = {name: (image.shape[1], image.shape[2], image.shape[3]) for name, image in images.items()}
        if self.identity and shapes["a"] != shapes["b"]:
            raise ValueError(
                f"identity={self.identity} needs domains of as many channels, and these have {shapes['a'][2]} and "
                f"{shapes['b'][2]}; set it to 0"
            )
        keys = jax.random.split(key, 4)
        pools = {f"pool_{name}": {"pool": self.pool.empty(shapes[name])} for name in "ab" if self.pool.size}
        return {
            "to_b": init_network(self.translators["to_b"], keys[0], images["a"], None),
            "to_a": init_network(self.translators["to_a"], keys[1], images["b"], None),
            "critic_a": init_network(self.critics["critic_a"].network, keys[2], images["a"]),
            "critic_b": init_network(self.critics["critic_b"].network, keys[3], images["b"]),
            **pools,
        }

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Jitters the images of both domains, and draws the keys of the translators' noise."""
        del state
        size = batch["data"].shape[0]
        keys = [local_keys(jax.random.fold_in(key, index), size) for index in range(3)]
        given = {"a": batch["data"], "b": batch["second"]["data"]}
        moved = {
            name: jittered(own, {name: given[name]}, margin=self.jitter, mirror=self.mirror)[name]
            for own, name in zip(keys[:2], "ab", strict=True)
        }
        return {**moved, "noise": keys[2]}

    def passes(self, variables: Variables, batch: Batch) -> Passes:
        """All translations of a batch. Each draws noise of its own and follows the statistics of the last."""
        mutable: Variables = {}

        def through(name: str, image: jax.Array, index: int) -> jax.Array:
            noise = jax.vmap(jax.random.fold_in, in_axes=(0, None))(batch["noise"], index)
            own = {**variables[name], **mutable.get(name, {})}
            made: jax.Array
            made, mutable[name] = train_mode(self.translators[name], own, image, noise)
            return made

        fake_b, fake_a = through("to_b", batch["a"], 0), through("to_a", batch["b"], 1)
        cycled_a, cycled_b = through("to_a", fake_b, 2), through("to_b", fake_a, 3)
        same_a = through("to_a", batch["a"], 4) if self.identity else None
        same_b = through("to_b", batch["b"], 5) if self.identity else None
        return Passes(fake_a, fake_b, cycled_a, cycled_b, same_a, same_b, mutable)

    def critic_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What both critics want small, for images of their domains and translations out of the pools."""
        made = self.passes(state.variables, batch)  # the same as in the translators' turn: compiled, they run once
        value, metrics, trace = jnp.zeros(()), {}, dict[str, Tree]()
        for index, (name, fake) in enumerate((("a", made.fake_a), ("b", made.fake_b))):
            critic, fake = self.critics[f"critic_{name}"], lax.stop_gradient(fake)
            if self.pool.size:
                pool = state.variables[f"pool_{name}"]["pool"]
                fake, after = self.pool.shown(jax.random.fold_in(key, index), pool, fake)
                trace[f"pool_{name}"] = {"pool": after}
            losses, judged = critic.critic_losses(state.variables[f"critic_{name}"], batch[name], fake)
            metrics[f"{critic.loss.estimate}_{name}"] = mean_of(critic.loss.distance(losses))
            value, trace = value + SLOWER * losses.mean(), {**trace, f"critic_{name}": judged}
        return value, (metrics, trace)

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What both translators want small: eq. 3 and the loss of section 5.2."""
        del key
        made = self.passes(state.variables, batch)
        value, metrics, judged = self.translation_loss(state.variables, batch, made)
        return value, (metrics, {**made.mutable, **judged})

    def translation_loss(
        self, variables: Variables, batch: Batch, made: Passes
    ) -> tuple[jax.Array, dict[str, Mean], Variables]:
        """The translators' loss, its parts, and what the critics' passes carry."""
        metrics, judged, value = {}, {}, jnp.zeros(())
        for name, fake in (("a", made.fake_a), ("b", made.fake_b)):
            critic = f"critic_{name}"
            losses, judged[critic] = self.critics[critic].generator_losses(variables[critic], batch[name], fake)
            metrics[f"adversarial_{name}"] = mean_of(losses)
            value = value + losses.mean()
        for name, cycled in (("a", made.cycled_a), ("b", made.cycled_b)):
            error = absolute_error(cycled, batch[name])
            metrics[f"cycle_{name}"] = mean_of(error)
            value = value + self.weight * error.mean()
        for name, same in (("a", made.same_a), ("b", made.same_b)):
            if same is not None:
                change = absolute_error(same, batch[name])
                metrics[f"identity_{name}"] = mean_of(change)
                value = value + self.weight * self.identity * change.mean()
        return value, metrics, judged

    def translator(self, name: str) -> Callable[..., jax.Array]:
        """`(key, variables, data) -> data` of a translator: images [n, H, W, C] in [-1, 1] to the other domain."""

        def translate(key: jax.Array, variables: Variables, data: jax.Array) -> jax.Array:
            made: jax.Array = eval_mode(self.translators[name], variables[name], data, example_keys(key, data.shape[0]))
            return made

        return translate
