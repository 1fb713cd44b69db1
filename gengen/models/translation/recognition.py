"""A classifier that labels of one domain teach, and what makes it right in another domain without labels there.

Domain a is the source, whose labels are seen; domain b is the target. The classifier learns from images of a, from
their translations into b, and from images of b alone: a teacher, which is the classifier's own average, says what it
takes an image of b for, and the classifier is to say the same of another view of it. (French, Mackiewicz and Fisher
2018, https://arxiv.org/abs/1706.05208, after Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780.) A critic of
the classifier's features may hold those of b to those of a (Ganin et al. 2016, https://arxiv.org/abs/1505.07818).
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch
from gengen.core.parallel import replica_mean
from gengen.core.state import Tree, Variables
from gengen.models.critic_game import CriticGame
from gengen.models.translation.affine import Affine
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.values import Decay, Weight


class Consistency(NamedTuple):
    """What the classifier learns from its teacher; sections 3.1 to 3.4 of French et al. 2018.

    Attributes:
      weight: of the squared difference between both's probabilities, summed over classes; 0 for no teacher.
      threshold: images of which the teacher is less sure than this count nothing.
      balance: weight of the cross-entropy between the mean probabilities of a batch and those of equally many images of
        each class, without which a class can be forgotten.
      decay: of the average that is the teacher, a step.
    """

    weight: Weight = 0.0
    threshold: Decay = 0.968
    balance: Weight = 0.05
    decay: Decay = 0.99

    def check(self) -> None:
        """Checks the values.

        Raises:
          ValueError: one is out of range.
        """
        for name, value, below in (
            ("weight", self.weight, float("inf")),
            ("threshold", self.threshold, 1),
            ("balance", self.balance, float("inf")),
            ("decay", self.decay, 1),
        ):
            if not 0 <= value < below:
                raise ValueError(f"{name}={value} must lie in [0, {below:g})")


class Recognition(NamedTuple):
    """The classifier and its losses.

    Attributes:
      network: images [B, H, W, C] in [-1, 1] -> features [B, F] and logits [B, K].
      affine: how images are changed before it sees them.
      consistency: with a teacher.
      translated: weight of the cross-entropy of source images translated to the target's looks.
      feature: weight of the loss of those who want features of the target to look like the source's.
      critic: the critic of features, if that weight is not 0.
    """

    network: nn.Module
    affine: Affine
    consistency: Consistency
    translated: float
    feature: float
    critic: CriticGame | None

    def init(self, key: jax.Array, image: jax.Array) -> Variables:
        """Makes the first variables: of the classifier, its teacher and the critic, if there are some."""
        own, critic = jax.random.split(key)
        first = init_network(self.network, own, image)
        variables: Variables = {"classifier": first}
        if self.consistency.weight:
            kept = {name: tree for name, tree in first.items() if name != "params"}
            variables["teacher"] = {"average": first["params"], **kept}
        if self.critic:
            features, _ = eval_mode(self.network, first, image)
            variables["feature_critic"] = init_network(self.critic.network, critic, features)
        return variables

    @property
    def knows(self) -> str:
        """The network that recognises images in use: the teacher, where there is one."""
        return "teacher" if self.consistency.weight else "classifier"

    def log_probabilities(self, variables: Variables, image: jax.Array) -> jax.Array:
        """What it takes images [N, H, W, C] for, as they are: [N, K]."""
        known = dict(variables[self.knows])
        if "average" in known:
            known["params"] = known.pop("average")
        _, logits = eval_mode(self.network, known, image)
        return jax.nn.log_softmax(logits)

    def view(self, keys: jax.Array, image: jax.Array, index: int) -> jax.Array:
        """Images [B, H, W, C] as the classifier is shown them, by keys [B] and what the view is for."""
        return self.affine.of(jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index), image)

    def loss(
        self, variables: Variables, batch: Batch, translated: jax.Array | None
    ) -> tuple[jax.Array, dict[str, Mean], Variables]:
        """What the classifier wants small, its parts, and what its passes carry.

        Args:
          variables: of all networks.
          batch: "a" [B, H, W, C] with "label" [B], "b" where there is a target, and "view", keys [B].
          translated: images of "a" in the looks of the target, which are not differentiated; or None.
        """
        mutable: Variables = {}

        def through(image: jax.Array) -> tuple[jax.Array, jax.Array]:
            own = {**variables["classifier"], **mutable.get("classifier", {})}
            seen: tuple[jax.Array, jax.Array]
            seen, mutable["classifier"] = train_mode(self.network, own, image)
            return seen

        features_a, logits = through(self.view(batch["view"], batch["a"], 0))
        nats = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
        value, metrics = nats.mean(), {"accuracy": mean_of(logits.argmax(-1) == batch["label"])}
        if translated is not None and self.translated:
            _, logits = through(self.view(batch["view"], lax.stop_gradient(translated), 1))
            nats = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
            metrics["accuracy_translated"] = mean_of(logits.argmax(-1) == batch["label"])
            value = value + self.translated * nats.mean()
        if not (self.consistency.weight or self.critic):
            return value, metrics, mutable
        features_b, logits_b = through(self.view(batch["view"], batch["b"], 2))
        if self.consistency.weight:
            other = self.view(batch["view"], batch["b"], 3)
            agreement, measured, mutable["teacher"] = self._agreement(variables, other, logits_b)
            value, metrics = value + agreement, metrics | measured
        if self.critic:
            losses, mutable["feature_critic"] = self.critic.generator_losses(
                variables["feature_critic"], features_a, features_b
            )
            metrics["feature"] = mean_of(losses)
            value = value + self.feature * losses.mean()
        return value, metrics, mutable

    def _agreement(
        self, variables: Variables, other: jax.Array, logits: jax.Array
    ) -> tuple[jax.Array, dict[str, Mean], dict[str, Tree]]:
        """What the classifier's logits [B, K] cost against what the teacher says of another view of the same images."""
        settings, teacher = self.consistency, dict(variables["teacher"])
        average = jax.tree.map(
            lambda old, new: settings.decay * old + (1 - settings.decay) * lax.stop_gradient(new),
            teacher.pop("average"),
            variables["classifier"]["params"],
        )
        (_, says), kept = train_mode(self.network, {"params": average, **teacher}, other)
        target, found = jax.nn.softmax(lax.stop_gradient(says)), jax.nn.softmax(logits)
        sure = (target.max(-1) > settings.threshold).astype(jnp.float32)
        difference = sure * jnp.square(found - target).sum(-1)
        share, even = replica_mean(found.mean(0)), 1 / found.shape[-1]
        uneven = -(even * jnp.log(share + 1e-7) + (1 - even) * jnp.log1p(1e-7 - share)).sum()
        metrics = {"sure": mean_of(sure), "consistency": mean_of(difference)}
        value = settings.weight * (difference.mean() + settings.balance * replica_mean(sure.mean()) * uneven)
        return value, metrics, {"average": average, **kept}

    def feature_losses(self, variables: Variables, batch: Batch) -> tuple[jax.Array, Variables]:
        """What the critic of features wants small [B]; the classifier's passes leave no trace."""
        assert self.critic
        seen = [
            train_mode(self.network, variables["classifier"], self.view(batch["view"], batch[name], index))[0][0]
            for name, index in (("a", 0), ("b", 2))
        ]
        losses, mutable = self.critic.critic_losses(variables["feature_critic"], *map(lax.stop_gradient, seen))
        return losses, {"feature_critic": mutable}
