"""Scores of torch-fidelity on features and logits drawn by NumPy, for tests/metrics/parity_test.py.

Written by `python tests/reference/torch_fidelity_scores.py` with Python 3.11.7, torch 2.15.0 (CPU), torch-fidelity
0.4.0 and NumPy 2.4.6. It writes torch_fidelity_scores.json beside itself. Nothing is downloaded, no network is run:
torch-fidelity's own functions from features to scores get float64 arrays, which the test draws again from a seed. It
runs this file for `draw`, `kid_subsets` and `isc_order`. Precision, recall, density and coverage by the definitions of
Naeem et al. 2020, arXiv:2002.09797, come from the few lines of NumPy in `prdc`, since torch-fidelity has no density and
coverage. The stream of NumPy's RandomState is frozen, so seeds stand for torch-fidelity's subsets and order.
"""

import json
import pathlib

import numpy as np

SEED = 20200220
KID_SUBSETS = 20
KID_SUBSET_SIZE = 100
ISC_SPLITS = 10
FIDELITY_SEED = 2020
"""torch-fidelity's own default."""


def draw(seed=SEED):
    """Draws reference features [600, 16], generated features [503, 16] and the latter's logits [503, 10]."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((16, 16)) / 4
    reference = np.maximum(rng.standard_normal((600, 16)) @ mixing, -0.5)
    generated = np.maximum(0.7 * rng.standard_normal((503, 16)) @ mixing + 0.25, -0.5)
    return reference, generated, 2 * rng.standard_normal((503, 10))


def kid_subsets(references, generated):
    """The rows of reference [20, 100] and generated features [20, 100] in torch-fidelity's subsets."""
    rng = np.random.RandomState(FIDELITY_SEED)
    pairs = [
        [rng.choice(size, KID_SUBSET_SIZE, replace=False) for size in (generated, references)]
        for _ in range(KID_SUBSETS)
    ]
    return np.array([pair[1] for pair in pairs]), np.array([pair[0] for pair in pairs])


def isc_order(size):
    """The order [size] that torch-fidelity shuffles samples into before it splits them."""
    return np.random.RandomState(FIDELITY_SEED).permutation(size)


def prdc(reference, generated, k):
    """Precision, recall, density and coverage by their definitions, from differences in loops over samples."""

    def distances(points, point):
        return np.sqrt(((points - point) ** 2).sum(1))

    real_radii = np.array([np.sort(distances(reference, x))[k] for x in reference])  # place 0 is the point itself
    fake_radii = np.array([np.sort(distances(generated, y))[k] for y in generated])
    to_real = np.array([distances(reference, y) for y in generated])
    in_real, in_fake = to_real <= real_radii, to_real <= fake_radii[:, None]
    return {
        "precision": float(in_real.any(1).mean()),
        "recall": float(in_fake.any(0).mean()),
        "density": float(in_real.sum() / (k * len(generated))),
        "coverage": float(in_real.any(0).mean()),
    }


def main():
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    reference, generated, logits = draw()
    real, fake, scores = (torch.from_numpy(array) for array in (reference, generated, logits))
    statistics = [fid_features_to_statistics(features) for features in (fake, real)]
    precision, recall = calculate_precision_recall_full(fake, real, neighborhood=3)  # generated come first
    found = {
        **fid_statistics_to_metric(*statistics, verbose=False),
        **kid_features_to_metric(
            fake,
            real,
            kid_subsets=KID_SUBSETS,
            kid_subset_size=KID_SUBSET_SIZE,
            rng_seed=FIDELITY_SEED,
            verbose=False,
        ),
        **isc_features_to_metric(scores, splits=ISC_SPLITS, shuffle=True, rng_seed=FIDELITY_SEED),
        "precision": precision,
        "recall": recall,
        "prdc": {k: prdc(reference, generated, k) for k in (3, 5)},
    }
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
