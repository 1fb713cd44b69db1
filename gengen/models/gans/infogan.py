"""InfoGAN: codes without meaning get one, because the critic has to find them in the samples.

To the latents of a GAN come codes c: a category and some numbers. A recogniser Q, which shares all but its last layers
with the critic, says what it sees of them in a sample, and both players want its log-likelihood of the true codes high:

    information >= E log Q(c | G(z, c)) + H(c)

the variational bound of Chen et al. 2016, https://arxiv.org/abs/1606.03657, eq. 5, weighted by lambda in eq. 6.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Turn
from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.losses.adversarial import LossName
from gengen.models.conditioning import Codes
from gengen.models.gans.adversarial import adversaries, assemble, players
from gengen.models.gans.terms import Term, TermInputs
from gengen.models.gans.views import View
from gengen.networks.conditional import RecognisingCritic
from gengen.networks.critic import CriticOutput
from gengen.networks.forward import eval_mode
from gengen.values import Range, Size, Weight


def infogan(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: LossName = "non_saturating",
    latent: Size = 62,
    categories: Annotated[int, Range(2, 2**16)] = 10,
    continuous: Annotated[int, Range(0, 2**16)] = 2,
    information: Weight = 1.0,
    views: Sequence[View] = (),
    terms: Sequence[Term] = (),
) -> GenerativeModel:
    """Builds an InfoGAN.

    Args:
      networks: "generator", which sees latents and codes in one row, and "critic", as in `Adversaries`; the recogniser
        is added to the critic.
      optimizers: of the same two names.
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      latent: dimension of the latents that are no codes.
      categories: values of the category.
      continuous: how many numbers, uniform in [-1, 1].
      information: lambda, the weight of the codes' log-likelihood.
      views: as in `adversaries`; no packing.
      terms: as in `adversaries`.

    Returns:
      A model that can `sample`, draw from its `prior`, whose latents end with the codes as the generator sees them,
      `decode` these and `recognise`: `(key, variables, images) -> {"category": log-probabilities [n, K], "continuous":
      means [n, C]}`. Metrics "category" and "continuous" are minus the log-likelihoods of the codes in
      nats, the latter but for the constant of a Gaussian of variance 1. A critic with batch normalisation recognises
      with its running statistics, which are of data and samples alike.

    Raises:
      ValueError: an argument is out of range, or two of them do not go together.
    """
    bounds = {"categories": (categories, 2), "continuous": (continuous, 0), "information": (information, 0)}
    for name, (value, bound) in bounds.items():
        if value < bound:
            raise ValueError(f"{name}={value} must be at least {bound}")
    codes = Codes(categories, continuous)
    recogniser = RecognisingCritic(networks["critic"], outputs=categories + continuous)
    both = adversaries(
        {"generator": networks["generator"], "critic": recogniser},
        loss=loss,
        real_label=(1.0, 1.0),
        latent=latent,
        conditioning=codes,
        views=views,
        terms=(*terms, *information_terms(codes, information)),
    )
    critic, generator = players(optimizers, clip=None)
    model = assemble(both, Turn("critic", critic, both.critic_loss), Turn("generator", generator, both.generator_loss))

    def recognise(key: jax.Array, variables: Variables, images: jax.Array) -> dict[str, jax.Array]:
        del key
        return codes.read(_code(eval_mode(recogniser, variables["critic"], images)))

    return model._replace(recognise=recognise)


def information_terms(codes: Codes, weight: float) -> list[Term]:
    """Minus the log-likelihood of the codes of samples, for both players: -log Q(c | G(z, c))."""

    def category(key: jax.Array, inputs: TermInputs) -> jax.Array:
        del key
        said = codes.read(_code(inputs.judged_fake))["category"]
        return -jnp.take_along_axis(said, inputs.condition["category"][:, None], axis=1)[:, 0]

    def continuous(key: jax.Array, inputs: TermInputs) -> jax.Array:
        del key
        said = codes.read(_code(inputs.judged_fake))["continuous"]
        return jnp.square(said - inputs.condition["continuous"]).sum(1) / 2

    parts = {"category": category} | ({"continuous": continuous} if codes.continuous else {})
    return [Term(name, player, weight, value) for player in ("critic", "generator") for name, value in parts.items()]


def _code(judged: CriticOutput) -> jax.Array:
    assert judged.code is not None, "a recognising critic has a code"
    return judged.code
