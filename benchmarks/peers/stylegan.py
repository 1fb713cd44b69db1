"""StyleGAN 2 for 32x32 pixels: Karras et al. 2020, https://arxiv.org/abs/1912.04958, sections 2 to 4.

Networks, batch and turns are those of gengen's experiment; maps are scaled in the place of kernels, as in its layers. A
step is one batch: the critic moves, then mapping and generator; R1 is played at every 16th step, that of paths at every
4th on half of the batch, and then the average of both is taken.
"""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu, linear, softplus

from benchmarks.peers import Autocast, Finish, averaged, batches

BATCH, RATE, BETAS, STYLE, DEPTH, SLOW, WIDTHS = 32, 2e-3, (0.0, 0.99), 64, 4, 0.01, (64, 64, 64, 32)
MIXING, R1, R1_EVERY, PATH, PATH_EVERY, KEPT, GROUP = 0.9, 1.0, 16, 2.0, 4, 0.99, 4


def activated(x: torch.Tensor) -> torch.Tensor:
    """The leaky ReLU, times the square root of 2."""
    return leaky_relu(x, 0.2) * math.sqrt(2)


def blurred(x: torch.Tensor, pad: int, gain: float = 1.0) -> torch.Tensor:
    """Filters maps by (1, 3, 3, 1) / 8 along both axes."""
    taps, channels = x.new_tensor([1.0, 3.0, 3.0, 1.0]) / 8, x.shape[1]
    kernel = (gain * taps[:, None] * taps)[None, None].expand(channels, 1, 4, 4)
    return conv2d(x, kernel, padding=pad, groups=channels)


