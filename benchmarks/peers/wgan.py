"""WGAN of multilayer perceptrons: Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, Algorithm 1.

A step is one batch: the critic moves and is clipped at every one, the generator and its average at every fifth.
"""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.peers import Autocast, Finish, averaged, batches

LATENT, BATCH, CRITIC_STEPS, CLIP, RATE = 100, 64, 5, 0.01, 5e-5


def generator(pixels: int) -> nn.Module:
    """Latents [B, 100] -> images [B, pixels]."""
    layers: list[nn.Module] = [nn.Linear(LATENT, 128), nn.LeakyReLU(0.2)]
    for before, after in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(1024, pixels), nn.Tanh())


def critic(pixels: int) -> nn.Module:
    """Images [B, pixels] -> numbers [B, 1]."""
    hidden = (nn.Linear(pixels, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2))
    return nn.Sequential(*hidden, nn.Linear(256, 1))


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    flat = images.flatten(1)
    g, d = generator(flat.shape[1]), critic(flat.shape[1])
    average, make, judge = averaged(g), finish(g), finish(d)
    to_g, to_d = (torch.optim.RMSprop(network.parameters(), RATE) for network in (g, d))
    data, step = batches(flat, BATCH), 0

    def take() -> None:
        nonlocal step
        latent = torch.randn(BATCH, LATENT)
        with autocast():
            with torch.no_grad():
                fake = make(latent)
            loss = judge(fake).mean() - judge(next(data)).mean()
        to_d.zero_grad()
        loss.backward()
        to_d.step()
        with torch.no_grad():
            for parameter in d.parameters():
                parameter.clamp_(-CLIP, CLIP)
        if step % CRITIC_STEPS == CRITIC_STEPS - 1:
            with autocast():
                loss = -judge(make(latent)).mean()
            to_g.zero_grad()
            loss.backward()
            to_g.step()
            average.update_parameters(g)
        step += 1

    return take
