"""A child that measures a plain loop in PyTorch, in whatever environment has PyTorch and NumPy.

Run as `python -m benchmarks.peer_worker NAME PRECISION IMAGES THREADS [compile]`: a name of `CASES`, an arithmetic, the
.npy file of training images that gengen wrote, and how many threads there are.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES
from benchmarks.worker import Stepper, serve


def prepare(name: str, precision: str, images: Path, threads: int, compiled: bool) -> Stepper:
    """Makes a peer's step ready, with the data in one tensor of the host.

    Args:
      name: one of `CASES`.
      precision: "float32", or "bfloat16" for autocast.
      images: the file of training images, uint8 [N, H, W, C].
      threads: how many PyTorch may use.
      compiled: whether `torch.compile` makes the networks.
    """
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    pixels = torch.from_numpy(np.load(images)).permute(0, 3, 1, 2).contiguous()
    build = importlib.import_module(f"benchmarks.peers.{CASES[name].peer or name}").training_step
    step: Callable[[], None] = build(
        pixels.float() / 127.5 - 1,
        autocast=lambda: torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
        finish=torch.compile if compiled else lambda network: network,
    )
    many = CASES[name].chunk

    def take() -> Any:
        for _ in range(many):
            step()

    return Stepper(many, take, lambda _: None, {"torch": str(torch.__version__)})


if __name__ == "__main__":
    name, precision, images, threads, *rest = sys.argv[1:]
    serve(lambda: prepare(name, precision, Path(images), int(threads), rest == ["compile"]))
