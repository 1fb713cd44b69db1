"""Two sets of examples, wherever they are from: what they are, what both hold, and whether they can be told apart.

The reference is cut into two halves at random, of which the second stands in for samples where a score needs to be seen
beside that of real data: the floor. Of a named data set these are its two splits. Whether the sets can be told apart is
said by comparing as many samples as there are in the second half with the first; the figure that other programs give,
of all samples and all of the reference, stands beside it as "whole".
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.data.dataset import load, root_of
from gengen.data.decoded import measured
from gengen.data.signature import BYTE, DataSet, Signature, label_field
from gengen.data.sources import BUILDERS
from gengen.data.survey import RULE
from gengen.evaluation.collected import SPLITS, Asked, Choices, Collection, collected, find, shape_for
from gengen.evaluation.extractor import Extractor
from gengen.evaluation.features import class_extractor
from gengen.evaluation.judging import SEED, Judge, Section
from gengen.evaluation.samples import scored
from gengen.metrics.copying import copied, fit_limit
from gengen.metrics.examples import Examples, Real
from gengen.metrics.measures import measure
from gengen.metrics.scores import SCORES
from gengen.metrics.sliced import GROUPS, sliced_wasserstein
from gengen.metrics.two_sample import FEWEST, two_sample_test
from gengen.reports.judgements import conclusion
from gengen.runs.sections import KINDS

WHOLE = tuple(name for name, score in SCORES.items() if score.compares)
"""Scores that other programs measure between all samples and all of the reference."""


def judge_sets(source: Asked, reference: Asked, choices: Choices) -> Section:
    """Judges a set of examples by a reference.

    Args:
      source: the set that is judged.
      reference: what it is compared with.
      choices: what the user chooses.

    Returns:
      Beside what is said of the samples of a run: "input", "reference" and "against" (what was found), "rule" (what
      happened to pictures of another size), "shared", "near_copies", "sliced_wasserstein" and "two_sample_test", of
      each score "whole", and all of it in sentences as "verdict"; and a chart of it.

    Raises:
      Refusal: a set cannot be had, they do not go together, or are too small to be judged.
    """
    found, theirs = find(source, choices), find(reference, choices)
    shape = shape_for(theirs, found, choices.size)
    samples, real = collected(found, shape), collected(theirs, shape)
    if samples.kind != real.kind:
        raise Refusal(f"{samples.name} holds {samples.kind} and {real.name} {real.kind}: they cannot be compared.")
    third = None if choices.against is None else collected(find(choices.against, choices), shape)
    data = _as_data(real)
    features, settings = _features(choices, data)
    asked = _asked(samples, data)
    judge = Judge(
        data,
        settings,
        num=min(choices.num, len(samples.data)),
        labelled=asked is not None,
        features=features,
        against=third.data if third else None,
    )
    if third is None and (real.source is None or real.source[1] != SPLITS[0]):
        judge.names.remove("copied")  # nobody was trained on the second half
    order = np.random.default_rng(SEED).permutation(len(samples.data))[: choices.num]
    everything = judge.examples(samples.data[order], asked=None if asked is None else asked[order])
    drawn = everything.first(judge.num)
    section = scored(judge, drawn, f"{samples.name} beside {real.name}")
    report = {
        **_named(samples, real, third),
        **section.found,
        **_further(judge, drawn),
        "shared": {"examples": _shared(samples, real), "against": _shared(samples, third) if third else None},
    }
    for name, estimate in _whole(judge, everything, real, report).items():
        report["scores"][name]["whole"] = estimate
    report["verdict"] = [*report["verdict"], *conclusion(report, judge.nouns)]
    return section._replace(found=report)


def _named(samples: Collection, real: Collection, third: Collection | None) -> dict[str, Any]:
    sets = {"input": samples, "reference": real, **({"against": third} if third else {})}
    told = {what: {"name": one.name, **one.facts, "lines": list(one.lines)} for what, one in sets.items()}
    resized = any(one.facts.get("resized") for one in sets.values())
    return {"kind": real.kind, "shape": list(real.data.shape[1:]), "rule": RULE if resized else "", **told}


def _as_data(real: Collection) -> DataSet:
    """The reference as a data set: what samples are compared with is "test", and what stands in for them "train"."""
    if real.source:
        data, split = real.source
        if split == SPLITS[0]:
            return data
        names = {"train": "test", "test": "train"}
        counts = {name: data.signature.counts[names[name]] for name in names}
        digest = f"{data.signature.digest[:12]}swap"
        signature = dataclasses.replace(data.signature, counts=counts, digest=digest)
        splits = {name: data.splits[names[name]] for name in names}
        return dataclasses.replace(data, signature=signature, splits=splits, folder=data.folder / "swapped")
    order = np.random.default_rng(SEED).permutation(len(real.data))
    halves = dict(zip(("test", "train"), np.array_split(order, 2), strict=True))
    splits = {name: {"data": real.data[rows]} for name, rows in halves.items()}
    bounded = real.kind in ("picture", "volume")
    field = Field(real.data.shape[1:], str(real.data.dtype), *(BYTE if bounded else ()))
    fields = {"data": field if bounded else measured(field, splits["train"]["data"])}
    if real.label is not None:
        fields["label"] = label_field(real.classes)
        splits = {name: {**arrays, "label": real.label[halves[name]]} for name, arrays in splits.items()}
    digest = hashlib.sha256("".join(real.digests).encode()).hexdigest()[:16]
    counts = {name: len(rows) for name, rows in halves.items()}
    signature = Signature(real.name, real.kind, fields, counts, digest)
    return DataSet(signature, splits, root_of() / "gengen_judged" / digest)


def _features(choices: Choices, data: DataSet) -> tuple[Extractor | None, ConfigDict]:
    """What gives features, where it is the classifier of another data set; and the section `evaluation`."""
    asked = choices.features
    settings = ConfigDict({"features": "auto", "inception_weights": None})
    if asked in KINDS and asked != "inception":
        settings.features = asked
        return None, settings
    if Path(asked).expanduser().is_file():
        settings.update(features="inception", inception_weights=asked)
        return None, settings
    if asked not in BUILDERS:
        raise Refusal(
            f"--features={asked} is none of {', '.join(kind for kind in KINDS if kind != 'inception')}, no data set "
            f"whose classifier gives features, and no file of the weights of Inception."
        )
    other = load(name=asked, manual_dir=choices.manual_dir, resolution=choices.size)
    if other.signature.shape != data.signature.shape:
        ours, its = (list(each.signature.shape) for each in (data, other))
        raise Refusal(f"the classifier of {asked} sees pictures of {its}, and these are of {ours}; add --resolution.")
    return class_extractor(other), settings


def _asked(samples: Collection, data: DataSet) -> np.ndarray | None:
    """The classes that samples are said to be of, as the reference numbers them; None where it does not know them."""
    known = data.signature.classes
    if samples.label is None or not known or not set(samples.classes) <= set(known):
        return None
    return np.asarray(np.array([known.index(name) for name in samples.classes])[samples.label])


def _further(judge: Judge, drawn: Examples) -> dict[str, Any]:
    """What is measured beside the scores of a run."""
    real, floor = judge.real, judge.floor
    reference = real.reference.features
    found: dict[str, Any] = {"sliced_wasserstein": None, "two_sample_test": None}
    if min(len(reference), len(drawn.features)) >= 2 * GROUPS:
        sets = {"samples": drawn.features, "floor": floor.features}
        found["sliced_wasserstein"] = {
            name: sliced_wasserstein(reference, features)._asdict() for name, features in sets.items()
        }
    if min(len(reference), len(drawn.features)) >= FEWEST:
        told = two_sample_test(reference, drawn.features)
        accuracies = {name: getattr(told, name)._asdict() for name in ("linear", "nearest")}
        found["two_sample_test"] = {**accuracies, "number": told.number, "p_value": told.p_value}
    limit = fit_limit(floor.points, real.reference.points)
    found["near_copies"] = copied(drawn.points, real.reference.points, limit).share._asdict()
    return found


def _shared(one: Collection, other: Collection) -> int:
    """How many examples of one set are in the other."""
    return int(np.isin(one.digests, other.digests).sum())


def _whole(judge: Judge, samples: Examples, real: Collection, report: Mapping[str, Any]) -> dict[str, Any]:
    """Scores between all samples and all of the reference, by name; of one of both sizes nothing is measured again."""
    names = [name for name in report["scores"] if name in WHOLE]
    sizes, reference = report["sizes"], judge.real.reference
    if (len(samples.data), len(real.data)) == (sizes["samples"], sizes["reference"]):
        return {name: report["scores"][name]["samples"] for name in names}
    # Of a folder, the two halves are all of it, and have been seen already.
    both = len(reference.data) + len(judge.floor.data) == len(real.data)
    found = reference.beside(judge.floor) if both else judge.examples(real.data)
    everything = measure(Real(found, judge.real.training, None), samples, names)
    return {name: estimate._asdict() for name, estimate in everything.items()}
