"""Unsupervised domain adaptation: a classifier that is right in a domain without labels.

    critics         w <- w - step of the gradient of  the cycles' critic losses                    (with translators)
    generators      t <- t - step of the gradient of  the cycles' loss + semantic (-log p(y | G(a)) - log p(y' | F(b)))
    feature critic  w <- w - step of the gradient of  critic loss(D(f(a)), D(f(b)))                    (if there is one)
    classifier      c <- c - step of the gradient of  -log p(y | a) - translated log p(y | G(a)) + consistency + feature

y is the label of a, and y' what the classifier itself takes b for; all else it sees in random views. All parts but the
first can be switched off: with translators it is CyCADA's game of pixels and features (Hoffman et al. 2018,
https://arxiv.org/abs/1711.03213), played at once; with a teacher alone it is self-ensembling (French et al. 2018,
https://arxiv.org/abs/1706.05208); with nothing it is a classifier of the source.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, GenerativeModel
from gengen.core.parallel import local_keys
from gengen.core.state import State, Variables
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, LossName
from gengen.models.critic_game import CriticGame
from gengen.models.translation.affine import Affine
from gengen.models.translation.cyclegan import cycle_of
from gengen.models.translation.cyclegan_game import CRITICS, TRANSLATORS, Cycle
from gengen.models.translation.domains import first_images
from gengen.models.translation.recognition import Consistency, Recognition
from gengen.values import Range, Weight


class Adaptation(NamedTuple):
    """The parts of the game.

    Attributes:
      recognition: the classifier and its losses.
      cycle: the translators, their critics and their losses; None where there are none.
      semantic: weight of the labels that translations are to keep.
    """

    recognition: Recognition
    cycle: Cycle | None
    semantic: float

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of all networks.

        Raises:
          ValueError: there are no labels, or no second domain where one is needed.
        """
        if "label" not in batch:
            raise ValueError("a classifier needs labels of the first data set")
        settings = self.recognition
        if self.cycle or settings.critic or settings.consistency.weight:
            first_images(batch, alike=True)
        own, others = jax.random.split(key)
        variables = settings.init(own, batch["data"][:1])
        return variables | (self.cycle.init(others, batch) if self.cycle else {})

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Draws the keys of their views and of the translators' noise."""
        size = batch["data"].shape[0]
        view = local_keys(jax.random.fold_in(key, 3), size)  # those before it are the cycle's
        if self.cycle:
            images = self.cycle.prepare(key, state, batch)
        else:
            second = {"b": batch["second"]["data"]} if "second" in batch else {}
            images = {"a": batch["data"], **second}
        return {**images, "label": batch["label"], "view": view}

    def classifier_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the classifier wants small."""
        del key
        made = None
        if self.cycle and self.recognition.translated:
            made = self.cycle.passes(state.variables, batch).fake_b
        value, metrics, mutable = self.recognition.loss(state.variables, batch, made)
        return value, (metrics, mutable)

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the translators want small: eq. 5 of Hoffman et al. 2018, but for the classifier's own part."""
        del key
        assert self.cycle
        made = self.cycle.passes(state.variables, batch)
        value, metrics, judged = self.cycle.translation_loss(state.variables, batch, made)
        if self.semantic:
            takes = self.recognition.log_probabilities
            meant = takes(state.variables, batch["b"]).argmax(-1)
            # Of views, too: what fools the classifier as it is need not look like its class.
            fakes = (("b", made.fake_b, batch["label"], 4), ("a", made.fake_a, meant, 5))
            for name, fake, label, index in fakes:
                found = takes(state.variables, self.recognition.view(batch["view"], fake, index))
                metrics[f"survival_{name}"] = mean_of(found.argmax(-1) == label)
                value = value - self.semantic * jnp.take_along_axis(found, label[:, None], 1).mean()
        return value, (metrics, {**made.mutable, **judged})

    def feature_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the critic of features wants small."""
        del key
        assert self.recognition.critic
        losses, mutable = self.recognition.feature_losses(state.variables, batch)
        loss = self.recognition.critic.loss
        return losses.mean(), ({loss.estimate: mean_of(loss.distance(losses))}, mutable)

    def recognise(self, key: jax.Array, variables: Variables, data: jax.Array) -> dict[str, jax.Array]:
        """Log-probabilities of the classes of images of the last domain: the target, where there is one."""
        del key
        return {"label": self.recognition.log_probabilities(variables, data)}


def adaptation(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    affine: Affine,
    consistency: Consistency,
    loss: LossName = "least_squares",
    cycle: Weight = 10.0,
    identity: Weight = 0.0,
    pool: Annotated[int, Range(0, 10_000)] = 50,
    translated: Weight = 0.0,
    semantic: Weight = 0.0,
    feature: Weight = 0.0,
) -> GenerativeModel:
    """Builds a classifier that is adapted to a domain without labels.

    Batches need "data" and "label", the source; and "second" with an "data", the target, if anything is adapted.

    Args:
      networks: "classifier": images -> features and logits. With "to_b", "to_a", "critic_a" and "critic_b", as in
        `cyclegan`, images are translated. "feature_critic": features -> CriticOutput, if `feature` is not 0.
      optimizers: of "classifier"; with translators of "generator" and "critic"; perhaps of "feature_critic".
      affine: how images are changed before the classifier sees them.
      consistency: what the classifier learns from its own average on images of the target.
      loss: of the critics, one of `ADVERSARIAL_LOSSES`.
      cycle, identity, pool: as in `cycle_of`.
      translated: weight of the labels of translated source images, for the classifier.
      semantic: weight of the labels that translations are to keep, for the translators.
      feature: weight of the classifier's features of the target looking like the source's.

    Returns:
      A model that can `recognise` images of the target, and with translators `translate` both ways. Metrics are
      "classifier/accuracy" on the source, "classifier/sure", the share of target images that the teacher is sure of,
      "generator/survival_b", the share of labels that the classifier finds in views of translations, and the cycles'.

    Raises:
      ValueError: an argument is out of range, or a network is missing.
    """
    _check(networks, affine, consistency, translated=translated, semantic=semantic, feature=feature)
    given = {*TRANSLATORS, *CRITICS} & set(networks)
    game = None
    if given:
        game = cycle_of(networks, loss=loss, cycle=cycle, identity=identity, pool=pool, jitter=0, mirror=False)
    critic = CriticGame(networks["feature_critic"], ADVERSARIAL_LOSSES["non_saturating"]) if feature else None
    recognition = Recognition(networks["classifier"], affine, consistency, translated, feature, critic)
    whole = Adaptation(recognition, game, semantic)
    turns = _turns(whole, optimizers)
    return GenerativeModel(
        begin(whole.init, [turn.player for turn in turns]),
        play(turns, whole.prepare),
        recognise=whole.recognise,
        supervised=True,
        translate={"ab": game.translator("to_b"), "ba": game.translator("to_a")} if game else None,
    )


def _check(networks: Mapping[str, Any], affine: Affine, consistency: Consistency, **weights: float) -> None:
    affine.check()
    consistency.check()
    if "classifier" not in networks:
        raise ValueError("this game needs the networks classifier")
    for name in ("translated", "semantic"):
        if weights[name] and not set(TRANSLATORS) & set(networks):
            raise ValueError(f"{name}={weights[name]} needs translations: networks.to_a and networks.to_b, or {name}=0")
    if weights["feature"] and "feature_critic" not in networks:
        raise ValueError(f"feature={weights['feature']} needs networks.feature_critic")


def _turns(game: Adaptation, optimizers: Mapping[str, optax.GradientTransformation]) -> list[Turn]:
    """The moves, in the order of the file's first lines."""

    def turn(name: str, networks: tuple[str, ...], loss: Callable[..., Outcome]) -> Turn:
        if name not in optimizers:
            raise ValueError(f"this game needs optimizers.{name}")
        return Turn(name, Player(name, networks, optimizers[name]), loss)

    turns = []
    if game.cycle:
        turns += [
            turn("critic", CRITICS, game.cycle.critic_loss),
            turn("generator", TRANSLATORS, game.generator_loss),
        ]
    if game.recognition.critic:
        turns.append(turn("feature_critic", ("feature_critic",), game.feature_loss))
    return [*turns, turn("classifier", ("classifier",), game.classifier_loss)]
