"""CoGAN: one latent makes an image of each of two domains, learnt without pairs because the networks share weights.

    critics      w <- w - step of the gradient of  critic loss(D_a(a), D_a(G_a(z))) + critic loss(D_b(b), D_b(G_b(z)))
    generators   t <- t - step of the gradient of  generator loss(D_a(G_a(z))) + generator loss(D_b(G_b(z)))

G_a and G_b begin with the same layers, and D_a and D_b end with the same. Sharing is which networks a player owns:
there is one generator with two heads, and one critic with two stems. With a classifier on the critic's last hidden
layer, which the labels of domain a teach, images of domain b are recognised, too: unsupervised domain adaptation.

Liu and Tuzel 2016, https://arxiv.org/abs/1606.07536.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gengen.core.game import Outcome, Player, Turn, begin, play
from gengen.core.mean import mean_of
from gengen.core.model import Batch, Condition, GenerativeModel
from gengen.core.parallel import example_keys, local_keys
from gengen.core.state import State, Tree, Variables, with_mutable
from gengen.losses.adversarial import ADVERSARIAL_LOSSES, AdversarialLoss, LossName
from gengen.models.critic_game import CriticGame
from gengen.models.translation.affine import Affine
from gengen.models.translation.domains import first_images
from gengen.networks.critic import CriticOutput
from gengen.networks.forward import init_network, run
from gengen.values import Size, Weight

DOMAINS = ("a", "b")

GENERATOR = ("trunk", "head_a", "head_b")
"""What the generator owns: the layers that both domains share, and one of its own for each."""

CRITIC = ("stem_a", "stem_b", "critic")
"""What the critic owns: a first layer for each domain, and the layers that they share."""


def by_domain(judged: CriticOutput, domains: tuple[str, ...] = DOMAINS) -> dict[str, CriticOutput]:
    """What is said of each domain's images, of a batch in which they lie behind each other."""
    parts = jax.tree.map(lambda leaf: leaf.reshape(len(domains), -1, *leaf.shape[1:]), judged)
    return {name: jax.tree.map(lambda leaf, at=at: leaf[at], parts) for at, name in enumerate(domains)}


