"""VAE: codes are guessed as distributions and held near N(0, 1), so that new ones can be drawn from it.

Paper: Kingma and Welling 2014, https://arxiv.org/abs/1312.6114, section 3 and appendix C.
Run: python launch.py --config=configs/vae.py, with :tiny, :mnist, :fashion_mnist, :flax, :map, :levels or :collapsed.
Score: Fréchet distance 9.95 on digits (real images 0.458); 1 seed each.
Minutes: 0.4 on digits, with 2 cores.

A Gaussian decoder of fixed deviation and 32 latents, as taught. Variant `flax`: 784-500-20, Bernoulli, bits drawn anew,
10 epochs of MNIST; `map` has 2 latents, for --mode=manifold; `levels` gives each of the 256 levels of a pixel a
probability, so that its bits compare with those of flows; `collapsed` is ill, see --mode=diagnose.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "flax", "map", "levels", "collapsed")


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    if variant == "flax":
        config = base.variational(*base.mlp_coders(500))
        config.model.binarisation = "dynamic"
        config.data.update(name="mnist", resolution=(28, 28))
        config.training.epochs = 10.0
        return config
    config = base.variational(*base.mlp_coders(*((32,) if variant == "tiny" else (512, 256))))
    config.model.latents = (2,) if variant == "map" else (32,)
    config.model.likelihood = ConfigDict({"name": "gaussian", "deviation": 0.3})
    if variant == "levels":
        config.model.likelihood = ConfigDict({"name": "discretised_logistic"})
    if variant == "collapsed":
        base.sicken(config, variant)
    return base.vary(config, variant, VARIANTS)
