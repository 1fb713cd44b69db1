"""Whether samples show what their captions say: attribute by attribute, read off the pictures by geometry."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gengen.data.grammar import WORDS, Scene, parsed
from gengen.data.words import TEXT, spelled
from gengen.evaluation.judging import Section, Subject
from gengen.evaluation.scene_reading import Agreement, agreement, things_in
from gengen.inference.conditions import takes_text
from gengen.inference.sampling import sampler
from gengen.metrics.interval import of_share
from gengen.pictures.captions import Block, captioned

PAIRS = 12
"""Captions of unseen combinations whose held-out picture and sample are shown."""


def attributes(subject: Subject) -> Section | None:
    """Draws a sample for each held-out caption, and counts how often its things are those that the caption says.

    Captions whose combinations of attributes are in training captions, "seen", and those of combinations that are in
    none, "unseen", are counted apart, and so is how often the held-out pictures themselves are read as their captions
    say, "real": what no model can exceed by more than chance.

    Returns:
      For "seen", "unseen" and "real" the number of "captions" and, of those of `Agreement` that they speak of, the
      share with its interval; and "words", a picture of held-out scenes beside samples. None where the model takes no
      text, or the captions are not those of `data.grammar`.
    """
    run, signature = subject.run, subject.data.signature
    if not takes_text(run.model) or run.model.sample is None or signature.text is None or signature.text.words != WORDS:
        return None
    test = {name: np.asarray(values[: subject.num]) for name, values in subject.data.splits["test"].items()}
    scenes = [scene for text in test[TEXT] if (scene := parsed(spelled(text, WORDS)))]
    assert len(scenes) == len(test[TEXT])  # all are the grammar's own
    draw = sampler(run.model, signature.units)
    samples = draw(run.variables, subject.seed, len(scenes), {TEXT: test[TEXT]})
    seen = np.array([scene.is_seen for scene in scenes])
    found, real = (
        [agreement(scene, things_in(picture)) for scene, picture in zip(scenes, pictures, strict=True)]
        for pictures in (samples, test["data"])
    )
    report = {
        "seen": shares([each for each, known in zip(found, seen, strict=True) if known]),
        "unseen": shares([each for each, known in zip(found, seen, strict=True) if not known]),
        "real": shares(real),
    }
    chosen = np.flatnonzero(~seen)[:PAIRS]
    shown = [scenes[place] for place in chosen]
    return Section(report, lambda: _sheet(shown, test["data"][chosen], samples[chosen]), "attributes")


def shares(found: Sequence[Agreement]) -> dict[str, Any]:
    """How many captions there are, and of each attribute in how many of those that speak of it it is right.

    Args:
      found: of each caption and its picture.

    Returns:
      "captions", and by the names of `Agreement` an `Estimate` as a mapping; what no caption speaks of is left out.
    """
    counted: dict[str, Any] = {"captions": len(found)}
    for name in Agreement._fields:
        right = [bool(value) for each in found if (value := getattr(each, name)) is not None]
        if right:
            counted[name] = of_share(sum(right), len(right))._asdict()
    return counted


def _sheet(scenes: Sequence[Scene], real: np.ndarray, samples: np.ndarray) -> np.ndarray:
    cells = np.stack([real, samples], 1).reshape(-1, *real.shape[1:])
    rows = [scene.caption for scene in scenes]
    return captioned([Block(cells, 2, rows=rows, across=("held out", "sample"))], "combinations that training has not")