class Coupled(NamedTuple):
    """The networks and the pure functions of the game.

    Attributes:
      networks: those of `GENERATOR` and `CRITIC`, and perhaps a "classifier" of the critic's features.
      loss: the pair of losses.
      latent: dimension of the latents.
      weight: of the classifier's cross-entropy.
      affine: how images, real or not, are changed on their way to the critic.
    """

    networks: Mapping[str, Any]
    loss: AdversarialLoss
    latent: int
    weight: float
    affine: Affine

    @property
    def game(self) -> CriticGame:
        """The layers of the critic that both domains share, and the losses."""
        return CriticGame(self.networks["critic"], self.loss)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Makes the first variables of all networks.

        Raises:
          ValueError: there is no second domain, its images have another shape, or labels are missing.
        """
        images = first_images(batch, alike=True)
        if "classifier" in self.networks and "label" not in batch:
            raise ValueError("a classifier needs labels of the first data set")
        keys = dict(zip((*GENERATOR, *CRITIC, "classifier"), jax.random.split(key, 7), strict=True))
        keys |= {"head_b": keys["head_a"], "stem_b": keys["stem_a"]}  # both domains begin alike
        variables: Variables = {}

        def through(name: str, *inputs: jax.Array) -> Any:
            variables[name] = init_network(self.networks[name], keys[name], *inputs)
            return self.networks[name].apply(variables[name], *inputs, train=False)

        maps = through("trunk", jnp.zeros((1, self.latent)))
        stems = [(through(f"head_{name}", maps), through(f"stem_{name}", images[name]))[1] for name in DOMAINS]
        judged = through("critic", stems[0])
        if "classifier" in self.networks:
            through("classifier", judged.features)
        return variables

    def prepare(self, key: jax.Array, state: State, batch: Batch) -> Batch:
        """Draws one latent for a pair of samples, and changes the images on their way to the critic."""
        del state
        size = batch["data"].shape[0]
        latent, view = self.latents(local_keys(key, size)), local_keys(jax.random.fold_in(key, 1), size)
        labels = {"label": batch["label"]} if "classifier" in self.networks else {}
        real = self.seen({"a": batch["data"], "b": batch["second"]["data"]}, view)
        return {**real, "latent": latent, "view": local_keys(jax.random.fold_in(key, 2), size), **labels}

    def seen(self, images: Mapping[str, jax.Array], view: jax.Array) -> dict[str, jax.Array]:
        """What the critic sees of images [B, H, W, C] by domain, by keys [B]."""
        return {
            name: self.affine.of(jax.vmap(jax.random.fold_in, in_axes=(0, None))(view, index), images[name])
            for index, name in enumerate(images)
        }

    def latents(self, keys: jax.Array) -> jax.Array:
        """Draws z ~ N(0, 1), [B, L], one from each key [B]."""
        return jax.vmap(lambda key: jax.random.normal(key, (self.latent,)))(keys)

    def generate(self, variables: Variables, latent: jax.Array, train: bool) -> tuple[dict[str, jax.Array], Variables]:
        """Images of both domains [B, H, W, C] of latents [B, L], and what the networks carry."""
        mutable: Variables = {}
        maps, mutable["trunk"] = run(self.networks["trunk"], variables["trunk"], latent, train=train)
        images = {}
        for name in DOMAINS:
            head = f"head_{name}"
            images[name], mutable[head] = run(self.networks[head], variables[head], maps, train=train)
        return images, mutable

    def judge(
        self, variables: Variables, images: Mapping[str, jax.Array], train: bool
    ) -> tuple[dict[str, CriticOutput], Variables]:
        """Judges images [B, H, W, C] of both domains, each after its own stem; both share the other layers.

        Batch normalisation in the shared layers then sees both domains as one batch, which is part of what they share.
        """
        maps, mutable = self.stems(variables, images, train)
        judged, mutable["critic"] = run(self.networks["critic"], variables["critic"], maps, train=train)
        return by_domain(judged, tuple(images)), mutable

    def stems(self, variables: Variables, images: Mapping[str, jax.Array], train: bool) -> tuple[jax.Array, Variables]:
        """What the shared layers see of images [B, H, W, C] by domain: maps of all, the first domain's first."""
        maps, mutable = [], dict[str, dict[str, Tree]]()
        for name in images:
            stem = f"stem_{name}"
            made, mutable[stem] = run(self.networks[stem], variables[stem], images[name], train=train)
            maps.append(made)
        return jnp.concatenate(maps), mutable

    def critic_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the critic wants small in both domains, and the classifier."""
        del key
        fakes, generated = self.generate(state.variables, batch["latent"], train=True)
        real, mutable = self.stems(state.variables, {name: batch[name] for name in DOMAINS}, train=True)
        after = with_mutable(state.variables, mutable)
        fake, mutable = self.stems(after, self.seen(fakes, batch["view"]), train=True)
        of_real, of_fake, mutable["critic"] = self.game.judge(state.variables["critic"], (real,), (fake,))
        value, metrics = jnp.zeros(()), {}
        judged_real, judged_fake = by_domain(of_real), by_domain(of_fake)
        for name in DOMAINS:
            losses = self.loss.critic(*self.game.logits(judged_real[name], judged_fake[name]))
            metrics[f"{self.loss.estimate}_{name}"] = mean_of(self.loss.distance(losses))
            value = value + losses.mean()
        if "classifier" in self.networks:
            features = judged_real["a"].features
            logits, mutable["classifier"] = run(
                self.networks["classifier"], state.variables["classifier"], features, train=True
            )
            nats = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
            metrics["accuracy"] = mean_of(logits.argmax(-1) == batch["label"])
            value = value + self.weight * nats.mean()
        return value, (metrics, {**generated, **mutable})

    def generator_loss(self, key: jax.Array, state: State, batch: Batch) -> Outcome:
        """What the generator wants small in both domains."""
        del key
        fakes, generated = self.generate(state.variables, batch["latent"], train=True)
        fake, mutable = self.judge(state.variables, self.seen(fakes, batch["view"]), train=True)
        # The real ones cost nothing where no loss looks at them.
        real, _ = self.judge(state.variables, {name: batch[name] for name in DOMAINS}, train=True)
        losses = [self.loss.generator(*self.game.logits(real[name], fake[name])) for name in DOMAINS]
        return sum(loss.mean() for loss in losses), ({}, {**generated, **mutable})  # type: ignore[return-value]

    def prior(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws latents [n, L]: each twice, one after the other, unless a domain is asked for."""
        del variables
        pairs = "domain" not in (condition or {})
        return self.latents(jnp.repeat(example_keys(key, -(-n // 2)), 2)[:n] if pairs else example_keys(key, n))

    def decode(
        self, key: jax.Array, variables: Variables, latents: jax.Array, condition: Batch | None = None
    ) -> jax.Array:
        """The images [n, H, W, C] of latents [n, L]: of domains a and b in turns, unless one is asked for."""
        del key
        domain = (condition or {}).get("domain", jnp.arange(len(latents), dtype=jnp.int32) % 2)
        images, _ = self.generate(variables, latents, train=False)
        return jnp.where(domain[:, None, None, None] == 0, images["a"], images["b"])

    def sample(self, key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        """Draws images [n, H, W, C] in pairs: the first of domain a, the second of b, both of one latent, and so on.

        Where a domain is asked for, each image has a latent of its own; the same key and the other domain give the
        other halves.
        """
        return self.decode(key, variables, self.prior(key, variables, n, condition), condition)

    def recognise(self, key: jax.Array, variables: Variables, data: jax.Array) -> dict[str, jax.Array]:
        """Log-probabilities of the classes of images of domain b."""
        del key
        judged, _ = self.judge(variables, {"b": data}, train=False)
        logits, _ = run(self.networks["classifier"], variables["classifier"], judged["b"].features, train=False)
        return {"label": jax.nn.log_softmax(logits)}


def cogan(
    *,
    networks: Mapping[str, Any],
    optimizers: Mapping[str, optax.GradientTransformation],
    affine: Affine,
    loss: LossName = "non_saturating",
    latent: Size = 100,
    weight: Weight = 1.0,
) -> GenerativeModel:
    """Builds a pair of coupled adversarial networks.

    Batches need "data" and, as a stream of its own, "second" with an "data"; with a classifier also "label".

    Args:
      networks: "trunk": latents -> maps; "head_a" and "head_b": maps -> images; "stem_a" and "stem_b": images -> maps;
        "critic": maps -> CriticOutput; "classifier", if images are to be recognised: features -> logits.
      optimizers: of "generator" and "critic".
      affine: how images, real or not, are changed on their way to the critic; the paper changes nothing.
      loss: one of `ADVERSARIAL_LOSSES`, of each domain by itself.
      latent: dimension of the latents; 100 in the paper.
      weight: of the cross-entropy of the first domain's labels.

    Returns:
      A model that can `sample` images of the domain that it is told, 0 or 1, draw from its `prior` and `decode` latents
      to either, and with a classifier `recognise` images of the second domain, none of whose labels it has seen.

    Raises:
      ValueError: an argument is out of range, or a network is missing.
    """
    if loss not in ADVERSARIAL_LOSSES:
        raise ValueError(f"loss={loss!r} must be one of {', '.join(ADVERSARIAL_LOSSES)}")
    if latent < 1:
        raise ValueError(f"latent={latent} must be at least 1")
    if not 0 <= weight < float("inf"):
        raise ValueError(f"weight={weight} must be a number of at least 0")
    if missing := {*GENERATOR, *CRITIC} - set(networks):
        raise ValueError(f"this game needs the networks {', '.join(sorted(missing))}")
    affine.check()
    game = Coupled(networks, ADVERSARIAL_LOSSES[loss], latent, weight, affine)
    owned = CRITIC + (("classifier",) if "classifier" in networks else ())
    critic = Turn("critic", Player("critic", owned, optimizers["critic"]), game.critic_loss)
    generator = Turn("generator", Player("generator", GENERATOR, optimizers["generator"]), game.generator_loss)
    return GenerativeModel(
        begin(game.init, [critic.player, generator.player]),
        play([critic, generator], game.prepare),
        sample=game.sample,
        conditions={"domain": Condition(classes=len(DOMAINS))},
        prior=game.prior,
        decode=game.decode,
        recognise=game.recognise if "classifier" in networks else None,
        supervised="classifier" in networks,
    )
