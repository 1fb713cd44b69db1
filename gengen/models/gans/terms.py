"""Terms that are added to a player's loss: penalties, feature matching, an auxiliary classifier, orthogonality."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.model import Batch
from gengen.core.parallel import local_keys, replica_mean
from gengen.core.state import Tree
from gengen.losses.penalties import interpolated, lipschitz_penalty, zero_centred_penalty
from gengen.networks.critic import CriticOutput
from gengen.values import Positive, Repeats, Weight


class TermInputs(NamedTuple):
    """What a term sees of a turn. With packing, an image here is as many as the critic judges together.

    Attributes:
      critic: (data [B, *shape]) -> CriticOutput, in training mode, told the batch's conditions; it leaves no trace.
      real: data after the views [B, *shape].
      fake: samples after the views [B, *shape].
      judged_real: of the data.
      judged_fake: of the samples.
      condition: what samples, and with labels also data, were told to be.
      params: parameters of the networks, by their names.
    """

    critic: Callable[[jax.Array], CriticOutput]
    real: jax.Array
    fake: jax.Array
    judged_real: CriticOutput
    judged_fake: CriticOutput
    condition: Batch
    params: Mapping[str, Tree]


class Term(NamedTuple):
    """A weighted part of a player's loss.

    Attributes:
      name: of its metric, "player/name".
      player: "critic" or "generator".
      weight: factor in the loss.
      value: `(key, inputs) -> values [B] or []`, whose mean is the term; the key is the same on every replica.
      alone: whether it stands in the place of the player's adversarial loss.
      gradient: whether it is about the gradient at single images, which only a critic that judges alone has.
      classes: whether it reads classes from the critic's code.
      every: in how many steps it counts once, that many times as much, by a move of its own.
    """

    name: str
    player: str
    weight: float
    value: Callable[[jax.Array, TermInputs], jax.Array]
    alone: bool = False
    gradient: bool = False
    classes: bool = False
    every: int = 1


def gradient_penalty(*, weight: Weight = 10.0, one_sided: bool = False) -> tuple[Term, ...]:
    """WGAN-GP: Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, Algorithm 1.

    Args:
      weight: of the penalty, lambda in the paper; 10 there, 0 for none.
      one_sided: only gradients longer than 1 are penalised.
    """

    def value(key: jax.Array, inputs: TermInputs) -> jax.Array:
        keys = local_keys(key, inputs.real.shape[0])
        points = interpolated(inputs.real, inputs.fake, jax.vmap(jax.random.uniform)(keys))
        return lipschitz_penalty(_logits(inputs), points, one_sided=one_sided)

    return (Term("gradient_penalty", "critic", weight, value, gradient=True),)


def dragan(*, weight: Weight = 10.0, deviation: Positive = 0.5) -> tuple[Term, ...]:
    """DRAGAN: the gradient has length 1 around the data; Kodali et al. 2017, https://arxiv.org/abs/1705.07215, sec. 2.

    Args:
      weight: of the penalty, lambda in the paper; 10 there, 0 for none.
      deviation: standard deviation of the Gaussian noise around the data, where pixels lie in [-1, 1]; a quarter of
        their range, where the paper names a variance for unscaled data.

    Raises:
      ValueError: `deviation` is not positive.
    """
    if deviation <= 0:
        raise ValueError(f"deviation={deviation} must be positive")

    def value(key: jax.Array, inputs: TermInputs) -> jax.Array:
        keys = local_keys(key, inputs.real.shape[0])
        noise = jax.vmap(lambda key: jax.random.normal(key, inputs.real.shape[1:]))(keys)
        return lipschitz_penalty(_logits(inputs), inputs.real + deviation * noise)

    return (Term("dragan", "critic", weight, value, gradient=True),)


def r1(*, weight: Weight = 10.0, every: Repeats = 1) -> tuple[Term, ...]:
    """R1, the gradient at data: Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, eq. 9.

    Args:
      weight: of the penalty, gamma in the paper, whose half multiplies the squared norm; 10 there, 0 for none.
      every: in how many steps it is played once, that many times as strong: 16 in Karras et al. 2020,
        https://arxiv.org/abs/1912.04958, section 3.1; 1 adds it to the loss of each step.
    """
    return (
        Term(
            "r1",
            "critic",
            weight,
            lambda key, inputs: zero_centred_penalty(_logits(inputs), inputs.real),
            gradient=True,
            every=every,
        ),
    )


def r2(*, weight: Weight = 10.0, every: Repeats = 1) -> tuple[Term, ...]:
    """R2, the gradient at samples: Mescheder et al. 2018, eq. 10.

    Args:
      weight, every: as in `r1`.
    """
    return (
        Term(
            "r2",
            "critic",
            weight,
            lambda key, inputs: zero_centred_penalty(_logits(inputs), inputs.fake),
            gradient=True,
            every=every,
        ),
    )


def drift(*, weight: Weight = 1e-3) -> tuple[Term, ...]:
    """D(x)^2, which keeps logits near 0: Karras et al. 2018, https://arxiv.org/abs/1710.10196, appendix A.1.

    Args:
      weight: of the square; 1e-3 there, 0 for none.
    """
    return (Term("drift", "critic", weight, lambda key, inputs: jnp.square(inputs.judged_real.logit)),)


def feature_matching(*, weight: Weight = 1.0, alone: bool = True) -> tuple[Term, ...]:
    """|E f(x) - E f(G(z))|^2 for the critic's features f: Salimans et al. 2016, https://arxiv.org/abs/1606.03498, 3.1.

    Args:
      weight: of the squared distance; 0 for none.
      alone: whether it is all that the generator wants, as in the paper, or is added to the adversarial loss.
    """

    def value(key: jax.Array, inputs: TermInputs) -> jax.Array:
        del key
        real, fake = (replica_mean(judged.features.mean(0)) for judged in (inputs.judged_real, inputs.judged_fake))
        return jnp.square(real - fake).sum()

    return (Term("feature_matching", "generator", weight, value, alone=alone),)


def auxiliary_classifier(*, weight: Weight = 1.0) -> tuple[Term, ...]:
    """AC-GAN: -log P(label | x), of data and samples for the critic and of samples for the generator.

    Odena et al. 2017, https://arxiv.org/abs/1610.09585, eq. 3. The critic needs the condition "auxiliary".

    Args:
      weight: of the cross-entropy, for both players; 1 in the paper, 0 for none.
    """

    def missed(judged: CriticOutput, condition: Batch) -> jax.Array:
        assert judged.code is not None
        return -jnp.take_along_axis(jax.nn.log_softmax(judged.code), condition["label"][:, None], axis=1)[:, 0]

    def of_both(key: jax.Array, inputs: TermInputs) -> jax.Array:
        del key
        return missed(inputs.judged_real, inputs.condition) + missed(inputs.judged_fake, inputs.condition)

    def of_samples(key: jax.Array, inputs: TermInputs) -> jax.Array:
        del key
        return missed(inputs.judged_fake, inputs.condition)

    name = "auxiliary_classifier"
    return Term(name, "critic", weight, of_both, classes=True), Term(
        name, "generator", weight, of_samples, classes=True
    )


def orthogonal(*, weight: Weight = 1e-4) -> tuple[Term, ...]:
    """Orthogonal regularisation: |W^T W * (1 - I)|_F^2 of the generator's kernels.

    Brock et al. 2019, https://arxiv.org/abs/1809.11096, eq. 3: filters should not be parallel, and of any length.
    Embeddings, scales and biases are left out.

    Args:
      weight: of the sum over kernels, beta in the paper; 1e-4 there, 0 for none.
    """

    def value(key: jax.Array, inputs: TermInputs) -> jax.Array:
        del key
        leaves = jax.tree.leaves_with_path(inputs.params["generator"])
        kernels = [leaf for path, leaf in leaves if path[-1] == jax.tree_util.DictKey("kernel")]
        return sum((_products_of_filters(kernel) for kernel in kernels), jnp.zeros(()))

    return (Term("orthogonal", "generator", weight, value),)


TERMS: Mapping[str, Callable[..., tuple[Term, ...]]] = {
    "gradient_penalty": gradient_penalty,
    "dragan": dragan,
    "r1": r1,
    "r2": r2,
    "drift": drift,
    "feature_matching": feature_matching,
    "auxiliary_classifier": auxiliary_classifier,
    "orthogonal": orthogonal,
}
"""Terms by their names in configs; each builder takes at least `weight`."""


def _logits(inputs: TermInputs) -> Callable[[jax.Array], jax.Array]:
    return lambda images: inputs.critic(images).logit


def _products_of_filters(kernel: jax.Array) -> jax.Array:
    """The squared products of all pairs of different filters, added: |W^T W * (1 - I)|_F^2 of W [others, filters].

    Of more filters than numbers of each, |W W^T|_F^2 is the same as |W^T W|_F^2 and smaller to compute.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    if matrix.shape[0] < matrix.shape[1]:
        return jnp.square(matrix @ matrix.T).sum() - jnp.square(jnp.square(matrix).sum(0)).sum()
    return jnp.square((matrix.T @ matrix) * (1 - jnp.eye(matrix.shape[1]))).sum()
