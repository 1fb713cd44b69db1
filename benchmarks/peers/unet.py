"""pix2pix for 64x64 pixels, grey to colour: Isola et al. 2017, https://arxiv.org/abs/1611.07004, appendix 6.1.

A step is one batch: the critic moves, then the translator, on the same translations.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, leaky_relu

from benchmarks.peers import Autocast, Finish, batches
from benchmarks.peers.dcgan import BETAS, RATE, initialise

WIDTH, DEPTH, PATCH_LAYERS, DROPPING, BATCH, WEIGHT = 32, 6, 2, 3, 8, 100.0
LUMA = (0.299, 0.587, 0.114)


class UNet(nn.Module):
    """Halves an image until one place is left, and doubles it again beside the maps on the way down."""

    def __init__(self, channels: int, made: int) -> None:
        super().__init__()
        wide = [WIDTH << min(place, 3) for place in range(DEPTH)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for place, (before, after) in enumerate(zip([channels, *wide], wide, strict=False)):
            bare = place in (0, DEPTH - 1)
            convolution = nn.Conv2d(before, after, 4, 2, 1, bias=bare)
            self.down.append(convolution if bare else nn.Sequential(convolution, nn.BatchNorm2d(after)))
        for place, after in enumerate(reversed(wide[:-1])):
            before = wide[-1] if place == 0 else 2 * wide[DEPTH - 1 - place]
            layers = [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after)]
            self.up.append(nn.Sequential(*layers, *([nn.Dropout(0.5)] if place < DROPPING else [])))
        self.last = nn.ConvTranspose2d(2 * WIDTH, made, 4, 2, 1)
        self.apply(initialise)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Translates images [B, channels, 64, 64] to [B, made, 64, 64]."""
        maps, x = [], image
        for place, layer in enumerate(self.down):
            x = layer(leaky_relu(x, 0.2) if place else x)
            maps.append(x)
        for layer, other in zip(self.up, reversed(maps[:-1]), strict=True):
            x = torch.cat([layer(torch.relu(x)), other], 1)
        return torch.tanh(self.last(torch.relu(x)))


def critic(channels: int) -> nn.Module:
    """Pairs [B, channels, 64, 64] -> a logit for each patch [B, 1, 14, 14]."""
    layers: list[nn.Module] = [nn.Conv2d(channels, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2)]
    for place in range(1, PATCH_LAYERS + 1):
        before, after = WIDTH << (place - 1), WIDTH << place
        stride = 2 if place < PATCH_LAYERS else 1
        layers += [nn.Conv2d(before, after, 4, stride, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(WIDTH << PATCH_LAYERS, 1, 4, 1, 1)).apply(initialise)


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    g, d = UNet(1, images.shape[1]), critic(1 + images.shape[1])
    make, judge = finish(g), finish(d)
    to_g, to_d = (torch.optim.Adam(network.parameters(), RATE, BETAS) for network in (g, d))
    data, luma = batches(images, BATCH), torch.tensor(LUMA)[:, None, None]

    def loss_of(a: torch.Tensor, b: torch.Tensor, real: bool) -> torch.Tensor:
        logits = judge(torch.cat([a, b], 1))
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))

    def take() -> None:
        b = next(data)
        a = (b * luma).sum(1, keepdim=True)
        with autocast():
            fake = make(a)
            loss = (loss_of(a, b, True) + loss_of(a, fake.detach(), False)) / 2
        to_d.zero_grad()
        loss.backward()
        to_d.step()
        d.requires_grad_(
            False
        )  # as the authors' code has it: the translator's turn asks for no gradients of the critic
        with autocast():
            loss = loss_of(a, fake, True) + WEIGHT * (fake - b).abs().mean()
        to_g.zero_grad()
        loss.backward()
        to_g.step()
        d.requires_grad_(True)

    return take
