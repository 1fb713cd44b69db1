"""Adversarial autoencoders: critics hold the codes of the data to a prior, of which one only has to be able to draw.

    autoencoder  w <- w - step of the gradient of  error(x, decoder(encoder(x)))
    critics      c <- c - step of the gradient of  critic loss(D(z), D(encoder(x))),  z drawn from the prior
    generator    w <- w - step of the gradient of  generator loss(D(encoder(x))),     the encoder's parameters alone
    classifier   w <- w - step of the gradient of  cross-entropy(encoder(x), label),  semi-supervised

Makhzani et al. 2016, https://arxiv.org/abs/1511.05644.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import optax

from gengen.core.game import Player, Turn, begin, play
from gengen.core.model import GenerativeModel
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, LossName
from gengen.losses.likelihood import Likelihood
from gengen.models.autoencoders.adversarial_autoencoder_game import CATEGORY, STYLE, Matching
from gengen.models.autoencoders.corruption import Corrupt
from gengen.models.autoencoders.objective import REDUCTIONS, Reduction
from gengen.models.autoencoders.priors import Prior
from gengen.models.critic_game import CriticGame
from gengen.networks.coders import ConditionalEncoder, PointCoder
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.values import Range, Size


def adversarial_autoencoder(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    likelihood: Likelihood,
    prior: Prior,
    corruption: Corrupt,
    classes: int = 0,
    latent: Size = 8,
    loss: LossName = "non_saturating",
    reduction: Reduction = "mean",
    label_aware: bool = False,
    categories: Annotated[int, Range(0, 2**16)] = 0,
    semi_supervised: bool = False,
) -> GenerativeModel:
    """Builds an adversarial autoencoder with a deterministic encoder.

    Args:
      networks: bodies. "encoder": images -> features [B, F]; "decoder": codes [B, m + L] -> what the likelihood takes;
        "critic": styles [B, L] -> CriticOutput; "category_critic": categories [B, m] -> CriticOutput, if any.
      optimizers: of "autoencoder", "critic" and "generator", which is the encoder against the critics; of
        "category_critic" if there are categories, and of "classifier" if semi-supervised.
      likelihood: whose negative logarithm is the error; the paper's is the squared error.
      prior: what styles are held to, from `PRIORS`.
      corruption: what happens to images before the encoder sees them, from `CORRUPTIONS`.
      classes: number of classes of the data; 0 where they have no labels.
      latent: dimension L of the style.
      loss: what critics and encoder want small, one of `ADVERSARIAL_LOSSES`.
      reduction: "sum" or "mean" over the numbers of the error.
      label_aware: whether each class has its own part of the prior: section 2.3. The critic is told the label, or that
        it is not known.
      categories: number m of categories, which the encoder says with probabilities; 0 for none. Without labels they
        are clusters: section 5.
      semi_supervised: whether the categories are the classes, which the images of `data.labelled` teach: section 4.

    Returns:
      A model that can `sample`, `encode`, `decode` and draw from its `prior`; with categories it can `recognise` them.
      Metrics are "autoencoder/squared_error", of a pixel in [-1, 1], each critic's estimate of the distance between
      codes and prior, and "classifier/accuracy" on the labelled images.

    Raises:
      ValueError: an argument is out of range, or two of them do not go together.
    """
    _check_choices(loss, reduction, latent)
    _check_labels(classes, label_aware=label_aware, categories=categories, semi_supervised=semi_supervised)
    names = (STYLE, CATEGORY) if categories else (STYLE,)
    _check_networks(networks, names)
    aware = classes if label_aware else 0
    prior.check(latent, aware)
    critics = {name: CriticGame(networks[name], ADVERSARIAL_LOSSES[loss]) for name in names}
    encoder, decoder = PointCoder(networks["encoder"], categories + latent), networks["decoder"]
    settings = (reduction, latent, categories, aware, semi_supervised)
    return _assemble(Matching(encoder, decoder, critics, likelihood, prior, corruption, *settings), optimizers)


def _check_choices(loss: str, reduction: str, latent: int) -> None:
    for name, value, known in (("loss", loss, ADVERSARIAL_LOSSES), ("reduction", reduction, REDUCTIONS)):
        if value not in known:
            raise ValueError(f"{name}={value!r} must be one of {', '.join(known)}")
    if latent < 1:
        raise ValueError(f"latent={latent} must be at least 1")


def _check_networks(networks: Mapping[str, Any], critics: Sequence[str]) -> None:
    for name, network in networks.items():
        if isinstance(network, ConditionalCritic | ConditionalEncoder | ConditionalGenerator):
            raise ValueError(f"networks.{name}.condition must be 'none': it is the code that label_aware tells labels")
    if missing := set(critics) - set(networks):
        raise ValueError(f"this game needs the network {', '.join(sorted(missing))}")


def _check_labels(classes: int, *, label_aware: bool, categories: int, semi_supervised: bool) -> None:
    if categories < 0 or categories == 1:
        raise ValueError(f"categories={categories} must be 0 or at least 2")
    if label_aware and categories:
        raise ValueError(f"label_aware=True and categories={categories} do not go together")
    if (label_aware or semi_supervised) and not classes:
        raise ValueError(f"{'label_aware' if label_aware else 'semi_supervised'}=True needs data with labels")
    if semi_supervised and categories != classes:
        raise ValueError(f"categories={categories} must be {classes}, the classes of the data, if semi-supervised")


def _assemble(game: Matching, optimizers: Mapping[str, optax.GradientTransformation]) -> GenerativeModel:
    """Makes a model of the game's turns, in the paper's order."""

    def turn(name: str, networks: tuple[str, ...], loss: Any) -> Turn:
        if name not in optimizers:
            raise ValueError(f"this game needs optimizers.{name}")
        return Turn(name, Player(name, networks, optimizers[name]), loss)

    turns = [
        turn("autoencoder", ("encoder", "decoder"), game.autoencoder_loss),
        *(turn(name, (name,), partial(game.critic_loss, name)) for name in game.critics),
        turn("generator", ("encoder",), game.generator_loss),
        *([turn("classifier", ("encoder",), game.classifier_loss)] if game.supervised else []),
    ]

    return GenerativeModel(
        begin(game.init, [turn.player for turn in turns]),
        play(turns, game.prepare),
        sample=game.sample,
        conditions=game.conditions,
        prior=game.prior_codes,
        encode=game.encode,
        decode=game.decode,
        recognise=game.recognise if game.categories else None,
        notes=_sentence(game),
    )


def _sentence(game: Matching) -> str:
    said = [f"minimises the {game.likelihood.title} (the {game.reduction} over values, the mean over examples)"]
    held = f"the {'styles' if game.categories else 'codes'} to {game.prior.title}{', by class' if game.classes else ''}"
    if game.categories:
        held += f", and the probabilities of {game.categories} categories to one-hot draws"
    said.append(f"holds {held}, in turns against a critic of each")
    if game.supervised:
        said.append("minimises the cross-entropy of the labelled images")
    return "; ".join(said) + "."
