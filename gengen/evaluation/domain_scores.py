"""How good images are as images of a domain, and whether those that belong together show the same class.

A classifier of a domain is taught by that domain's own labels. What it calls a translation says whether the label of
the input survived; how often it is right of real images of its domain says how much of that it could have seen.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from gengen.data.signature import DataSet
from gengen.evaluation.features import UnfitDataError
from gengen.evaluation.judging import REFERENCE, Judge, Subject, pick
from gengen.inference.conditions import DOMAIN
from gengen.inference.domains import domains
from gengen.inference.sampling import sampler
from gengen.metrics.examples import Examples
from gengen.metrics.interval import Estimate, of_share
from gengen.metrics.measures import labels_of

SCORES = ("frechet_distance", "precision", "recall")
"""What images of a domain are judged by."""

SETS = ("outputs", "floor", "inputs")
"""What is judged as images of a domain: what a model made, training images in their place, what it was made of."""


class Seen(NamedTuple):
    """Sets of images of one domain, as its extractors see them.

    Attributes:
      judge: of the domain.
      images: by the names of `SETS`.
    """

    judge: Judge
    images: Mapping[str, Examples]


def see(domain: DataSet, settings: ConfigDict, shown: Mapping[str, np.ndarray]) -> Seen | str:
    """Shows images to what judges images of a domain, and as many of its training images, the floor.

    Args:
      domain: the domain.
      settings: the section `evaluation`.
      shown: "outputs" and perhaps "inputs", uint8 [N, H, W, C] of the domain's shape.

    Returns:
      What was seen; or a sentence that says why images of this domain cannot be judged.
    """
    try:
        judge = Judge(domain, settings, num=len(shown["outputs"]), scores=SCORES)
    except UnfitDataError as error:
        return str(error)
    return Seen(judge, {"floor": judge.floor, **{name: judge.examples(pixels) for name, pixels in shown.items()}})


def as_images(seen: Seen | str) -> dict[str, Any]:
    """Scores of what was seen, as JSON can hold them; `translation` says what there is."""
    if isinstance(seen, str):
        return {"unfit": seen}
    judge = seen.judge
    sets = {name: judge.scores(seen.images[name]) for name in SETS if name in seen.images}
    extractor = judge.extractor(SCORES[0])
    return {
        "scores": {name: {shown: found[name]._asdict() for shown, found in sets.items()} for name in SCORES},
        "extractor": {field: getattr(extractor, field) for field in ("name", "digest", "title", "dimension")},
        "reference": len(judge.real.reference.data),
        "meaningful_from": judge.least(SCORES[0]),
    }


def survival(seen: Seen | str, source: DataSet, target: DataSet, indices: np.ndarray) -> dict[str, Any] | None:
    """How many labels survive a translation, in the eyes of a classifier taught by the target's own labels.

    Args:
      seen: translations, "outputs", and perhaps their "inputs", by the judge of the target.
      source: where the inputs are from.
      target: what they are translated to.
      indices: of the inputs among the held-out images of the source [N].

    Returns:
      Shares named right: of "outputs" and, if they were seen, "inputs", by the labels of the inputs; and of "real"
      held-out images of the target by their own, of known classes alone. With the "classifier", its title. None where
      the two domains do not have the same classes, or no image has one, or the target cannot be judged.
    """
    if not _nameable(seen, source, target):
        return None
    assert isinstance(seen, Seen) and seen.judge.sees.classes
    labels = source.splits["test"]["label"][indices]
    own = pick(target.splits["test"]["label"], REFERENCE)[1]
    if not ((labels >= 0).any() and (own >= 0).any()):
        return None
    shares = {name: _right(seen.images[name], labels) for name in ("outputs", "inputs") if name in seen.images}
    # The judge picks its reference with the same seed, and so in the same order.
    shares["real"] = _right(seen.judge.real.reference, own)
    named = {name: estimate._asdict() for name, estimate in shares.items()}
    return {**named, "classifier": seen.judge.sees.classes.title}


def pairs_of_samples(subject: Subject) -> dict[str, dict[str, Any]]:
    """Judges samples of a model that is told the domain of each, and whose samples come in pairs.

    Samples told a domain are compared with held-out images of that domain, beside training images (the floor). A pair
    is two samples of one key, one of each domain; they agree if each domain's own classifier finds the same class in
    its half. Halves of different pairs agree by chance.

    Args:
      subject: a run whose model samples, and whose samples can be told one of two domains; there are no more pairs
        than training images of either domain.

    Returns:
      By domain, "a" or "b", as JSON can hold it: "images", "domain" and "scores" or "unfit" as `translation` has them;
      and "agreement", of "pairs" and "by_chance", the same for both and None where the domains do not have the same
      classes.
    """
    run, both = subject.run, domains(subject.data, subject.run.model)
    number = min(subject.num, *(len(domain.splits["train"]["data"]) for domain in both.values()))
    seen = {}
    for index, (name, domain) in enumerate(both.items()):
        condition = {DOMAIN: np.full(number, index, np.int32)}
        drawn = sampler(run.model, domain.signature.units)(run.variables, subject.seed, number, condition)
        seen[name] = see(domain, run.settings, {"outputs": drawn})
    agreed = _agreement(seen, both)
    return {
        name: {
            "images": number,
            "domain": domain.signature.name,
            **as_images(seen[name]),
            "agreement": agreed,
        }
        for name, domain in both.items()
    }


def _agreement(seen: Mapping[str, Seen | str], both: Mapping[str, DataSet]) -> dict[str, Any] | None:
    halves = []
    for name in both:
        half = seen[name]
        if not _nameable(half, *both.values()):
            return None
        assert isinstance(half, Seen)
        halves.append(labels_of(half.images["outputs"]))
    a, b = halves
    shares = {"pairs": _share(a == b), "by_chance": _share(a == np.roll(b, 1))}
    return {name: estimate._asdict() for name, estimate in shares.items()}


def _nameable(seen: Seen | str, *alike: DataSet) -> bool:
    """Whether domains have the same classes, and there is a classifier of them."""
    classes = {domain.signature.classes for domain in alike}
    return isinstance(seen, Seen) and seen.judge.sees.classes is not None and len(classes) == 1


def _right(images: Examples, labels: np.ndarray) -> Estimate:
    known = labels >= 0
    return _share(labels_of(images)[known] == labels[known])


def _share(these: np.ndarray) -> Estimate:
    return of_share(int(these.sum()), len(these))
