"""The images of two domains in a batch: "data" is of a, and the "data" of the stream "second" is of b."""

import jax

from gengen.core.model import Batch


def first_images(batch: Batch, *, alike: bool) -> dict[str, jax.Array]:
    """The first image of each domain, [1, H, W, C] in [-1, 1], to make networks with.

    Args:
      batch: "data" [B, H, W, C] in [-1, 1] and "second", with an "data" of its own.
      alike: whether the domains must also have as many channels; height and width must be the same in any case.

    Raises:
      ValueError: there is no second domain, or its images do not go with the first one's.
    """
    if "second" not in batch:
        raise ValueError("a game of two domains needs a second data set: data.second.name")
    images = {"a": batch["data"][:1], "b": batch["second"]["data"][:1]}
    shapes = [image.shape[1:] if alike else image.shape[1:3] for image in images.values()]
    if shapes[0] != shapes[1]:
        what = "images of one shape" if alike else "the same resolution"
        first, second = (" x ".join(map(str, shape)) for shape in shapes)
        raise ValueError(f"both domains must have {what}, and theirs are {first} and {second}")
    return images
