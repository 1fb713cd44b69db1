"""The networks of a variational autoencoder, and the evidence that their latents give for an image.

With one layer of latents p(z1) = N(0, 1); a second one is two more networks:

    p(z2) = N(0, 1),  p(z1 | z2),  p(x | z1);      q(z1 | x),  q(z2 | z1)
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.game import Outcome
from gengen.core.mean import mean_of
from gengen.core.model import Batch
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Variables
from gengen.losses.bounds import importance_weighted, normalised_weights, with_gradient_weighted
from gengen.losses.divergences import divergence_from_standard, normal_log_density, standard_log_density
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.objective import Objective
from gengen.models.binarisation import BINARISATIONS
from gengen.models.conditioning import Conditioning, completed
from gengen.networks.coders import Gaussian, GaussianCoder
from gengen.networks.forward import eval_mode, init_network, run

CHUNK = 50
"""Samples of each image that an importance-weighted bound draws at a time: bounds memory."""


class Terms(NamedTuple):
    """What the bound of each image is made of.

    Attributes:
      log_prob: log p(x | z) of each number of an example [k, B, N].
      log_prior: log p(z), all latents together [k, B].
      log_posterior: log q(z | x) [k, B].
      posterior: q(z1 | x), of [B, L].
      mutable: collections of the networks that ran.
    """

    log_prob: jax.Array
    log_prior: jax.Array
    log_posterior: jax.Array
    posterior: Gaussian
    mutable: Variables


class Variational(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      encoders: q(z1 | x) and, with two layers, q(z2 | z1).
      decoders: p(x | z1), which gives what the likelihood takes, and, with two layers, p(z1 | z2).
      latents: dimensions of z1 and, with two layers, z2.
      likelihood: of images.
      objective: what is minimised.
      binarisation: one of `BINARISATIONS`.
      conditioning: what images are told to be.
    """

    encoders: tuple[GaussianCoder, ...]
    decoders: tuple[nn.Module, ...]
    latents: tuple[int, ...]
    likelihood: Likelihood
    objective: Objective
    binarisation: str
    conditioning: Conditioning

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of all networks."""
        keys = jax.random.split(key, 4)
        one = example_keys(key, 1)
        condition = self.conditioning.drawn(one)
        image, latents = batch["data"][:1], [jnp.zeros((1, size)) for size in self.latents]
        variables = {
            "encoder": init_network(self.encoders[0], keys[0], *self.conditioning.data_inputs(image, condition)),
            "decoder": init_network(self.decoders[0], keys[1], *self.conditioning.latent_inputs(latents[0], condition)),
        }
        if len(self.latents) == 2:
            variables["upper_encoder"] = init_network(self.encoders[1], keys[2], latents[0])
            variables["upper_decoder"] = init_network(self.decoders[1], keys[3], latents[1])
        return variables

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Binarises the data, and draws the noise of their latents."""
        del state
        size = batch["data"].shape[0]
        to_see, to_tell, to_guess = (local_keys(jax.random.fold_in(key, index), size) for index in range(3))
        return {
            "data": BINARISATIONS[self.binarisation](to_see, batch["data"]),
            "condition": self.conditioning.of(to_tell, batch),
            "noise": self.noise(to_guess, self.objective.samples),
        }

    def noise(self, keys: jax.Array, samples: int) -> list[jax.Array]:
        """Draws standard normal numbers [samples, B, L] for each layer of latents from keys [B]."""

        def one(key: jax.Array) -> list[jax.Array]:
            layers = jax.random.split(key, len(self.latents))
            return [jax.random.normal(layer, (samples, size)) for layer, size in zip(layers, self.latents, strict=True)]

        return jax.vmap(one, out_axes=1)(keys)

    def terms(self, variables: Variables, batch: Batch, *, train: bool, weight: jax.Array | None = None) -> Terms:
        """Draws latents and weighs them.

        Args:
          variables: of all networks.
          batch: "data" [B, *shape], "condition" and "noise" of each layer [k, B, L].
          train: whether the networks are in training mode.
          weight: numbers [k, B] by which gradients through the latents are multiplied; the parameters of the posterior
            are then differentiated through its samples alone, as the doubly reparametrised estimator wants it.
        """
        condition, noise = batch["condition"], batch["noise"]
        seen = self.conditioning.data_inputs(batch["data"], condition)
        posterior, of_encoder = run(self.encoders[0], variables["encoder"], *seen, train=train)
        mutable = {"encoder": of_encoder}
        spread = jax.tree.map(lambda x: x[None], posterior)  # the same for all k samples
        latent, scored = spread.at(noise[0]), spread
        if weight is not None:
            latent, scored = with_gradient_weighted(latent, weight), jax.tree.map(lax.stop_gradient, spread)
        log_posterior = normal_log_density(latent, *scored).sum(-1)
        if len(self.latents) == 1:
            log_prior = standard_log_density(latent).sum(-1)
        else:
            above, mutable["upper_encoder"] = self._over(1, variables, latent, train)
            higher = above.at(noise[1])
            log_posterior += normal_log_density(higher, *above).sum(-1)
            below, mutable["upper_decoder"] = self._under(variables, higher, train)
            log_prior = standard_log_density(higher).sum(-1) + normal_log_density(latent, *below).sum(-1)
        repeated = {
            name: jnp.tile(value, (latent.shape[0], *[1] * (value.ndim - 1))) for name, value in condition.items()
        }
        inputs = self.conditioning.latent_inputs(_flat(latent), repeated)
        output, mutable["decoder"] = run(self.decoders[0], variables["decoder"], *inputs, train=train)
        output = output.reshape(*latent.shape[:2], *output.shape[1:])
        log_prob = self.likelihood.log_probs(output, batch["data"][None])
        return Terms(log_prob, log_prior, log_posterior, posterior, mutable)

    def _over(self, layer: int, variables: Variables, latent: jax.Array, train: bool) -> tuple[Gaussian, Any]:
        found, mutable = run(self.encoders[layer], variables["upper_encoder"], _flat(latent), train=train)
        return jax.tree.map(lambda x: x.reshape(*latent.shape[:2], -1), found), mutable

    def _under(self, variables: Variables, latent: jax.Array, train: bool) -> tuple[Gaussian, Any]:
        found, mutable = run(self.decoders[1], variables["upper_decoder"], _flat(latent), train=train)
        return jax.tree.map(lambda x: x.reshape(*latent.shape[:2], -1), found), mutable

    def loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """Minus the weighted bound in nats, and what it is made of."""
        del key
        terms = self.terms(state.variables, batch, train=True)
        summed = terms.log_prob.sum(-1)
        plain = summed + terms.log_prior - terms.log_posterior
        metrics = {
            "reconstruction": mean_of(-summed),
            "divergence": mean_of(terms.log_posterior - terms.log_prior),
            "bound": mean_of(-importance_weighted(plain)),
        }
        beta = self.objective.beta_at(state.step)
        if self.objective.estimator == "elbo":
            rest = -self.objective.reconstruction * self.objective.reduced(terms.log_prob).mean()
            return rest + beta * self.divergence(terms), (metrics, terms.mutable)
        log_weights = self.log_weights(terms, beta)
        if self.objective.estimator == "iwae":
            return -importance_weighted(log_weights).mean(), (metrics, terms.mutable)
        # The same passes again, now that the weights are known: XLA merges their forward halves with the first ones.
        share = lax.stop_gradient(normalised_weights(log_weights))
        # The paper's weight is the share; what it takes away comes from log q, of which beta is in the bound.
        again = self.terms(state.variables, batch, train=True, weight=1 - beta * (1 - share))
        return -(share * self.log_weights(again, beta)).sum(0).mean(), (metrics, again.mutable)

    def log_weights(self, terms: Terms, beta: jax.Array) -> jax.Array:
        """log w of each sample [k, B], weighted as the objective says."""
        reconstruction = self.objective.reconstruction * self.objective.reduced(terms.log_prob)
        return reconstruction + beta * (terms.log_prior - terms.log_posterior)

    def divergence(self, terms: Terms) -> jax.Array:
        """What KL(q(z | x) || p(z)) costs []: in closed form for one layer of latents, by its samples for two."""
        if len(self.latents) == 1:
            return self.objective.charged(divergence_from_standard(*terms.posterior))
        return (terms.log_posterior - terms.log_prior).mean()

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws latents z1 [n, L]; the i-th depends on the key and on i alone."""
        del condition
        noise = self.noise(example_keys(key, n), 1)
        if len(self.latents) == 1:
            return noise[0][0]
        below, _ = self._under(variables, noise[1], train=False)
        return below.at(noise[0])[0]

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The mean data [n, *shape] of latents z1 [n, L]."""
        condition = completed(self.conditioning, key, len(latents), condition)
        inputs = self.conditioning.latent_inputs(latents, condition)
        return self.likelihood.mean(eval_mode(self.decoders[0], variables["decoder"], *inputs))

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws mean data [n, *shape]; image i depends on the key, on i and on its condition alone."""
        return self.decode(key, variables, self.prior(key, variables, n), condition)

    def encode(
        self, key: jax.Array, variables: Variables, data: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The means of q(z1 | x), [n, L]."""
        seen = BINARISATIONS[self.binarisation](example_keys(key, len(data)), data)
        condition = completed(self.conditioning, key, len(data), condition)
        found: Gaussian = eval_mode(
            self.encoders[0], variables["encoder"], *self.conditioning.data_inputs(seen, condition)
        )
        return found.mean

    def log_likelihood(
        self,
        key: jax.Array,
        variables: Variables,
        data: jax.Array,
        condition: Batch | None = None,
        samples: int = 1,
    ) -> jax.Array:
        """The importance-weighted bound of log p(x) with so many samples, nats [n].

        Images are binarised first, by the key, if the model is one of binarised images.
        """
        size = len(data)
        keys = example_keys(key, size)
        batch = {
            "data": BINARISATIONS[self.binarisation](keys, data),
            "condition": completed(self.conditioning, key, size, condition),
        }

        def chunk(index: jax.Array) -> jax.Array:
            own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, 1 + index)
            noise = self.noise(own, min(samples, CHUNK))
            terms = self.terms(variables, {**batch, "noise": noise}, train=False)
            return terms.log_prob.sum(-1) + terms.log_prior - terms.log_posterior

        log_weights = lax.map(chunk, jnp.arange(-(-samples // CHUNK)))
        return importance_weighted(log_weights.reshape(-1, size)[:samples])


def _flat(latent: jax.Array) -> jax.Array:
    """Lays [k, B, L] out as [k B, L]."""
    return latent.reshape(-1, latent.shape[-1])
