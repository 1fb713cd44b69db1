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
from gengen.evaluation.recipe import Recipe, optimizer, steps_for
from gengen.models.classifier import classifier
from gengen.networks.classifier import FEATURES, Classifier

NAME = "classifier-v1"
"""Of the architecture and of how it is trained: to be raised when either changes."""

BATCH_SIZE = 128
"""Images of a step."""

SHIPPED = Path(__file__).parent / "classifiers"
"""Files that come with gengen, named by the digest of the data set."""


def classifier_of(data: DataSet, steps: int | None = None) -> Recipe:
    """How the classifier of a data set is trained.

    Args:
      data: a data set with labels; images of unknown classes are left out.
      steps: number of training steps; `steps_for` the training images by default.

    Raises:
      Refusal: the data set has no labels, or one class alone.
    """
    signature = data.signature
    if len(present(data)) < 2:
        found = "training images of one class alone" if present(data) else "no labels"
        raise Refusal(f"{signature.name} has {found}, so no classifier can be trained to judge its samples.")
    network = Classifier(len(signature.classes))
    arrays, held_out = with_labels(data.splits["train"]), with_labels(data.splits["test"])
    steps = steps_for(len(arrays["label"])) if steps is None else steps
    return Recipe(
        what=f"the classifier whose features judge samples of {signature.name}",
        name=NAME,
        network=network,
        architecture=f"features {FEATURES}, channels {network.channels}, classes {network.classes}",
        model=classifier(network=network, optimizer=optimizer(steps)),
        arrays=arrays,
        batch_size=BATCH_SIZE,
        steps=steps,
        held_out=(held_out["data"], held_out["label"]),
        shipped=SHIPPED / f"{signature.digest}.npz",
    )
