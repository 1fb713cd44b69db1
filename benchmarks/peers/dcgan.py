"""DCGAN for 32x32 pixels: Radford et al. 2016, https://arxiv.org/abs/1511.06434, by PyTorch's tutorial of it.

A step is one batch: the critic moves, then the generator, on the same samples, and then the generator's average.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.peers import Autocast, Finish, averaged, batches

LATENT, BATCH, WIDTH, RATE, BETAS = 100, 64, 64, 2e-4, (0.5, 0.999)


def initialise(layer: nn.Module) -> None:
    """Weights from N(0, 0.02), scales of batch normalisation from N(1, 0.02)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def generator(channels: int) -> nn.Module:
    """Latents [B, 100, 1, 1] -> images [B, channels, 32, 32]."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(LATENT, 4 * WIDTH, 4, bias=False)]
    for before, after in ((4 * WIDTH, 2 * WIDTH), (2 * WIDTH, WIDTH)):
        layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
    layers += [nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.ConvTranspose2d(WIDTH, channels, 4, 2, 1), nn.Tanh()]
    return nn.Sequential(*layers).apply(initialise)


def critic(channels: int) -> nn.Module:
    """Images [B, channels, 32, 32] -> logits [B, 1, 1, 1]."""
    layers: list[nn.Module] = [nn.Conv2d(channels, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2)]
    for before, after in ((WIDTH, 2 * WIDTH), (2 * WIDTH, 4 * WIDTH)):
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(4 * WIDTH, 1, 4)).apply(initialise)


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    g, d = generator(images.shape[1]), critic(images.shape[1])
    average, make, judge = averaged(g), finish(g), finish(d)
    to_g, to_d = (torch.optim.Adam(network.parameters(), RATE, BETAS) for network in (g, d))
    data, ones, zeros = batches(images, BATCH), torch.ones(BATCH), torch.zeros(BATCH)

    def loss_of(images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy_with_logits(judge(images).flatten(), target)

    def take() -> None:
        with autocast():
            fake = make(torch.randn(BATCH, LATENT, 1, 1))
            loss = loss_of(next(data), ones) + loss_of(fake.detach(), zeros)
        to_d.zero_grad()
        loss.backward()
        to_d.step()
        with autocast():
            loss = loss_of(fake, ones)
        to_g.zero_grad()
        loss.backward()
        to_g.step()
        average.update_parameters(g)

    return take
