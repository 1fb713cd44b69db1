"""CoGAN: one latent, two pictures of it, one in each domain, learnt without pairs.

Paper: Liu and Tuzel 2016, https://arxiv.org/abs/1606.07536, sections 3 and 5 and appendix B.
Run: python launch.py --config=configs/cogan.py, with :tiny or one of VARIANTS after it.
Score: of held-out labels 96.52 % from MNIST to USPS (mnist_usps) and 91.56 % back (usps_mnist), 5 seeds, last state.
Minutes: 3 a run of either, on one core; the default and edges were not trained to their end.

A classifier on the critic's features learns the labels of the first domain: --mode=adapt says how many of the second
one's it gets right. --mode=traverse shows pairs.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist_usps", "usps_mnist", "edges")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    width = 8 if variant == "tiny" else 32
    config = base.adapted(base.coupled(width), base.recogniser())
    config.model.affine.update(deviation=0.1, translation=2.0)
    config.training.steps = 5_000
    if variant in ("mnist_usps", "usps_mnist"):
        base.mnist_and_usps(config)
        config.adaptation.directions = ("ab",)
    if variant == "usps_mnist":  # digits that fill the frame, to digits with a border: sizes have to differ more
        config.data.name, config.data.second.name = config.data.second.name, config.data.name
        config.model.affine.deviation = 0.3
        config.training.steps = 6_000
    if variant == "edges":
        config.data.second.update(name="edges", resolution=(), channels=0)
    config = base.vary(config, variant, VARIANTS)
    if variant == "tiny":  # the trunk makes maps of half the size, and DCGAN doubles 4 x 4
        config.data.resolution = config.data.second.resolution = (16, 16)
    return config
