"""Judging sets of examples against one data set."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from gengen.core.nouns import NOUNS
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.data.labels import only_labelled, present, with_labels
from gengen.data.signature import DataSet
from gengen.data.splits import OWN
from gengen.data.words import TEXT
from gengen.evaluation.extractor import Extractor
from gengen.evaluation.features import Choice, Extractors, UnfitDataError, choose, extractors, with_features
from gengen.evaluation.known_modes import modes_of
from gengen.inference.conditions import LABEL
from gengen.inference.sampling import Draw
from gengen.metrics.comparison import Compared, compare
from gengen.metrics.examples import Examples, Real
from gengen.metrics.interval import Estimate
from gengen.metrics.measures import measure
from gengen.metrics.scores import FEWEST_POINTS, FEWEST_TRAINING, SCORES, available
from gengen.runs.run import Run

REFERENCE = 10_000
"""The most held-out examples that samples are compared with."""

SEED = 0
"""Of the choice among held-out examples, and among training examples that stand in for samples."""


class Judge:
    """What samples of a data set are judged by: extractors, held-out examples, and what is derived from them.

    The reference is the held-out split, so that a model that copies its training data scores as real data do, and no
    better. Training examples in the place of samples give the floor. There are no more samples than these, so that a
    score and its floor are of the same size. Samples that can be told their class are told those of the training
    examples that stand in for them: their classes then have the data's shares, and by chance as the floor's do.

    Attributes:
      signature: of the data.
      num: number of samples.
      nouns: what one example and several are called.
      training: all training examples that samples are compared with [M, *shape].
      asked: classes that samples are told to be [num]; None where they are not.
      names: of the scores that are measured.
      left_out: a sentence about scores that would take more examples; "" if there are none.

    Args:
      data: the data set; where samples can be told their class, its examples of unknown classes are left out.
      settings: the section `evaluation`.
      num: number of samples that are asked for.
      scores: names of scores; all that can be had if there is none.
      labelled: whether samples can be told their class.
      texts: whether they can be told texts, which are those of the same training examples then.
      features: what gives features; None for what the settings choose.
      against: examples of which copies are looked for [M, *shape]; None for the training examples.

    Raises:
      UnfitDataError: the data have too few examples, or none of the extractors fits them.
      Refusal: a score or an extractor is unknown or cannot be had.
    """

    def __init__(
        self,
        data: DataSet,
        settings: ConfigDict,
        *,
        num: int,
        scores: Sequence[str] = (),
        labelled: bool = False,
        texts: bool = False,
        features: Extractor | None = None,
        against: np.ndarray | None = None,
    ) -> None:
        data = only_labelled(data) if labelled else data
        train, test = data.splits["train"], data.splits["test"]
        self.signature, self.nouns = data.signature, NOUNS[data.signature.kind]
        self.training = train["data"]
        number = min(len(test["data"]), len(self.training))
        fewest = max((SCORES[name].fewest for name in scores if name in SCORES), default=FEWEST_POINTS)
        if number < fewest or len(self.training) < FEWEST_TRAINING:
            raise UnfitDataError(
                f"{data.signature.name} has {len(self.training)} training and {len(test['data'])} held-out "
                f"{self.nouns[1]}; to judge samples there must be {max(fewest, FEWEST_TRAINING)} and {fewest} of them."
            )
        self.num = min(num, len(self.training))
        self.asked = pick(train["label"], self.num)[1] if labelled else None
        self._told = {} if self.asked is None else {LABEL: self.asked}
        if texts:
            self._told[TEXT] = pick(train[TEXT], self.num)[1]
        self._data, self._settings, self._features, self._against = data, settings, features, against
        choice = Choice("", len(present(data)) > 1) if features else choose(data, settings)
        self._counts, self._modes = _counts(data) if choice.labelled else None, modes_of(data)
        can = partial(
            available,
            probabilities=features.classes > 0 if features else choice.has_classes,
            labels=self._counts is not None,
            pairs=self._counts is not None and self.num > 3 * len(self._counts),
            asked=labelled,
            pictures=data.signature.kind == "picture",
            modes=self._modes is not None,
            centres=self._modes is not None and self._modes.centred,
        )
        self.names = chosen(scores, can(number=number))
        self.left_out = "" if scores else _left_out(data, [name for name in can() if name not in self.names])
        if choice.features == "inception":
            _ = self.sees  # the file may be a wrong one

    @cached_property
    def sees(self) -> Extractors:
        """What turns examples into features; a network is taught when it is first needed."""
        if self._features:
            return with_features(self._data, self._features)
        return extractors(self._data, self._settings)

    @cached_property
    def real(self) -> Real:
        """The data, as the scores see them."""
        test = self._data.splits["test"]
        indices, held_out = pick(test["data"], REFERENCE)
        reference = self.examples(held_out, asked=None if self.asked is None else test["label"][indices])
        modes = self._modes.number if self._modes else 0
        return Real(reference, self.sees.points.extract(self.copied)[0], self._counts, modes)

    @property
    def copied(self) -> np.ndarray:
        """The examples of which copies are looked for [M, *shape]."""
        return self.training if self._against is None else self._against

    def examples(
        self, data: np.ndarray, indices: np.ndarray | None = None, asked: np.ndarray | None = None
    ) -> Examples:
        """Shows examples to the extractors.

        Args:
          data: in the data's units [N, *shape].
          indices: of the examples among the training ones, if they are of them [N].
          asked: classes that they were told to be, if they were [N].
        """
        features, log_probabilities = self.sees.features.extract(data)
        seen = log_probabilities
        if self.sees.classes is None:
            seen = None
        elif self.sees.classes is not self.sees.features:
            seen = self.sees.classes.extract(data)[1]
        points, modes = self.sees.points.extract(data)[0], self._modes.find(data, seen) if self._modes else None
        return Examples(data, points, features, log_probabilities, seen, indices, asked, modes)

    def samples(self, draw: Draw, variables: Variables, seed: int) -> Examples:
        """Draws samples, told the classes or texts asked for where they can be, and shows them to the extractors.

        Raises:
          Refusal: some hold values that are not finite.
        """
        drawn = draw(variables, seed, self.num, self._told or None)
        if not np.isfinite(drawn).all():
            raise Refusal("samples hold values that are not finite, so that they cannot be judged; train another run.")
        return self.examples(drawn, asked=self.asked)

    @cached_property
    def floor(self) -> Examples:
        """As many training examples as there are samples, in their place; the classes asked for are their own."""
        indices, data = pick(self.training, self.num)
        return self.examples(data, indices if self._against is None else None, self.asked)

    def scores(self, examples: Examples) -> dict[str, Estimate]:
        """Measures the chosen scores of examples."""
        return measure(self.real, examples, self.names)

    def compared(
        self, samples: Examples, floor: Examples, found: Mapping[str, Estimate], found_of_floor: Mapping[str, Estimate]
    ) -> dict[str, Compared]:
        """Compares samples with real data by the chosen scores that have a direction; both were measured."""
        return compare(self.real, samples, floor, found, found_of_floor)

    def extractor(self, name: str) -> Extractor:
        """The extractor that a score sees through."""
        if SCORES[name].sees != "modes":
            extractor = self.sees._asdict()[SCORES[name].sees]
        elif self._modes and self._modes.centred:
            extractor = self.sees.points._replace(name="centres", classes=self._modes.number)
        else:
            extractor = self.sees.classes
        assert isinstance(extractor, Extractor)
        return extractor

    def least(self, name: str) -> int:
        """The number of examples from which a score means something."""
        extractor = self.extractor(name)
        return SCORES[name].least(extractor.dimension, extractor.classes)

    def tag(self, name: str) -> str:
        """The name of a score in metrics.jsonl and TensorBoard, with its extractor."""
        return f"evaluation/{self.extractor(name).title.replace(' ', '-')}/{name}"


def chosen(names: Sequence[str], offered: Sequence[str]) -> list[str]:
    """Checks names of scores; all that are offered if there is none.

    Raises:
      Refusal: a score is unknown, or is not offered.
    """
    for name in names:
        if name not in offered:
            what = "cannot be had from these data and features" if name in SCORES else "is unknown"
            raise Refusal(f"config.evaluation.scores: {name!r} {what}; what can be had: {', '.join(offered)}.")
    return [name for name in offered if not names or name in names]


def _left_out(data: DataSet, names: Sequence[str]) -> str:
    """Says which scores would take more examples, and where they can come from; "" if there are none."""
    if not names:
        return ""
    many = NOUNS[data.signature.kind][1]
    fewest = sorted({SCORES[name].fewest for name in names})
    listed = "; ".join(
        f"{', '.join(SCORES[name].title_of(many) for name in names if SCORES[name].fewest == few)} from {few} on"
        for few in fewest
    )
    counts = {split: len(data.splits[split]["data"]) for split in ("train", "test")}
    drawn = data.signature.split != OWN and counts["test"] < counts["train"]
    more = "; another run holds out more with --config.data.test_share" * drawn
    return (
        f"{counts['train']:,} training and {counts['test']:,} held-out {many} are too few for scores that take more "
        f"of each: {listed}{more}."
    )


def _counts(data: DataSet) -> np.ndarray | None:
    """How many training examples are known to be of each class [K]; None, and a line, if a class has none."""
    names, there = data.signature.classes, present(data)
    if len(there) < len(names):
        few = f"{len(names) - len(there):,} of the {len(names):,} classes of {data.signature.name}"
        one = NOUNS[data.signature.kind][0]
        print(f"gengen: {few} have no training {one}, so there are no scores of classes", file=sys.stderr)
        return None
    return np.bincount(with_labels(data.splits["train"])["label"], minlength=len(names))


def pick(examples: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Picks at most so many of examples [N, ...] at random, without repetition, always the same, in a random order.

    Returns:
      Their indices [n] and the examples [n, ...].
    """
    indices = np.random.default_rng(SEED).permutation(len(examples))[:number]
    return indices, np.asarray(examples[indices])


class Samples(NamedTuple):
    """Samples of a run.

    Attributes:
      judge: what they are judged by.
      examples: the samples, as it sees them.
    """

    judge: Judge
    examples: Examples


class Subject(NamedTuple):
    """A run that is evaluated.

    Attributes:
      run: the run; where its model can only encode and decode, with a prior fitted to its codes.
      data: what it was trained on.
      samples: of it; None where no single data set is there to compare them with, or the model cannot sample.
      num: the most samples, or held-out examples to translate.
      seed: of the noise.
    """

    run: Run
    data: DataSet
    samples: Samples | None
    num: int
    seed: int


class Section(NamedTuple):
    """A part of the report on a run.

    Attributes:
      found: what was measured, in plain values as JSON holds them.
      picture: draws it, uint8 [H, W, C]; None where there is nothing to see.
      name: what the name of its file ends with, after a hyphen; "" for the one that is named as the report is.
    """

    found: Mapping[str, Any]
    picture: Callable[[], np.ndarray] | None = None
    name: str = ""
