"""Which examples of a data set an experiment uses: some classes, some set aside, and some that keep their labels.

Each choice is a fixed rule, the same on every machine and in every run; no seed of a run has a say in it.
"""

import dataclasses
import difflib
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data import room
from gengen.data.pipeline import order, stream_seed
from gengen.data.signature import DataSet


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """What is selected from the splits "train" and "test" of a data set; the defaults select all of it.

    Attributes:
      classes: names of the classes to which both splits are restricted, or their numbers where no class has that name;
        () is all. Labels keep their numbers, and the signature keeps the names of all classes.
      held_out: share in [0, 1) of the training examples left then, rounded to whole ones, that is moved from "train" to
        a split "held_out". Which ones depends on nothing but the share and the number of examples.
      labelled: how many examples of "train" are copied to a split "labelled", as many of each class; where the classes
        do not divide it, the first ones have one more. "train" stays whole. 0 makes no such split.

    Raises:
      Refusal: a number is out of range.
    """

    classes: Sequence[str | int] = ()
    held_out: float = 0.0
    labelled: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise Refusal(f"--config.data.held_out={self.held_out} should be a share from 0 up to, not including, 1.")
        if self.labelled < 0:
            raise Refusal(f"--config.data.labelled={self.labelled} should be a number of examples, or 0.")

    def of(self, data: DataSet) -> DataSet:
        """Selects from a data set.

        Where "train" or "test" changes, so do the digest and the folder; what is selected is copied to memory. A second
        data set stays as it is.

        Args:
          data: a data set with splits "train" and "test".

        Returns:
          The data set itself if nothing is left out or added; otherwise one with examples in the order that they had.

        Raises:
          Refusal: a class is unknown, there are no labels to select by, too few examples, or more than fit into memory.
        """
        places = {split: np.arange(len(arrays["data"])) for split, arrays in data.splits.items()}
        if self.classes:
            numbers = _numbers(self.classes, data)
            places = {split: np.flatnonzero(np.isin(data.splits[split]["label"], numbers)) for split in places}
            for split, chosen in places.items():
                if not len(chosen):
                    listed = ", ".join(data.signature.classes[number] for number in numbers)
                    raise Refusal(
                        f"--config.data.classes={listed} leaves no example of {data.signature.name} in {split}."
                    )
        if self.held_out:
            aside = _aside(self.held_out, len(places["train"]))
            places |= {"train": places["train"][~aside], "held_out": places["train"][aside]}
        taken = _taken(data, places)
        return _with_labelled(taken, self.labelled) if self.labelled else taken


def streams(data: DataSet) -> dict[str, np.ndarray | Mapping[str, np.ndarray]]:
    """What training feeds to `gengen.data.pipeline.batches`.

    Args:
      data: a data set.

    Returns:
      The split "train"; where there is a split "labelled", the examples of "train" without labels, and under "labelled"
      the few that have theirs, as a stream of its own: a model cannot see a label that it should not. Where there is a
      second data set, its examples alone are a stream "second" in an order of its own, and the pairs of the first are
      left out: a model cannot see which examples correspond.
    """
    fed: dict[str, np.ndarray | Mapping[str, np.ndarray]] = {**data.splits["train"]}
    if "labelled" in data.splits:
        del fed["label"]
        fed["labelled"] = {key: data.splits["labelled"][key] for key in ("data", "label")}
    if data.second is not None:
        fed.pop("paired", None)
        fed["second"] = {"data": data.second.splits["train"]["data"]}
    return fed


def _numbers(classes: Sequence[str | int], data: DataSet) -> list[int]:
    """The numbers of classes, in order."""
    name, known = data.signature.name, data.signature.classes
    entries = [classes] if isinstance(classes, str) else [str(entry) for entry in classes]
    if not known:
        raise Refusal(f"--config.data.classes={', '.join(entries)} needs labels, and {name} has none.")
    numbers = set()
    for entry in entries:
        if entry in known:
            numbers.add(known.index(entry))
        elif entry.isdecimal() and int(entry) < len(known):
            numbers.add(int(entry))
        else:
            close = difflib.get_close_matches(entry, known, n=1)
            hint = f"did you mean {close[0]}? It has" if close else "it has"
            listed = ", ".join(known) if len(known) <= 20 else f"{len(known)}, from {known[0]} to {known[-1]}"
            raise Refusal(f"--config.data.classes={entry} is no class of {name}; {hint} {listed}.")
    return sorted(numbers)


def _aside(share: float, count: int) -> np.ndarray:
    """Which of `count` examples are set aside, bool [count]; a larger share holds all that a smaller one does."""
    number = round(share * count)
    if not 0 < number < count:
        raise Refusal(
            f"--config.data.held_out={share} sets aside {number} of {count} training examples; each part needs one."
        )
    aside = np.zeros(count, bool)
    aside[order(stream_seed(0, "choice of held_out"), count, 0, number)] = True
    return aside


def _taken(data: DataSet, places: Mapping[str, np.ndarray]) -> DataSet:
    """Takes the examples at some places of "train" and "test"; the places of "held_out" are in "train"."""
    signature = data.signature
    if all(len(chosen) == signature.counts.get(split) for split, chosen in places.items()):
        return data
    copied = sum(len(chosen) for chosen in places.values()) * sum(
        array[:1].nbytes for array in data.splits["train"].values()
    )
    room.check_memory(f"A selection of {signature.name}", copied)
    digest = hashlib.sha256(signature.digest.encode())
    for split in ("train", "test"):
        digest.update(f" {split} {len(places[split])} ".encode() + places[split].astype("<i8").tobytes())
    wholes = {split: data.splits["train" if split == "held_out" else split] for split in places}
    splits = {split: {key: _at(array, places[split]) for key, array in wholes[split].items()} for split in places}
    counts = {split: len(chosen) for split, chosen in places.items()}
    name = digest.hexdigest()[:16]
    changed = dataclasses.replace(signature, counts=counts, digest=name)
    return dataclasses.replace(data, signature=changed, splits=splits, folder=data.folder / f"part_{name}")


def _with_labelled(data: DataSet, number: int) -> DataSet:
    """Adds the split "labelled"; digest and folder stay, as "train" and "test" do."""
    signature, train = data.signature, data.splits["train"]
    labels = train["label"] if signature.classes else np.empty(0, np.int32)
    classes = np.unique(labels[labels >= 0])  # TFDS writes -1 where a label is not known
    if not len(classes):
        raise Refusal(f"--config.data.labelled={number} needs labels, and {signature.name} has none.")
    if number < len(classes):
        raise Refusal(f"--config.data.labelled={number} should be at least {len(classes)}, one example of each class.")
    shuffled = order(stream_seed(0, "choice of labelled"), len(labels), 0, len(labels))
    chosen = []
    for place, label in enumerate(classes):
        wanted = number // len(classes) + (place < number % len(classes))
        found = shuffled[labels[shuffled] == label][:wanted]
        if len(found) < wanted:
            raise Refusal(
                f"--config.data.labelled={number} needs {wanted} training examples of class "
                f"{signature.classes[label]}, and there are {len(found)}."
            )
        chosen.append(found)
    places = np.sort(np.concatenate(chosen))
    splits = {**data.splits, "labelled": {key: _at(array, places) for key, array in train.items()}}
    counts = {**signature.counts, "labelled": number}
    return dataclasses.replace(data, signature=dataclasses.replace(signature, counts=counts), splits=splits)


def _at(array: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The entries at ascending places: the array itself where these are all."""
    if len(places) == len(array):
        return array
    taken = np.take(array, places, axis=0)
    taken.flags.writeable = False
    return taken
