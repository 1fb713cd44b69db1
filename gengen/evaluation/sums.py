"""Arithmetic of latents: the mean of a few pictures' latents, plus that of a few others, minus that of a few more."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data.labels import present
from gengen.evaluation.features import class_extractor
from gengen.inference.conditions import DOMAIN, LABEL, classes_of
from gengen.inference.formula import CLASS, Term, parsed
from gengen.inference.latents import Latents
from gengen.runs.coded import Coded, alike, asked_of, drawn, encoded, shown_of
from gengen.runs.limits import check_room
from gengen.runs.run import Run

DIGITS = ("7", "1", "4")
"""Classes of the sum that is shown by default where the data have them: a 7 without its stroke, on a 4, is a 9."""

PICTURES = 3
"""Pictures of each term of a sum by numbers that is shown by default."""

SEARCHED = 1_000
"""Draws among which pictures of a class are looked for, and the most held-out images of a class that are encoded."""

DEVIATION_OF = 256
"""Draws of which the deviation of latents is taken."""

NOISE, SIDE = 0.25, 3
"""Half of the width of the uniform noise about a sum, in standard deviations of the latents, and the pictures in a row
and a column: figure 7 of Radford et al. 2016, https://arxiv.org/abs/1511.06434."""


class Part(NamedTuple):
    """A term of a sum.

    Attributes:
      term: as it was written.
      title: in words.
      images: the pictures that stand for it, [domains, n, *shape] in the data's units.
      number: of latents of which the mean is taken, more than pictures where these would be many.
      code: the mean latent [...].
      label: the class that its pictures are told, or None.
    """

    term: Term
    title: str
    images: np.ndarray
    number: int
    code: np.ndarray
    label: int | None


