"""Variational autoencoders: an encoder guesses the latents of an image, a decoder the image of latents.

    autoencoder  w <- w - step of the gradient of  -E_q(z|x) [log p(x|z) + log p(z) - log q(z|x)]

Kingma and Welling 2014, https://arxiv.org/abs/1312.6114. The decoder's likelihood, the bound with its weights, what is
made of grey pixels, and what images are told to be are arguments; a second layer of latents is two more networks.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import optax

from gengen.core.game import Player, Turn, begin, play
from gengen.core.model import GenerativeModel
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.variational_game import Variational
from gengen.models.binarisation import BINARISATIONS
from gengen.models.conditioning import conditioning_of
from gengen.networks.coders import GaussianCoder
from gengen.values import Entries, OneOf, Size


def variational(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    likelihood: Likelihood,
    objective: Objective,
    latents: Annotated[Sequence[Size], Entries(1, 2)] = (20,),
    binarisation: Annotated[str, OneOf(tuple(BINARISATIONS))] = "none",
) -> GenerativeModel:
    """Builds a variational autoencoder.

    Args:
      networks: bodies. "encoder": images -> features [B, F]; "decoder": latents [B, L] -> what the likelihood takes;
        "upper_encoder" and "upper_decoder", vectors -> features, if there are two layers of latents. A conditional
        encoder and decoder make the model conditional.
      optimizers: of "autoencoder", the one player.
      likelihood: p(x | z).
      objective: the bound and its weights.
      latents: dimensions of z1 and, for a second layer, z2.
      binarisation: one of `BINARISATIONS`.

    Returns:
      A model that can `sample`, `encode`, `decode`, draw from its `prior` and bound its `log_likelihood`. Metrics are
      "reconstruction", "divergence" and "bound", minus the unweighted bound itself, in nats an image.

    Raises:
      ValueError: an argument is out of range, or two of them do not go together.
    """
    _check(objective, latents, binarisation, likelihood)
    encoders, decoders = [GaussianCoder(networks["encoder"], latents[0])], [networks["decoder"]]
    if len(latents) == 2:
        missing = {"upper_encoder", "upper_decoder"} - set(networks)
        if missing:
            raise ValueError(f"latents={tuple(latents)} need the networks {', '.join(sorted(missing))}")
        encoders.append(GaussianCoder(networks["upper_encoder"], latents[1]))
        decoders.append(GaussianCoder(networks["upper_decoder"], latents[0]))
    conditioning = conditioning_of(networks["decoder"], networks["encoder"])
    game = Variational(
        tuple(encoders), tuple(decoders), tuple(latents), likelihood, objective, binarisation, conditioning
    )
    names = ("encoder", "decoder", "upper_encoder", "upper_decoder")[: 2 * len(latents)]
    player = Player("autoencoder", names, optimizers["autoencoder"])

    return GenerativeModel(
        begin(game.init, (player,)),
        play((Turn("autoencoder", player, game.loss),), game.prepare),
        sample=game.sample,
        conditions=conditioning.conditions,
        supervised="label" in conditioning.conditions,
        prior=game.prior,
        encode=game.encode,
        decode=game.decode,
        log_likelihood=game.log_likelihood if likelihood.proper else None,
        likelihood_of=likelihood.of,
        bound_by="latents",
        notes=objective.sentence(likelihood.title, sum(latents)),
    )


def _check(objective: Objective, latents: Sequence[int], binarisation: str, likelihood: Likelihood) -> None:
    """Refuses settings that are out of range or do not go together."""
    objective.check()
    if objective.estimator == "dreg" and len(latents) > 1:
        raise ValueError("estimator='dreg' is for one layer of latents; choose 'iwae'")
    if objective.free_bits and len(latents) > 1:
        raise ValueError(f"free_bits={objective.free_bits} is for one layer of latents")
    if binarisation != "none" and likelihood.proper and not likelihood.binary:
        raise ValueError(
            f"binarisation={binarisation!r} makes pixels black or white, of which a normal distribution is no "
            "likelihood: choose likelihood.name='bernoulli', or binarisation='none'"
        )
