"""IWAE: several latents for each image, weighed by how well they explain it, give a tighter bound to train on.

Paper: Burda, Grosse and Salakhutdinov 2016, https://arxiv.org/abs/1509.00519, section 5; the gradient of Tucker et al.
  2019, https://arxiv.org/abs/1810.04152.
Run: python launch.py --config=configs/iwae.py, with :tiny, :mnist, :fashion_mnist, :vae, :paper, :paper_vae or :layers
  after it for a variant.
Score: ?
Minutes: ?

`mnist` is the paper's protocol with 10 samples and a shortened schedule, `vae` the same with one sample; `paper` and
`paper_vae` have 50 and 1 and the whole schedule of 3,280 epochs; `layers` has two layers of latents.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "mnist", "fashion_mnist", "vae", "paper", "paper_vae", "layers")
EPOCHS = {"tiny": 0.0, "": 400.0, "mnist": 200.0, "fashion_mnist": 200.0, "vae": 600.0, "layers": 100.0}


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.variational(*base.mlp_coders(*((32,) if variant == "tiny" else (200, 200)), activation="tanh"))
    config.model.latents = (100, 50) if variant == "layers" else (50,)
    config.model.binarisation = "dynamic"
    if variant not in ("vae", "paper_vae"):
        config.model.objective.update(
            estimator="iwae" if variant == "layers" else "dreg", samples=50 if variant == "paper" else 10
        )
    if variant == "layers":
        for role in ("upper_encoder", "upper_decoder"):
            config.networks[role] = ConfigDict({"name": "mlp", "widths": (100, 100), "activation": "tanh"})
    config.optimizers.autoencoder = base.optimizer("adam", 1e-3, b1=0.9, b2=0.999, eps=1e-4)
    config.optimizers.autoencoder.schedule = "rounds"
    config.evaluation.importance_samples = (1, 5000)
    config.training.average.decay = 0.0
    config.training.batch_size = 20
    config.training.epochs = EPOCHS.get(variant, 3280.0)
    return base.vary(config, "mnist" if variant in ("vae", "paper", "paper_vae", "layers") else variant, VARIANTS)
