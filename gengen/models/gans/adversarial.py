"""Adversarial networks: one builder, whose arguments give the GAN, the DCGAN, the WGAN and their relatives.

    critic     w <- w - step of the gradient of  critic loss(D(x), D(G(z)))
    generator  t <- t - step of the gradient of  generator loss(D(G(z)))

Both are players of `core.game`, and `critic_steps` and `generator_steps` say how often each moves. What was tried to
make such games converge goes into four places: the loss and its labels; `views`, which both data and samples pass on
their way to the critic; `terms`, which are added to a player's loss; and the layers of the networks.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import optax

from gengen.core.game import Every, Player, Turn, begin, every, period, play
from gengen.core.model import Condition, GenerativeModel
from gengen.core.transforms import clip_parameters
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, LossName
from gengen.models.conditioning import Conditioning, Labels, Nothing, Texts
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.terms import Term
from gengen.models.gans.views import View
from gengen.networks.captioned import CaptionedCritic, CaptionedGenerator
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator, RecognisingCritic
from gengen.values import Positive, Range, Repeats, Share, Size

Target = Annotated[float, Range(0, 1, above=True)]
"""What a critic is asked to say of data."""


def adversarial(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    loss: LossName = "wasserstein",
    real_label: tuple[Target, Target] = (1.0, 1.0),
    latent: Size = 100,
    critic_steps: Repeats = 5,
    generator_steps: Repeats = 1,
    clip: Positive | None = 0.01,
    views: Sequence[View] = (),
    terms: Sequence[Term] = (),
    text: Condition | None = None,
    mismatched: Share = 0.0,
    truncation: Positive | None = None,
) -> GenerativeModel:
    """Builds an adversarial network. The defaults are Algorithm 1 of Arjovsky et al. 2017, arXiv:1701.07875.

    Args:
      networks: "generator" and "critic", as in `Adversaries`; a `ConditionalGenerator` is told the class, a
        `CaptionedGenerator` a text.
      optimizers: of the same two names.
      loss: what both want small, one of `ADVERSARIAL_LOSSES`.
      real_label: the critic's targets for data are drawn uniformly between these two. (0.9, 0.9) smooths labels on
        one side, Salimans et al. 2016, arXiv:1606.03498, section 3.4; (0.7, 0.9) is common practice.
      latent: dimension of the latents.
      critic_steps: moves of the critic, a batch each, in a period of the game; n_critic in the paper.
      generator_steps: moves of the generator in a period, the last ones; a period is as long as the larger of both.
      clip: the largest absolute value of a parameter of the critic; None leaves them free.
      views: what data and samples alike pass on their way to the critic, from `VIEWS`.
      terms: what is added to the players' losses, from `TERMS`.
      text: what texts captions of the data can be; None where they have none.
      mismatched: share of data told what is said of other data among what the critic should tell from data, where it
        is told something: 1/2 in GAN-CLS, Reed et al. 2016, arXiv:1605.05396, Algorithm 1; 0 for none.
      truncation: numbers of latents that samples are drawn from beyond this are drawn again, and statistics of batch
        normalisation are then taken of such latents; training does not heed it. Brock et al. 2019, arXiv:1809.11096,
        section 3.1; None for none.

    Returns:
      A model that can `sample`, draw from its `prior` and `decode`, and has its critic's `features` where that is shown
      single images without labels. Its metrics are each player's loss, the critic's estimate of the distance between
      data and samples, such as "critic/wasserstein", and every term, such as "critic/gradient_penalty".

    Raises:
      ValueError: an argument is out of range, or two of them do not go together.
    """
    both = adversaries(
        networks,
        loss=loss,
        real_label=real_label,
        latent=latent,
        conditioning=_conditioning_of(networks["generator"], text),
        views=views,
        terms=terms,
        mismatched=mismatched,
        truncation=truncation,
    )
    return assemble(both, *_turns(both, players(optimizers, clip=clip), _moments(critic_steps, generator_steps)))


def _turns(both: Adversaries, owners: tuple[Player, Player], moments: tuple[Every, Every]) -> tuple[Turn, Turn]:
    """The turns of the critic and the generator, each at its moments."""
    (critic, generator), (first, last) = owners, moments
    return (
        Turn("critic", critic, both.critic_loss, when=first),
        Turn("generator", generator, both.generator_loss, when=last),
    )


def _moments(critic_steps: int, generator_steps: int) -> tuple[Every, Every]:
    """When the critic moves, from the start of a period, and the generator, up to its end.

    Raises:
      ValueError: one of them never does.
    """
    for name, value in (("critic_steps", critic_steps), ("generator_steps", generator_steps)):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    length = max(critic_steps, generator_steps)
    first = every(length, length=critic_steps)
    return first, every(length, offset=length - generator_steps, length=generator_steps)


def _conditioning_of(generator: Any, text: Condition | None) -> Conditioning:
    """What samples are told, as their generator says.

    Raises:
      ValueError: it is told texts, and nobody says of which words.
    """
    if isinstance(generator, CaptionedGenerator):
        if text is None:
            raise ValueError("networks.generator.condition='text' needs data with captions")
        return Texts(text)
    return Labels(generator.classes) if isinstance(generator, ConditionalGenerator) else Nothing()


def adversaries(
    networks: Mapping[str, Any],
    *,
    loss: str,
    real_label: tuple[float, float],
    latent: int,
    conditioning: Conditioning,
    views: Sequence[View],
    terms: Sequence[Term],
    mismatched: float = 0.0,
    truncation: float | None = None,
) -> Adversaries:
    """Checks the arguments that all games between a generator and a critic share, and puts them together.

    Args:
      networks, loss, real_label, latent, views, terms, mismatched, truncation: as in `adversarial`.
      conditioning: what samples are told.

    Raises:
      ValueError: an argument is out of range, or two of them do not go together.
    """
    if loss not in ADVERSARIAL_LOSSES:
        raise ValueError(f"loss={loss!r} must be one of {', '.join(ADVERSARIAL_LOSSES)}")
    if latent < 1:
        raise ValueError(f"latent={latent} must be at least 1")
    numbers = all(isinstance(label, int | float) for label in real_label)
    if not (numbers and len(real_label) == 2 and 0 < real_label[0] <= real_label[1] <= 1):
        raise ValueError(f"real_label={real_label} must be two numbers in (0, 1], the smaller one first")
    if truncation is not None and truncation <= 0:
        raise ValueError(f"truncation={truncation} must be positive")
    low, high = real_label
    if low < 1 and not ADVERSARIAL_LOSSES[loss].targets:
        raise ValueError(f"real_label={real_label}: loss={loss!r} has no labels to smooth")
    generator, critic = networks["generator"], networks["critic"]
    _check_told(generator, critic.body if isinstance(critic, RecognisingCritic) else critic, conditioning)
    auxiliary = isinstance(critic, ConditionalCritic) and critic.condition == "auxiliary"
    if auxiliary != any(term.classes for term in terms):
        raise ValueError("networks.critic.condition='auxiliary' and terms.auxiliary_classifier need each other")
    for term in terms:
        if term.gradient and not critic.allows_gradient_penalties:
            raise ValueError(
                f"{term.name} needs a critic that judges every image alone: networks.critic.deviation=False and a "
                f"networks.critic.norm other than 'batch'"
            )
    if not ADVERSARIAL_LOSSES[loss].signed and any(view.signed for view in views):
        raise ValueError(f"views.augmentation.target needs logits whose sign says something; those of {loss!r} do not")
    if mismatched and not conditioning.conditions:
        raise ValueError(f"mismatched={mismatched} needs networks that are told a label or a text")
    if conditioning.conditions and any(view.group > 1 for view in views):
        raise ValueError("packing goes with samples that are told nothing")
    pair = ADVERSARIAL_LOSSES[loss]
    others = conditioning, views, terms, mismatched, truncation
    return Adversaries(generator, critic, pair, latent, (low, high), *others)


def _check_told(generator: Any, critic: Any, conditioning: Conditioning) -> None:
    """Refuses networks of which only one is told something, or that are told what the game does not know."""
    labels = isinstance(generator, ConditionalGenerator), isinstance(critic, ConditionalCritic)
    texts = isinstance(generator, CaptionedGenerator), isinstance(critic, CaptionedCritic)
    keys = "networks.generator.condition and networks.critic.condition"
    if labels[0] != labels[1] or texts[0] != texts[1]:
        raise ValueError(f"{keys} must both be 'none', or neither, and both be 'text', or neither")
    for told, known, what in ((labels, Labels, "labels"), (texts, Texts, "texts")):
        if told[0] and not isinstance(conditioning, known):
            raise ValueError(f"this game knows no {what}: {keys}='none'")


def players(optimizers: Mapping[str, optax.GradientTransformation], *, clip: float | None) -> tuple[Player, Player]:
    """Returns the critic, whose parameters are clipped unless `clip` is None, and the generator."""
    ending = () if clip is None else (clip_parameters(clip),)
    return (
        Player("critic", ("critic",), optax.chain(optimizers["critic"], *ending)),
        Player("generator", ("generator",), optimizers["generator"]),
    )


def assemble(both: Adversaries, *moves: Turn) -> GenerativeModel:
    """Makes a model of the game's turns, and of those of terms that are played once in some steps."""
    players = [turn.player for turn in moves]
    turns = [*moves, *both.lazy_turns(players)]
    return GenerativeModel(
        begin(both.init, players),
        play(turns, both.prepare),
        period(turns),
        sample=both.sample,
        conditions=both.conditioning.conditions,
        prior=both.prior,
        decode=both.decode,
        supervised="label" in both.conditioning.conditions,
        features=both.features if both.sees_single_images else None,
        critique=both.critique if both.sees_single_images else None,
        settle=both.settle if both.truncation else None,
    )
