"""pix2pix: from a part of what a picture says to the whole picture, learnt from pairs.

Paper: Isola et al. 2017, https://arxiv.org/abs/1611.07004.
Run: python launch.py --config=configs/pix2pix.py, with :tiny or one of the variants below for another task.
Score: colours 24.6 dB (grey 23.9); on facades64, PSNR 12.8 dB (nearest pair 11.3) and 89 % of the photographs'
  sharpness; on cats, colours 27.5 (grey 26.8), super-resolution 25.0 (bicubic 23.7), holes 25.9 (mean 23.3); 1 seed.
Minutes: 7.3, 15.8 on facades64, 7 to 10 on each task of the cats, on one core of 2.

Grey to colour (colorize, the default), small to large, with a hole to whole, edges or label maps to pictures.
"""

from ml_collections import ConfigDict

from configs import base

PAIRINGS = {
    "colorize": {"name": "grey"},
    "super_resolution": {"name": "low_resolution", "factor": 4},
    "inpaint": {"name": "masked", "share": 0.375, "centred": False},
    "edges": {"name": "edges", "gain": 2.0},
    "facades": {"name": "given", "reverse": False},
}
WEIGHTS = {"colorize": 1000.0, "super_resolution": 3000.0, "inpaint": 100.0}
VARIANTS = ("tiny", "facades64", *PAIRINGS)


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    task, large = variant.removesuffix("64") if variant in VARIANTS[1:] else "colorize", variant == "facades"
    width, layers = {"facades": (64, 3), "tiny": (8, 1)}.get(variant, (32, 2))
    config = base.paired(base.unet(width), base.patchgan(width, layers))
    config.model.pairing = ConfigDict(PAIRINGS[task])
    if task in WEIGHTS:
        base.refine(config, WEIGHTS[task])
    config.training.steps = 3_000
    if task == "facades":
        config.data.update(name="facades", resolution=(256, 256) if large else (64, 64))
        config.model.update(weight=100.0 if large else 30.0, jitter=15 if large else 4)
        config.training.update(batch_size=1 if large else 8, steps=80_000 if large else 4_000)
    return base.vary(config, variant, VARIANTS)