class Sum(NamedTuple):
    """A sum of mean latents, and what is made of it.

    Attributes:
      parts: the terms.
      means: what their mean latents are decoded to, [domains, terms, *shape] in the data's units.
      codes: the sum, in the middle, and it with noise, [SIDE, SIDE, ...].
      result: what these are decoded to, [domains, SIDE, SIDE, *shape] in the data's units.
      pictures: where the terms' pictures come from.
    """

    parts: list[Part]
    means: np.ndarray
    codes: np.ndarray
    result: np.ndarray
    pictures: "Pictures"

    @property
    def captions(self) -> list[str]:
        """The terms in words, each with its sign but for the first."""
        signs = ["− " if part.term.sign < 0 else "+ " if index else "" for index, part in enumerate(self.parts)]
        return [sign + part.title for sign, part in zip(signs, self.parts, strict=True)]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name, as `--mode=arithmetic` keeps it; an axis of domains only where there are several."""
        exemplars = np.concatenate([part.images for part in self.parts], axis=1)
        pictures = {"exemplars": exemplars, "means": self.means, "results": self.result}
        return {
            **{name: shown if len(shown) > 1 else shown[0] for name, shown in pictures.items()},
            "terms": np.repeat(np.arange(len(self.parts)), [part.images.shape[1] for part in self.parts]),
            "signs": np.array([part.term.sign for part in self.parts]),
            "codes": np.stack([part.code for part in self.parts]),
            "sums": self.codes,
        }


def summed(
    run: Run, latents: Latents, formula: str | None, *, num: int, seed: int, source: Path | None, label: int | None
) -> Sum:
    """Adds mean latents of pictures, and decodes the sum.

    Pictures by number are held-out ones as `--mode=reconstruct` numbers them, or the user's own, where the model can
    encode; else samples, as `--mode=sample` draws them. A class is the mean of at most `SEARCHED` held-out images of it
    where the model can encode, samples that were told it where these can be told, and else those of `SEARCHED` samples
    that the classifier of the data is surest of. What a decoder has to be told is, for a mean, the class of its first
    picture, and for the sum that of the first term.

    Args:
      run: the run.
      latents: of its model.
      formula: the sum, as in `inference.formula`; None for one that shows something.
      num: pictures that stand for a class.
      seed: of the draws, of the choice of held-out images, and of the noise about the sum.
      source: a folder of the user's pictures, in the place of held-out ones.
      label: the class of pictures by number, for a model that takes labels.

    Raises:
      Refusal: the formula is none, or it names pictures or classes that cannot be had.
    """
    pictures = Pictures(run, latents, num=num, seed=seed, source=source, label=label)
    formula = pictures.default() if formula is None else formula
    parts = [pictures.part(term, formula) for term in parsed(formula, run.signature.classes)]
    middle = np.sum([part.term.sign * np.asarray(part.code, np.float64) for part in parts], axis=0)
    noise = np.random.default_rng(seed).uniform(-NOISE, NOISE, (SIDE, SIDE, *middle.shape)) * pictures.deviation()
    noise[SIDE // 2, SIDE // 2] = 0
    codes = (middle + noise).astype(np.float32)
    told = [alike(run, 1, part.label) for part in parts]
    means = latents.shown(
        np.stack([part.code for part in parts]),
        np.zeros(len(parts), int),
        {name: np.concatenate([each[name] for each in told]) for name in told[0]},
    )
    return Sum(parts, means, codes, latents.alike(codes, told[0]), pictures)


class Pictures:
    """Where the pictures of a sum come from; arguments are those of `summed`."""

    def __init__(
        self, run: Run, latents: Latents, *, num: int, seed: int, source: Path | None, label: int | None
    ) -> None:
        self._run, self._latents, self._num, self._seed = run, latents, num, seed
        self._source, self._label = source, label
        self._told = latents.heeds(run.signature.shape, LABEL)
        self._codes: list[np.ndarray] = []

    def default(self) -> str:
        """The sum that is shown where none is given: of three classes, or of nine pictures that are told one class."""
        run, names = self._run, self._classes()
        if len(names) > 2:
            return "label:{}-label:{}+label:{}".format(*(DIGITS if set(DIGITS) <= set(names) else names[:3]))
        wanted = 3 * PICTURES
        seen = self._first(wanted * max(1, 2 * self._told * classes_of(run.model)))
        labels = seen.condition[LABEL] if self._told else np.zeros(len(seen.codes))
        alike = np.flatnonzero(labels == labels[0])[:wanted]
        if len(alike) < 3:
            raise Refusal(f"a sum takes three pictures or more, and there are no more than {seen.title}.")
        groups = [",".join(map(str, group)) for group in np.array_split(alike, 3)]
        return "{}-{}+{}".format(*groups)

    def part(self, term: Term, formula: str) -> Part:
        """The pictures of a term and their mean latent.

        Raises:
          Refusal: they cannot be had.
        """
        names = self._run.signature.classes
        coded = (
            self._of_numbers(term.numbers, formula)
            if term.label is None
            else self._of_class(term.label, formula, self._num)
        )
        self._codes.append(coded.codes)
        labels = coded.condition.get(LABEL)
        shown = len(term.numbers) or self._num
        if coded.images is None:
            condition = {**alike(self._run, len(coded.codes), None), **coded.condition}
            images = self._latents.shown(coded.codes, np.zeros(len(coded.codes), int), condition)
        else:
            images = coded.images[None, :shown]
        label = None if labels is None else int(labels[0])
        return Part(term, term.said(names), images, len(coded.codes), coded.codes.mean(0), label)

    def codes_of(self, term: Term) -> np.ndarray:
        """Latents of all pictures that there are of the class of a term, [n, ...].

        Raises:
          Refusal: there are none.
        """
        assert term.label is not None, "it is of a class"
        name = self._run.signature.classes[term.label]
        return self._of_class(term.label, f"{CLASS}{name}", SEARCHED).codes

    def deviation(self) -> np.ndarray:
        """Standard deviations of the numbers of a latent: of what was encoded, or of draws of the prior."""
        if self._run.model.encode is not None:
            return np.asarray(np.concatenate(self._codes).std(0))
        return np.asarray(self._latents.draw(DEVIATION_OF, asked_of(self._run, DEVIATION_OF, None)).std(0))

    def _classes(self) -> list[str]:
        """The classes that a sum of classes can be shown of: none where a decoder is told the class."""
        run = self._run
        if self._told or self._source is not None or not run.signature.classes:
            return []
        data = run.data()
        if len(present(data)) < 3:
            return []
        found = present(data) if run.model.encode is not None else np.unique(self._classified[1].argmax(1))
        return [run.signature.classes[label] for label in found]

    def _of_numbers(self, numbers: Sequence[int], formula: str) -> Coded:
        seen = self._first(max(numbers) + 1)
        if max(numbers) >= len(seen.codes):
            raise Refusal(
                f"--formula={formula}: there is no picture {max(numbers)}, as numbers begin at 0 and there are no more "
                f"than {seen.title}."
            )
        return _chosen(seen, np.array(numbers))

    def _first(self, number: int) -> Coded:
        """The first pictures by number."""
        run, latents = self._run, self._latents
        if run.model.encode is not None:
            return encoded(run, latents, shown_of(run, latents, number, self._seed, self._source, self._label))
        check_room(number, run.signature, f"--formula with number {number - 1}")
        domains = run.model.conditions[DOMAIN].classes if DOMAIN in run.model.conditions else 1
        draws = drawn(run, latents, -(-number // domains), asked_of(run, -(-number // domains), self._label))
        return _chosen(draws, np.arange(number) // domains)  # samples of two domains are pairs of one latent

    def _of_class(self, label: int, formula: str, number: int) -> Coded:
        run, name = self._run, self._run.signature.classes[label]
        if run.model.encode is not None:
            if self._source is not None:
                raise Refusal(
                    f"--formula={formula}: {CLASS}{name} is a class of held-out images; with --input name pictures by "
                    f"their numbers, as in 0,1-2+3."
                )
            found = encoded(run, self._latents, shown_of(run, self._latents, SEARCHED, self._seed, None, label))
            if not len(found.codes):
                raise Refusal(f"--formula={formula}: no held-out image of {run.signature.name} is of class {name}.")
            return found
        if self._told:
            return drawn(run, self._latents, number, asked_of(run, number, label))
        draws, log_probabilities, by = self._classified
        surest = np.argsort(-log_probabilities[:, label], kind="stable")[:number]
        surest = surest[log_probabilities[surest].argmax(1) == label]
        if not len(surest):
            raise Refusal(
                f"--formula={formula}: none of {SEARCHED:,} samples is taken for class {name} by {by}; choose other "
                f"classes, or numbers of pictures."
            )
        return _chosen(draws, surest)

    @cached_property
    def _classified(self) -> tuple[Coded, np.ndarray, str]:
        """Draws, the log-probabilities of their classes, and by which classifier these are."""
        run, extractor = self._run, class_extractor(self._run.data())
        draws = drawn(run, self._latents, SEARCHED, asked_of(run, SEARCHED, None))
        made = self._latents.decode(draws.codes, np.zeros(SEARCHED, int), alike(run, SEARCHED, None))
        _, log_probabilities = extractor.extract(run.signature.units.to_data(made))
        assert log_probabilities is not None, "it names classes"
        return draws, log_probabilities, extractor.title


def _chosen(coded: Coded, indices: np.ndarray) -> Coded:
    """Some of what was encoded or drawn."""
    images = None if coded.images is None else coded.images[indices]
    told = {name: values[indices] for name, values in coded.condition.items()}
    return coded._replace(codes=coded.codes[indices], images=images, condition=told)
