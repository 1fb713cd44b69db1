"""Views: what a critic is shown in place of images, alike for data and samples.

A view changes the game's question from "are the images alike?" to "are their views alike?", which is the easier to
learn from: the critic sees more kinds of images (augmentation), smoother densities (instance noise), or several images
at a time (packing). The generator learns through the views; what it draws in the end has not passed through any.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.parallel import AXIS, replica_sum
from gengen.core.state import Tree
from gengen.models.gans.augmentation import KINDS, augmented
from gengen.values import Count, Decay, Entries, OneOf, Range, Share, Weight


def unchanged(mutable: Tree, step: jax.Array, logits: jax.Array) -> Tree:
    """Carries on what was carried: the `after` of a view that does not change."""
    del step, logits
    return mutable


class View(NamedTuple):
    """A pure function of images that gradients pass through, and what it carries from step to step.

    Attributes:
      name: key of what it carries in `state.variables["views"]`.
      apply: `(keys [B], data [B, *shape] in the model's units, mutable) -> data [B / group, *shape']`. The keys
        are typed PRNG keys, one for each example, of this view alone. The same keys give the same view.
      mutable: what it carries, as a run starts: a dict of float32 [], or an empty tree.
      after: `(mutable, step, logits) -> mutable`, with each of the critic's moves: `step` is the number of the step
        that is being taken, int32 [], and `logits` are the critic's of the data, float32 [B / group of all views].
        The same on every replica; `AXIS` must be bound.
      group: how many images the critic judges as one.
      signed: whether `after` reads the sign of the logits as the critic's opinion.
    """

    name: str
    apply: Callable[[jax.Array, jax.Array, Tree], jax.Array]
    mutable: Tree = ()
    after: Callable[[Tree, jax.Array, jax.Array], Tree] = unchanged
    group: int = 1
    signed: bool = False


def augmentation(
    *,
    probability: Share = 0.0,
    target: Decay = 0.0,
    kinds: Annotated[Sequence[Annotated[str, OneOf(tuple(KINDS))]], Entries(1, distinct=True)] = (
        "brightness",
        "translation",
        "cutout",
    ),
    pace: Annotated[int, Range(1, 2**31 - 1)] = 500_000,
) -> View | None:
    """Changes images at random, so that a critic cannot learn a small data set by heart.

    Without a target the probability stays. 1 is Zhao et al. 2020 (DiffAugment), https://arxiv.org/abs/2006.10738.

    With a target the probability p is carried, as in section 3 of Karras et al. 2020 (ADA),
    https://arxiv.org/abs/2006.06676. After every step with n judgements of data

        r_t = E[sign(D(x))]                                           eq. 1, D the logit, x data
        p   <- clip(p + n / pace * sign(r_t - target), 0, 1)

    The paper moves p once in four batches by as much as four of these moves together; over one batch r_t is noisier,
    and p goes to where r_t lies above the target as often as below. It warns that augmentations begin to leak into
    samples above p = 0.8, of a set that holds rotations and mirrorings; the kinds here leave traces that tell them from
    what images look like, and are published at p = 1, so p may reach 1. Logits must be those of probabilities: the sign
    of a Wasserstein critic says nothing.

    Args:
      probability: of each kind for each image, in [0, 1]; where it starts if there is a target.
      target: of r_t, the mean sign of the logits of data, in [0, 1); 0.6 in the paper, 0 for a probability that stays.
      kinds: names of `KINDS`, in the order in which they are applied.
      pace: number of judgements of data in which p goes from 0 to 1. A pack of images counts once.

    Returns:
      The view; None where probability and target are 0.
    """

    def apply(keys: jax.Array, images: jax.Array, mutable: Tree) -> jax.Array:
        return augmented(keys, images, kinds=kinds, probability=mutable["probability"] if target else probability)

    if not target:
        return View("augmentation", apply) if probability else None

    def after(mutable: Tree, step: jax.Array, logits: jax.Array) -> Tree:
        del step
        judgements = logits.shape[0] * lax.axis_size(AXIS)
        # A sum of signs is exact, so that the number of replicas cannot turn the scale.
        heuristic = replica_sum(jnp.sign(logits).sum()) / judgements
        moved = mutable["probability"] + judgements / pace * jnp.sign(heuristic - target)
        return {"probability": jnp.clip(moved, 0.0, 1.0)}

    return View("augmentation", apply, {"probability": jnp.asarray(probability, jnp.float32)}, after, signed=True)


def instance_noise(*, deviation: Weight = 0.0, steps: Count = 0) -> View | None:
    """Adds Gaussian noise to every number, so that data and samples overlap and their divergence has a gradient.

    Sonderby et al. 2017, https://arxiv.org/abs/1610.04490, and Arjovsky and Bottou 2017,
    https://arxiv.org/abs/1701.04862, section 3. With `steps` the standard deviation is annealed and carried; at step
    s = 0, 1, ... of a critic that moves at every step it is

        deviation * max(0, 1 - s / steps)

    Args:
      deviation: standard deviation of the noise as a run starts, in the model's units, in which data span [-1, 1] or
        have a deviation of 1.
      steps: number of steps after which there is no noise any more; 0 for noise that stays.

    Returns:
      The view; None where the deviation is 0.
    """
    if deviation == 0:
        return None

    def noisy(keys: jax.Array, images: jax.Array, now: jax.Array) -> jax.Array:
        noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:], images.dtype))(keys)
        return images + now.astype(images.dtype) * noise

    if steps == 0:
        return View("instance_noise", lambda keys, images, mutable: noisy(keys, images, jnp.float32(deviation)))

    def after(mutable: Tree, step: jax.Array, logits: jax.Array) -> Tree:
        del mutable, logits
        left = 1 - (step + 1).astype(jnp.float32) / steps
        return {"deviation": deviation * jnp.maximum(left, 0.0)}

    return View(
        "instance_noise",
        lambda keys, images, mutable: noisy(keys, images, mutable["deviation"]),
        {"deviation": jnp.asarray(deviation, jnp.float32)},
        after,
    )


def packing(*, size: Annotated[int, Range(1, 256)] = 1) -> View | None:
    """Stacks neighbouring images of a batch as the channels of one, so that the critic sees a lack of variety.

    PacGAN: Lin et al. 2018, https://arxiv.org/abs/1712.04086. Channel k C + c of a pack is channel c of its
    k-th image.

    Args:
      size: number of images in a pack, m in the paper. It must divide the images of one device.

    Returns:
      The view [B, *S, C] -> [B / size, *S, size C], which raises a ValueError where `size` does not divide B;
      None where `size` is 1.
    """
    if size == 1:
        return None

    def apply(keys: jax.Array, images: jax.Array, mutable: Tree) -> jax.Array:
        del keys, mutable
        number, *places, channels = images.shape
        if number % size:
            raise ValueError(f"size={size} must divide the images of one device, {number}")
        packs = images.reshape(number // size, size, *places, channels)
        return jnp.moveaxis(packs, 1, -2).reshape(number // size, *places, size * channels)

    return View("packing", apply, group=size)


VIEWS: Mapping[str, Callable[..., View | None]] = {
    "augmentation": augmentation,
    "instance_noise": instance_noise,
    "packing": packing,
}
"""Builders of views by name, in the order in which their views are applied; None is for a view that is switched off."""
