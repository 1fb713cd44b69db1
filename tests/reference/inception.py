"""Numbers of torch-fidelity's Inception-v3 with random weights, for tests/networks/inception_test.py.

Written by `python tests/reference/inception.py` with Python 3.11.7, torch 2.15.0 (CPU), torch-fidelity 0.4.0 and NumPy
2.4.6. It writes inception.json beside itself. Nothing is downloaded: the weights are drawn by NumPy, name by name in
sorted order, so that the test draws the same ones without PyTorch; it runs this file for `draw_state` and
`draw_images`.
"""

import json
import math
import pathlib
import tempfile

import numpy as np

STATE_SEED = 20151205
IMAGE_SEED = 299
SIZES = [(32, 32), (40, 28), (299, 299), (350, 310)]
RESIZED = [((6, 5), (9, 4)), ((7, 3), (2, 8))]


def draw_state(shapes, seed=STATE_SEED):
    """Draws weights of each name's shape: convolutions keep the size of their maps, normalisation does a little."""
    rng = np.random.default_rng(seed)
    state = {}
    for name in sorted(shapes):
        values = rng.standard_normal(shapes[name], np.float32)
        if name.endswith("running_var"):
            values = 0.5 + rng.random(shapes[name], np.float32)
        elif name.endswith("bn.weight"):
            values = 1 + 0.2 * values
        elif values.ndim == 1:
            values = 0.2 * values
        else:
            values *= np.float32(math.sqrt(2 / math.prod(shapes[name][1:])))
        state[name] = values.astype(np.float32)
    return state


def draw_images(sizes, seed=IMAGE_SEED):
    """Draws one uint8 image [height, width, 3] of every size: a slope with noise, another in every image."""
    rng = np.random.default_rng(seed)
    images = []
    for height, width in sizes:
        corner, down, right = rng.uniform(40, 100, (3, 3))
        slope = corner + down * np.linspace(0, 1, height)[:, None, None] + right * np.linspace(0, 1, width)[:, None]
        images.append(np.clip(slope + rng.normal(0, 40, (height, width, 3)), 0, 255).astype(np.uint8))
    return images


def rounded(values):
    return [float(f"{value:.8g}") for value in np.asarray(values, np.float64).ravel()]


def main():
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    class Blank(FeatureExtractorInceptionV3):
        """Keeps its first weights: only their names and shapes are wanted."""

        def load_state_dict(self, state):
            pass

    def resize(image, size):
        x = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]
        return interpolate_bilinear_2d_like_tensorflow1x(x, size, align_corners=False)[0].permute(1, 2, 0).numpy()

    outputs = ["2048", "logits", "logits_unbiased"]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "state.pth"
        torch.save({}, path)
        blank = Blank("inception-v3-compat", outputs, feature_extractor_weights_path=path)
        shapes = {name: tuple(tensor.shape) for name, tensor in blank.state_dict().items() if tensor.ndim}
        state = {name: torch.from_numpy(values) for name, values in draw_state(shapes).items()}
        counts = {name: tensor for name, tensor in blank.state_dict().items() if not tensor.ndim}
        torch.save({**state, **counts}, path)
        network = FeatureExtractorInceptionV3("inception-v3-compat", outputs, feature_extractor_weights_path=path)

    images = []
    for size, image in zip(SIZES, draw_images(SIZES), strict=True):
        with torch.no_grad():
            # The order of the network's answers is that of the names it was given.
            answers = network(torch.from_numpy(image).permute(2, 0, 1)[None])
        features, logits, logits_unbiased = (answer[0].double().numpy() for answer in answers)
        images.append(
            {
                "size": size,
                "resized": rounded(resize(image, (299, 299))[::37, ::43]),
                "features": rounded(features[::64]),
                "features_norm": float(np.linalg.norm(features)),
                "features_mean": float(features.mean()),
                "logits": rounded(logits[::36]),
                "logits_norm": float(np.linalg.norm(logits)),
                "logits_unbiased": rounded(logits_unbiased[::36]),
                "logits_unbiased_norm": float(np.linalg.norm(logits_unbiased)),
            }
        )
    olds, news = zip(*RESIZED, strict=True)
    resized = [rounded(resize(image, new)) for image, new in zip(draw_images(olds), news, strict=True)]
    reference = {
        "images": images,
        "resized": [{"from": old, "to": new, "image": row} for old, new, row in zip(olds, news, resized, strict=True)],
    }
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