class Dense(nn.Module):
    """A linear map with an equalised learning rate."""

    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, start: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), start / rate))
        self.rate, self.scale = rate, rate / math.sqrt(inputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps [B, inputs]."""
        return linear(x, self.weight * self.scale, self.bias * self.rate)


class Convolution(nn.Module):
    """A convolution with an equalised learning rate, which may halve maps."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, halves: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.side, self.halves = 1 / math.sqrt(inputs * size**2), size // 2, halves

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolves maps [B, inputs, h, w]."""
        kernel = self.weight * self.scale
        if self.halves:
            return conv2d(blurred(x, self.side + 1), kernel, self.bias, stride=2)
        return conv2d(x, kernel, self.bias, padding=self.side)


class Styled(nn.Module):
    """A modulated convolution; with noise and an activation, or without, as of an image."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, doubles: bool = False, image: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias, self.strength = nn.Parameter(torch.zeros(outputs)), nn.Parameter(torch.zeros(1))
        self.style, self.scale = Dense(STYLE, inputs, start=1.0), 1 / math.sqrt(inputs * size**2)
        self.side, self.doubles, self.image = size // 2, doubles, image

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Convolves maps by styles [B, W]."""
        scales, kernel = self.style(style), self.weight * self.scale
        x = x * scales[:, :, None, None]
        if self.doubles:
            x = blurred(conv_transpose2d(x, kernel.transpose(0, 1), stride=2), 1, 4.0)
        else:
            x = conv2d(x, kernel, padding=self.side)
        if self.image:
            return x + self.bias[:, None, None]
        x = x * torch.rsqrt(scales.square() @ kernel.square().sum((2, 3)).T + 1e-8)[:, :, None, None]
        noise = torch.randn(len(x), 1, *x.shape[2:]) * self.strength
        return activated(x + noise + self.bias[:, None, None])


class Mapping(nn.Module):
    """Latents to styles."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Dense(STYLE, STYLE, SLOW) for _ in range(DEPTH)])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Maps [B, L] to [B, W]."""
        z = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            z = activated(layer(z))
        return z


class Generator(nn.Module):
    """Styles [B, K, W] to images, each size of maps adding its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(WIDTHS[0], 4, 4))
        pairs = list(zip((0, *WIDTHS), WIDTHS, strict=False))
        self.larger = nn.ModuleList([Styled(before, after, doubles=True) for before, after in pairs[1:]])
        self.same = nn.ModuleList([Styled(after, after) for after in WIDTHS])
        self.images = nn.ModuleList([Styled(after, channels, 1, image=True) for after in WIDTHS])

    def forward(self, styles: torch.Tensor) -> torch.Tensor:
        """Returns images [B, C, 32, 32]."""
        x, image = self.constant.expand(len(styles), -1, -1, -1), None
        for level in range(len(WIDTHS)):
            if level:
                x = self.larger[level - 1](x, styles[:, 2 * level - 1])
            x = self.same[level](x, styles[:, 2 * level])
            made = self.images[level](x, styles[:, 2 * level + 1])
            image = made if image is None else made + interpolate(image, scale_factor=2, mode="bilinear")
        return image


class Critic(nn.Module):
    """Residual blocks, and what the images of a group differ in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        downwards = [(WIDTHS[level], WIDTHS[level - 1]) for level in range(len(WIDTHS) - 1, 0, -1)]
        self.first = Convolution(channels, WIDTHS[-1], 1)
        self.same = nn.ModuleList([Convolution(here, here) for here, _ in downwards])
        self.halving = nn.ModuleList([Convolution(here, below, halves=True) for here, below in downwards])
        self.past = nn.ModuleList([Convolution(here, below, 1, True, False) for here, below in downwards])
        self.last = Convolution(WIDTHS[0] + 1, WIDTHS[0])
        self.features, self.logit = Dense(16 * WIDTHS[0], WIDTHS[0]), Dense(WIDTHS[0], 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Returns logits [B]."""
        x = activated(self.first(image))
        for same, halving, past in zip(self.same, self.halving, self.past, strict=True):
            x = (activated(halving(activated(same(x)))) + past(x)) * math.sqrt(0.5)
        spread = (x.reshape(-1, GROUP, *x.shape[1:]).var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
        column = spread.repeat_interleave(GROUP)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        x = activated(self.last(torch.cat([x, column], 1)))
        return self.logit(activated(self.features(x.flatten(1))))[:, 0]


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    mapping, generator, critic = Mapping(), Generator(images.shape[1]), Critic(images.shape[1])
    averages = [averaged(network) for network in (mapping, generator)]
    style_of, make, judge = (finish(network) for network in (mapping, generator, critic))
    makers = [*mapping.parameters(), *generator.parameters()]
    to_critic, to_makers = (torch.optim.Adam(params, RATE, BETAS) for params in (critic.parameters(), makers))
    data, kinds, state = batches(images, BATCH), 2 * len(WIDTHS), {"step": 0, "length": torch.zeros(())}

    def styles() -> torch.Tensor:
        first, other = (style_of(torch.randn(BATCH, STYLE))[:, None] for _ in range(2))
        cut = torch.where(torch.rand(BATCH) < MIXING, torch.randint(1, kinds, (BATCH,)), kinds)
        return torch.where(torch.arange(kinds)[None, :, None] < cut[:, None, None], first, other)

    def move(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def lazily(real: torch.Tensor) -> None:
        if state["step"] % R1_EVERY == 0:
            real = real.detach().requires_grad_()
            (slope,) = torch.autograd.grad(judge(real).sum(), real, create_graph=True)
            move(to_critic, R1_EVERY * R1 / 2 * slope.square().sum((1, 2, 3)).mean())
        if state["step"] % PATH_EVERY == 0:
            told = styles()[::2]
            made = make(told)
            along = (made * torch.randn_like(made)).sum() / math.sqrt(made.shape[2] * made.shape[3])
            (slope,) = torch.autograd.grad(along, told, create_graph=True)
            lengths = slope.square().sum(2).mean(1).sqrt()
            state["length"] = KEPT * state["length"] + (1 - KEPT) * lengths.mean().detach()
            move(to_makers, PATH_EVERY * PATH * (lengths - state["length"]).square().mean())
        state["step"] += 1

    def take() -> None:
        real = next(data)
        with autocast():
            fake = make(styles())
            loss = softplus(-judge(real)).mean() + softplus(judge(fake.detach())).mean()
        move(to_critic, loss)
        with autocast():
            loss = softplus(-judge(fake)).mean()
        move(to_makers, loss)
        lazily(real)
        for average, network in zip(averages, (mapping, generator), strict=True):
            average.update_parameters(network)

    return take
