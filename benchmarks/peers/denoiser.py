"""A U-Net that denoises pictures, by flow matching: Lipman et al. 2023, https://arxiv.org/abs/2210.02747, eq. 23.

The network is that of gengen's experiment: squares of 2 x 2 pixels, two levels, group normalisation, the time and a
class as a scale and a shift of each block, attention at the lower level. A step is one batch: one move of Adam with
clipped gradients, and then the average of the parameters.
"""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, scaled_dot_product_attention, silu

from benchmarks.peers import Autocast, Finish, averaged, batches

BATCH, RATE, BETAS, WIDTH, PATCH, GROUPS, HEADS, EMBEDDING, CLASSES, FASTEST, NORM = (
    64, 1e-3, (0.9, 0.99), 64, 2, 8, 4, 128, 10, 128.0, 1.0,
)  # fmt: skip


class Told(nn.Module):
    """The vector of a time and a class."""

    def __init__(self) -> None:
        super().__init__()
        self.label = nn.Embedding(CLASSES + 1, EMBEDDING)
        self.layers = nn.Sequential(nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.register_buffer("speeds", torch.logspace(0, math.log10(FASTEST), EMBEDDING // 2))

    def forward(self, time: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Returns [B, F] of times and labels [B]."""
        angles = time[:, None] * self.speeds
        return silu(self.layers(torch.cat([angles.sin(), angles.cos()], 1)) + self.label(label))


class Residual(nn.Module):
    """Two convolutions, of which the vector scales and shifts what the second one sees."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.GroupNorm(GROUPS, channels, eps=1e-6) for _ in range(2)])
        self.convolutions = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)])
        self.film = nn.Linear(EMBEDDING, 2 * channels)
        nn.init.zeros_(self.convolutions[1].weight)

    def forward(self, x: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        """Moves on from maps."""
        scale, shift = self.film(vector)[:, :, None, None].chunk(2, 1)
        h = self.convolutions[0](silu(self.norms[0](x)))
        return x + self.convolutions[1](silu(self.norms[1](h) * (1 + scale) + shift))


class Attending(nn.Module):
    """Attention of all places to each other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels, eps=1e-6)
        self.parts, self.last = nn.Linear(channels, 3 * channels, bias=False), nn.Linear(channels, channels)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Moves on from maps."""
        n, channels, high, wide = x.shape
        parts = self.parts(self.norm(x).flatten(2).transpose(1, 2))
        query, key, value = parts.reshape(n, high * wide, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        found = scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, high * wide, channels)
        return x + self.last(found).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    """Two levels: one residual block on each of the two ways, three at the bottom, each of these with attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        low = 2 * WIDTH
        self.told, self.first = Told(), nn.Conv2d(channels * PATCH**2, WIDTH, 3, padding=1)
        self.before, self.after = Residual(WIDTH), Residual(WIDTH)
        self.halve, self.enlarge = nn.Conv2d(4 * WIDTH, low, 1), nn.Conv2d(low, 4 * WIDTH, 1)
        self.bottom = nn.ModuleList([Residual(low) for _ in range(3)])
        self.looks = nn.ModuleList([Attending(low) for _ in range(3)])
        self.mixed = nn.ModuleList([nn.Conv2d(2 * low, low, 1), nn.Conv2d(2 * WIDTH, WIDTH, 1)])
        self.norm, self.last = (
            nn.GroupNorm(GROUPS, WIDTH, eps=1e-6),
            nn.Conv2d(WIDTH, channels * PATCH**2, 3, padding=1),
        )
        nn.init.zeros_(self.last.weight)

    def forward(self, x: torch.Tensor, time: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Returns the velocities of noisy pictures."""
        vector = self.told(time, label)
        upper = self.before(self.first(pixel_unshuffle(x, PATCH)), vector)
        lower = h = self.looks[0](self.bottom[0](self.halve(pixel_unshuffle(upper, 2)), vector))
        h = self.looks[1](self.bottom[1](h, vector))
        h = self.looks[2](self.bottom[2](self.mixed[0](torch.cat([h, lower], 1)), vector))
        h = self.after(self.mixed[1](torch.cat([pixel_shuffle(self.enlarge(h), 2), upper], 1)), vector)
        return pixel_shuffle(self.last(silu(self.norm(h))), PATCH)


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    network, data = UNet(images.shape[1]), batches(images, BATCH)
    average, velocity = averaged(network), finish(network)
    optimizer = torch.optim.Adam(network.parameters(), RATE, BETAS)

    def take() -> None:
        seen = next(data)
        noise, label = (
            torch.randn_like(seen),
            torch.randint(CLASSES + 1, (len(seen),)),
        )  # what it is told costs the same
        time = torch.sigmoid(torch.randn(len(seen)))
        there = time[:, None, None, None]
        scale = torch.rsqrt((1 - there) ** 2 * 0.25 + there**2)
        with autocast():
            given = velocity(scale * ((1 - there) * seen + there * noise), time, label)
        optimizer.zero_grad()
        (given.float() - (noise - seen)).square().mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), NORM)
        optimizer.step()
        average.update_parameters(network)

    return take
