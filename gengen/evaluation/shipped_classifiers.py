"""The classifiers that come with gengen: `python -m gengen.evaluation.shipped_classifiers NAME` writes the file of one.

They are of the embedded digits at 16x16x1, of the larger data sets that experiments show, and of MNIST at 28x28x1, so
that scores of different machines are comparable, and no run on these data has to wait for one. Weights may be rounded
to a smaller type: the rounded ones are the weights, whose digest and accuracy the file names. A file is to be written
anew where the data, their split or the recipe change, and the earlier one deleted;
`tests/evaluation/shipped_classifiers_test.py` says when.
"""

import sys

from gengen.data.dataset import load
from gengen.data.signature import DataSet
from gengen.evaluation.trained_classifier import SHIPPED, classifier_of
from gengen.evaluation.trained_network import TrainedNetwork, tested, trained, write

SETS = {"digits": (16, "<f2"), "digits_smooth": (28, "<f2"), "glyphs_varied": (28, "<f2"), "mnist": (28, "<f4")}
"""Height and width of the images, and the type of the weights in the file."""


def rounded(made: TrainedNetwork, data: DataSet, kind: str) -> TrainedNetwork:
    """A classifier with weights that a type of float holds, tested again."""
    weights = {name: array.astype(kind).astype("<f4") for name, array in made.weights.items()}
    return tested(classifier_of(data), weights, made.metadata)


def main(name: str) -> None:
    """Trains the classifier of one of `SETS`, or reads it where this machine has trained it, and writes its file."""
    resolution, kind = SETS[name]
    data = load(name=name, resolution=resolution, channels=1)
    made = rounded(trained(data, classifier_of(data), data.folder / "classifier.npz"), data, kind)
    file_of = SHIPPED / f"{data.signature.digest}.npz"
    write(file_of, {path: array.astype(kind) for path, array in made.weights.items()}, made.metadata, packed=True)
    accuracy = f"{made.metadata['correct']} of {made.metadata['count']} held-out images"
    print(f"{file_of}: {made.name} {made.digest}, {accuracy}, {file_of.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
