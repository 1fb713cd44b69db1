"""The classifier that comes with gengen: `python -m gengen.tasks.shipped_classifiers` trains it and writes its file.

It is of the embedded digits at 16x16x1, the default of every experiment, so that scores of different machines are
comparable, and no run on the digits has to wait for it. Its weights are rounded to float16: the rounded ones are the
weights, whose digest and accuracy the file names. The file is to be written anew where the digits, their split or the
recipe change; `tests/tasks/shipped_classifiers_test.py` says when.
"""

from gengen.data.dataset import load
from gengen.data.signature import DataSet
from gengen.tasks.classifier import SHIPPED, TrainedClassifier, tested, trained, write


def digits() -> DataSet:
    """The data set whose classifier is shipped."""
    return load(name="digits", resolution=16, channels=1)


def rounded(made: TrainedClassifier, data: DataSet) -> TrainedClassifier:
    """A classifier with weights that float16 holds, tested again."""
    weights = {name: array.astype("<f2").astype("<f4") for name, array in made.weights.items()}
    return tested(made.network, weights, made.metadata, data)


def main() -> None:
    """Trains the classifier, or reads it where this machine has trained it, and writes its file."""
    data = digits()
    file = SHIPPED / f"{data.signature.digest}.npz"
    file.unlink(missing_ok=True)
    made = rounded(trained(data, data.folder / "classifier.npz"), data)
    for other in SHIPPED.glob("*.npz"):
        other.unlink()
    write(file, {name: array.astype("<f2") for name, array in made.weights.items()}, made.metadata)
    accuracy = f"{made.metadata['correct']} of {made.metadata['count']} held-out images"
    print(f"{file}: {made.name} {made.digest}, {accuracy}, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
