"""VAE 784-400-20: Kingma and Welling 2014, https://arxiv.org/abs/1312.6114, as in PyTorch's own example.

A step is one batch: one move of Adam on the bound with the divergence in closed form.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.peers import Autocast, Finish, batches

LATENT, HIDDEN, BATCH, RATE = 20, 400, 128, 1e-3


class Autoencoder(nn.Module):
    """An encoder and a decoder of one hidden layer each."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(pixels, HIDDEN)
        self.mean, self.log_variance = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, pixels))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns logits of pixels [B, pixels], and mean and logarithm of the variance of their latents [B, 20]."""
        features = torch.relu(self.hidden(image))
        mean, log_variance = self.mean(features), self.log_variance(features)
        latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(latent), mean, log_variance


def training_step(images: torch.Tensor, *, autocast: Autocast, finish: Finish) -> Callable[[], None]:
    """Returns a function that takes one step; arguments are those of `benchmarks.peers`."""
    flat = (images.flatten(1) + 1) / 2
    network = Autoencoder(flat.shape[1])
    code, optimizer, data = finish(network), torch.optim.Adam(network.parameters(), RATE), batches(flat, BATCH)

    def take() -> None:
        image = next(data)
        with autocast():
            logits, mean, log_variance = code(image)
        mean, log_variance = mean.float(), log_variance.float()
        error = binary_cross_entropy_with_logits(logits.float(), image, reduction="sum")
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
        optimizer.zero_grad()
        ((error + divergence) / BATCH).backward()
        optimizer.step()

    return take
