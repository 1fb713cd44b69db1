"""Structural similarities of pytorch-msssim (five scales) and scikit-image (one), for tests/metrics/ms_ssim_test.py.

Written by `python tests/reference/ms_ssim.py` with Python 3.11.7, torch 2.15.0 (CPU), pytorch-msssim 1.0.0,
scikit-image 0.26.0 and NumPy 2.4.6. It writes ms_ssim.json beside itself. Nothing is downloaded: the pictures are drawn
by NumPy, and the test runs this file for `draw`. Their sides can be halved four times: pytorch-msssim pads odd ones,
gengen does not.
"""

import json
import pathlib

import numpy as np

SEED = 2003
SHAPES = {
    "grey 176": (4, 176, 176, 1),
    "colour 208 x 192": (3, 208, 192, 3),
    "grey 28": (6, 28, 28, 1),
}


def draw(shape, seed=SEED):
    """Draws pairs of pictures, uint8 of the shape [N, H, W, C]: blocks, and with noise that grows from pair to pair."""
    rng = np.random.default_rng(seed)
    count, height, width, channels = shape
    blocks = rng.integers(0, 200, (count, -(-height // 7), -(-width // 7), channels))
    first = blocks.repeat(7, 1).repeat(7, 2)[:, :height, :width] + rng.integers(0, 56, shape)
    noise = rng.integers(-100, 101, shape) * np.arange(1, count + 1)[:, None, None, None] // count
    return first.astype(np.uint8), np.clip(first + noise, 0, 255).astype(np.uint8)


def main():
    import pytorch_msssim
    import torch
    from skimage.metrics import structural_similarity

    found = {}
    for name, shape in SHAPES.items():
        pair = draw(shape)
        a, b = (torch.from_numpy(side).permute(0, 3, 1, 2).double() for side in pair)
        found[name] = {"sum of pixels": [int(side.sum()) for side in pair]}
        if min(shape[1:3]) > 160:
            values = pytorch_msssim.ms_ssim(a, b, data_range=255, size_average=False)
            found[name]["five scales"] = values.tolist()
        found[name]["one scale"] = [
            structural_similarity(
                *both, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1
            )
            for both in zip(*pair, strict=True)
        ]
    text = json.dumps(found, indent=2)
    pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
