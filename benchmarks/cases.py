"""What is measured: training steps that gengen has in a config, and PyTorch in a loop of `benchmarks.peers`."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Case(NamedTuple):
    """One kind of training step.

    Attributes:
      title: what it is.
      sizes: of its networks and batches.
      config: the experiment of gengen and its variant.
      changes: values by the keys of the config that are other ones here; a mapping replaces a whole section.
      chunk: steps of PyTorch between two looks at the clock.
      peer: the module of `benchmarks.peers`; "" where it has the name of the case.
    """

    title: str
    sizes: str
    config: tuple[str, str]
    changes: Mapping[str, Any]
    chunk: int
    peer: str = ""


CASES: Mapping[str, Case] = {
    "wgan": Case(
        "WGAN MLP",
        "100-128-256-512-1024-784 and 784-512-256-1, batch 64, the generator moves at every fifth step",
        ("wgan", "paper"),
        {},
        chunk=50,
    ),
    "dcgan": Case(
        "DCGAN",
        "32x32x1, width 64, batch 64",
        ("dcgan", "mnist"),
        {"data.name": "digits_smooth"},  # embedded: a step does not ask which pictures it sees
        chunk=5,
    ),
    "vae": Case(
        "VAE",
        "784-400-20, batch 128",
        ("vae", "flax"),
        {
            "data.name": "digits_smooth",
            "networks.encoder.widths": (400,),
            "networks.decoder.widths": (400,),
            "model.binarisation": "none",
            "training.average.decay": 0.0,
        },
        chunk=50,
    ),
    "unet": Case(
        "pix2pix",
        "U-Net of 6 halvings and PatchGAN of 2, width 32, 64x64, grey to colour, batch 8",
        ("pix2pix", "edges"),
        {"model.pairing": {"name": "grey"}, "model.jitter": 0, "model.mirror": False},
        chunk=5,
    ),
    "glow": Case(
        "Glow",
        "28x28x1, 2 scales of 8 steps, width 64, batch 128",
        ("glow", "mnist"),
        {"data.name": "digits_smooth"},
        chunk=2,
    ),
    "stylegan": Case(
        "StyleGAN 2",
        "32x32x1, 64 channels up to 16x16 and 32 above, styles of 64, batch 32, R1 every 16th step, paths every 4th",
        ("stylegan", ""),
        {
            "networks.generator.wide": 3,
            "networks.critic.wide": 3,
            "model.loss": "non_saturating",
            "model.terms.r2": {"weight": 0.0, "every": 1},
        },
        chunk=16,
    ),
    "denoiser": Case(
        "Flow matching",
        "28x28x1, squares of 2, width 64, 2 levels, attention at the lower one, batch 64",
        ("flow_matching", "mnist"),
        {"data.name": "digits_smooth"},
        chunk=2,
    ),
    "denoiser_64": Case(
        "Flow matching, 64x64",
        "64x64x3, the same network without classes, batch 64",
        ("flow_matching", "cats"),
        {"data.name": "scenes"},
        chunk=1,
        peer="denoiser",
    ),
}
"""Steps by name; all see data that gengen embeds."""
