"""The classifier whose features judge samples of labelled pictures: trained once for each data set.

The weights for the embedded digits at 16x16x1 and for MNIST at 28x28x1 come with gengen
(`gengen.evaluation.shipped_classifiers`): judged by them, scores of all machines are comparable.

How much it matters, on the digits: from one seed with one thread or two, Fréchet distances of four sets of images
(training images, the same blurred, the same noisy, samples of a VAE) agree to three digits, 9.95 for the VAE. Three
seeds gave 8.44 to 9.95 for it, and 2.92 to 3.89 for blurred images: up to a factor of 1.33 is the classifier's alone.
"""

from pathlib import Path

from gengen.core.refusal import Refusal
from gengen.data.labels import present, with_labels
from gengen.data.signature import DataSet
from gengen.evaluation import trained_network
from gengen.evaluation.trained_network import TrainedNetwork, Weights, fitted, kept_or_trained, optimizer, steps_for
from gengen.models.classifier import classifier
from gengen.networks.classifier import FEATURES, Classifier

NAME = "classifier-v1"
"""Of the architecture and of how it is trained: to be raised when either changes."""

BATCH_SIZE = 128
"""Images of a step."""

SHIPPED = Path(__file__).parent / "classifiers"
"""Files that come with gengen, named by the digest of the data set."""


def trained(data: DataSet, cache: Path, *, steps: int | None = None) -> TrainedNetwork:
    """Reads the classifier of a data set, which came with gengen or is in its file, or trains it and writes the file.

    Each process of a run may call it, and trains on its first device alone.

    Args:
      data: a data set with labels; images of unknown classes are left out.
      cache: the file, a .npz of plain arrays.
      steps: number of training steps; `steps_for` the training images by default.

    Raises:
      Refusal: the data set has no labels, or one class alone.
    """
    signature = data.signature
    if len(present(data)) < 2:
        found = "training images of one class alone" if present(data) else "no labels"
        raise Refusal(f"{signature.name} has {found}, so no classifier can be trained to judge its samples.")
    network = Classifier(len(signature.classes))
    steps = steps_for(len(with_labels(data.splits["train"])["label"])) if steps is None else steps
    wanted = {
        "name": NAME,
        "architecture": f"features {FEATURES}, channels {network.channels}, classes {network.classes}",
        "shape": list(signature.shape),
        "data": signature.digest,
        "seed": trained_network.SEED,
        "steps": steps,
    }
    held_out = with_labels(data.splits["test"])
    return kept_or_trained(
        network,
        wanted,
        (SHIPPED / f"{signature.digest}.npz", cache),
        lambda: _train(data, network, steps),
        (held_out["data"], held_out["label"]),
        f"the classifier whose features judge samples of {signature.name}",
    )


def _train(data: DataSet, network: Classifier, steps: int) -> Weights:
    model = classifier(network=network, optimizer=optimizer(steps))
    return fitted(model, data.signature, with_labels(data.splits["train"]), steps, BATCH_SIZE)
