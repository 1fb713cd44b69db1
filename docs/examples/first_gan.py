"""A first GAN: train it on the digits that come with gengen, look at its samples, and ask how good they are.

Run it in the folder of gengen, as a whole (`python docs/examples/first_gan.py`) or cell by cell in an editor.
"""

# %% An experiment is a config; every value of it can be changed before it is trained.
import matplotlib.pyplot as plt

import gengen

config = gengen.load_config("configs/gan.py")
config.training.steps = 2_000
print(config.networks.generator)

# %% Training goes on where it stopped if this cell is run again; a run is a folder.
run = gengen.train(config, "runs/first_gan")

# %% Samples are NumPy arrays in the data's own units. The same seed gives the same ones on the command line.
images = run.sample(16, seed=0)
print(images.shape, images.dtype)

figure, axes = plt.subplots(2, 8, figsize=(8, 2))
for axis, image in zip(axes.flat, images, strict=True):
    axis.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255)
    axis.axis("off")
figure.savefig("runs/first_gan/first_samples.png")

# %% Scores have intervals, and stand beside those of real images (the floor) and of noise.
report = run.evaluate(num=500)
distance = report["scores"]["frechet_distance"]
for name in ("samples", "floor", "noise"):
    print(f"Fréchet distance of {name}: {distance[name]['value']:.3g}")
print(*report["verdict"], sep="\n")
