"""Training loops in plain PyTorch, as its own tutorials have them but for the loader.

Each module has `training_step(images, *, autocast, finish)`: images are float32 [N, C, H, W] in [-1, 1], `autocast`
makes the context that forward passes run in, `finish` takes a network and returns what is called in its place. What is
returned takes one step on one batch, as gengen counts steps: the same networks, batch, turns and optimizers.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch

Autocast = Callable[[], AbstractContextManager[Any]]
Finish = Callable[[Any], Any]


def batches(images: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """Endless batches [B, ...], an index into one tensor each: all images in a new order, then again."""
    while True:
        order = torch.randperm(len(images))
        for first in range(0, len(images) - size + 1, size):
            yield images[order[first : first + size]]


def averaged(network: torch.nn.Module, decay: float = 0.999) -> Any:
    """A copy of a network that follows it, statistics too, whenever `update_parameters` is called."""
    follow = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    return torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
