"""A table of numbers: an adversarial autoencoder on the wines of scikit-learn, from a CSV."""

# %% A CSV with a header; the column "label" holds the classes.
import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine

import gengen

wine = load_wine()
file = Path("runs/wine.csv")
file.parent.mkdir(exist_ok=True)
with file.open("w", newline="") as opened:
    writer = csv.writer(opened)
    writer.writerow([*wine.feature_names, "label"])
    writer.writerows([*row, wine.target_names[label]] for row, label in zip(wine.data, wine.target, strict=True))

# %% Any model with multilayer perceptrons takes it; numbers are standardised by the training split.
config = gengen.load_config("configs/aae.py:tiny")
config.data.update(name="array_folder", manual_dir=str(file))
config.training.steps = 500
run = gengen.train(config, "runs/wine")
print(run.signature.kind, run.signature.shape, run.signature.classes)

# %% Samples come back in the units of the file.
samples = run.sample(1_000)
for name, drawn, real in zip(wine.feature_names, samples.T, wine.data.T, strict=True):
    print(f"{name:>30}: samples {drawn.mean():8.2f} +- {drawn.std():.2f}, data {real.mean():8.2f} +- {real.std():.2f}")
print(np.isfinite(samples).all())
