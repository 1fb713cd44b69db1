"""Glow for 28x28 pixels: Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039, affine couplings, LU by eq. 10.

A step is one batch: one move of Adam on the bound with uniform noise, and then the average of the parameters.
"""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import conv2d, logsigmoid, pixel_unshuffle

from benchmarks.peers import Autocast, Finish, averaged, batches

BATCH, RATE, WIDTH, STEPS, SCALES, LEVELS, ALPHA, LIMIT, NORM = 128, 1e-3, 64, 8, 2, 256, 0.05, 2.0, 1.0

Mapped = tuple[torch.Tensor, torch.Tensor]


class ActNorm(nn.Module):
    """A scale and a shift of each channel; the first batch decides where they begin."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.begun = False

    def forward(self, x: torch.Tensor) -> Mapped:
        """Returns the map and the log-determinant []."""
        if not self.begun:
            with torch.no_grad():
                self.shift.copy_(-x.mean((0, 2, 3), keepdim=True))
                self.log_scale.copy_(-torch.log(x.std((0, 2, 3), keepdim=True) + 1e-6))
            self.begun = True
        return (x + self.shift) * torch.exp(self.log_scale), self.log_scale.sum() * x.shape[2] * x.shape[3]


class Mixing(nn.Module):
    """A 1 x 1 convolution by P L U."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels))[0])
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation)
        self.register_buffer("signs", diagonal.sign())
        self.log_scale = nn.Parameter(diagonal.abs().log())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))

    def forward(self, x: torch.Tensor) -> Mapped:
        """Returns the map and the log-determinant []."""
        lower = self.lower.tril(-1) + torch.eye(len(self.lower))
        upper = self.upper.triu(1) + torch.diag(self.signs * self.log_scale.exp())
        weight = self.permutation @ lower @ upper
        return conv2d(x, weight[:, :, None, None]), self.log_scale.sum() * x.shape[2] * x.shape[3]


class Coupling(nn.Module):
    """The first half of the channels says how the second half moves."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.Conv2d(WIDTH, channels, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.conditioner = nn.Sequential(
            nn.Conv2d(channels // 2, WIDTH, 3, padding=1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1), nn.ReLU(), last
        )

    def forward(self, x: torch.Tensor) -> Mapped:
        """Returns the map and the log-determinants [B]."""
        stays, moves = x.chunk(2, 1)
        log_scale, shift = self.conditioner(stays).float().chunk(2, 1)
        log_scale = LIMIT * torch.tanh(log_scale / LIMIT)
        return torch.cat([stays, moves * torch.exp(log_scale) + shift], 1), log_scale.flatten(1).sum(1)


class Glow(nn.Module):
    """Scales of steps; half of the channels leave after each but the last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList()
        for scale in range(SCALES):
            channels *= 4
            layers = [make(channels) for _ in range(STEPS) for make in (ActNorm, Mixing, Coupling)]
            self.scales.append(nn.ModuleList([*layers, *([Coupling(channels)] if scale < SCALES - 1 else [])]))
            channels //= 2

    def forward(self, x: torch.Tensor) -> Mapped:
        """Returns latents [B, D] and log-determinants [B]."""
        total, latents = torch.zeros(len(x)), []
        for scale in self.scales:
            x = pixel_unshuffle(x, 2)
            for layer in scale:
                x, log_det = layer(x)
                total = total + log_det
            if scale is not self.scales[-1]:
                x, leaves = x.chunk(2, 1)
                latents.append(leaves.flatten(1))
        return torch.cat([*latents, x.flatten(1)], 1), total


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    pixels = ((images + 1) * 127.5).round()
    network, data = Glow(images.shape[1]), batches(pixels, BATCH)
    average, flow, optimizer = averaged(network), finish(network), torch.optim.Adam(network.parameters(), RATE)
    network(_seen(next(data)))

    def take() -> None:
        seen = _seen(next(data))
        with autocast():
            latents, log_det = flow(seen)
        nats = -latents.float().square().sum(1) / 2 - latents.shape[1] * math.log(2 * math.pi) / 2 + log_det
        slope = math.log(1 - 2 * ALPHA) - (logsigmoid(seen) + logsigmoid(-seen)).flatten(1).sum(1)
        optimizer.zero_grad()
        (-(nats + slope).mean() / latents.shape[1]).backward()
        nn.utils.clip_grad_norm_(network.parameters(), NORM)
        optimizer.step()
        average.update_parameters(network)

    return take


def _seen(pixels: torch.Tensor) -> torch.Tensor:
    """Logits of pixels with uniform noise."""
    return torch.logit(ALPHA + (1 - 2 * ALPHA) * (pixels + torch.rand_like(pixels)) / LEVELS)
