"""IWAE: several latents for each image, weighed by how well they explain it, give a tighter bound to train on.

Paper: Burda, Grosse and Salakhutdinov 2016, https://arxiv.org/abs/1509.00519, section 5; the gradient of Tucker et al.
  2019, https://arxiv.org/abs/1810.04152.
Run: python launch.py --config=configs/iwae.py, or :tiny, :mnist, :fashion_mnist, :vae, :paper, :paper_vae, :layers.
Score: Fréchet distance 3.56 on digits (real images 0.458), 6.4 on MNIST (real images 0.121); 1 seed each; at least
  -87.23 nats on digits (5,000 samples), at least -86.86 nats on MNIST (5,000 samples).
Minutes: 1.5 on digits, 21.0 on MNIST, with 2 cores.

`mnist` is the paper's protocol with 10 samples and a shorter schedule (a cosine), `vae` the same with one sample;
`paper` and `paper_vae` are the whole of it, 3,280 epochs with 50 samples and 1; `layers` has two layers.
"""

from ml_collections import ConfigDict

from configs import base

MNIST = ("mnist", "vae", "paper", "paper_vae", "layers")
VARIANTS = ("tiny", "fashion_mnist", *MNIST)
EPOCHS = {"tiny": 0.0, "": 200.0, "mnist": 150.0, "fashion_mnist": 150.0, "vae": 400.0, "layers": 100.0}


def get_config(variant: str = "") -> ConfigDict:
    """Returns the experiment or one of its `VARIANTS`."""
    config = base.variational(*base.mlp_coders(*((32,) if variant == "tiny" else (200, 200)), activation="tanh"))
    config.model.latents = (100, 50) if variant == "layers" else (50,)
    config.model.binarisation = "dynamic"
    samples = {"vae": 1, "paper_vae": 1, "paper": 50}.get(variant, 10)
    config.model.objective.samples = samples
    config.model.objective.estimator = "elbo" if samples == 1 else "iwae" if variant == "layers" else "dreg"
    if variant == "layers":
        for role in ("upper_encoder", "upper_decoder"):
            config.networks[role] = ConfigDict({"name": "mlp", "widths": (100, 100), "activation": "tanh"})
    whole = variant in ("paper", "paper_vae")
    config.optimizers.autoencoder = base.optimizer("adam", 1e-3, eps=1e-4)
    config.optimizers.autoencoder.schedule = "rounds" if whole else "cosine"
    config.evaluation.importance_samples = (1, 5000)
    config.training.average.decay = 0.0
    config.training.update(batch_size=20, epochs=EPOCHS.get(variant, 3280.0))
    return base.vary(config, "mnist" if variant in MNIST else variant, VARIANTS)
