"""From a run folder to NumPy: codes of examples, what comes back of them, what lies between two, and likelihoods."""

# %% A small VAE; any run folder that a command trained opens the same way, with gengen.open_run("runs/NAME").
import numpy as np
from sklearn.datasets import load_digits

import gengen

run = gengen.train(gengen.load_config("configs/vae.py:tiny"), "runs/numpy")
print(run, run.signature.shape)

# %% Images of one's own, in the shape of the data: here scikit-learn's digits of 8x8, each pixel repeated.
size = run.signature.shape[0]
images = (load_digits().images[:8] * 255 / 16).astype(np.uint8).repeat(size // 8, 1).repeat(size // 8, 2)[..., None]

# %% Encode, decode, and the path from one digit to another.
codes = run.encode(images)
again = run.decode(codes)
path = run.interpolate(images[:1], images[1:2], steps=5)
print(codes.shape, again.dtype, path.shape)

# %% Bounds of the log-likelihood in nats: the more importance samples, the tighter.
for samples in (1, 50):
    print(samples, run.log_likelihood(images, samples=samples).mean())

# %% And out of Python again.
np.savez("runs/numpy/codes.npz", codes=codes, images=images)
