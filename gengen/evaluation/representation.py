"""What codes are good for: the classes that can be read from them, and how evenly they lie."""

import numpy as np

from gengen.data.labels import with_labels
from gengen.evaluation.judging import REFERENCE, Section, Subject, pick
from gengen.inference.conditions import by_domain, classes_of
from gengen.inference.latents import Latents, label_condition
from gengen.inference.paths import lerp
from gengen.metrics.interval import Estimate
from gengen.metrics.probes import probe
from gengen.metrics.regularity import STEPS, completeness, continuity

WALKS = 200
"""Straight ways between two draws of the prior."""


def representation(subject: Subject) -> Section | None:
    """What classes can be read from codes, by `PROBES` fitted to those of at most `REFERENCE` training examples.

    Examples of unknown classes are left out. A conditional model is told the labels when it encodes, so its codes are
    no features, and it is left out.

    Returns:
      By the name of a probe its "accuracy", and the sizes "train" and "test"; None where there is nothing to read.
    """
    run, data = subject.run, subject.data
    if run.model.encode is None or not data.signature.classes:
        return None
    if classes_of(run.model) and run.model.recognise is None:
        return None
    codes, labels = [], []
    for seed, split in enumerate(("train", "test")):  # no noise in common: it belongs to a seed and an index
        known = with_labels(data.splits[split])
        if not len(known["label"]):
            return None
        indices, examples = pick(known["data"], REFERENCE)
        latents = Latents(run.model, data.signature.units, run.variables, seed)
        codes.append(latents.encode(examples, indices, {}).reshape(len(indices), -1))
        labels.append(known["label"][indices])
    if len(np.unique(labels[0])) < 2:
        return None
    found = probe(codes[0], labels[0], codes[1], labels[1], len(data.signature.classes))
    sizes = {"train": len(labels[0]), "test": len(labels[1])}
    return Section({name: {"accuracy": estimate._asdict(), **sizes} for name, estimate in found.items()})


def regularity(subject: Subject) -> Section | None:
    """How evenly examples change along straight ways between draws of the prior, and how many samples are recognised.

    Along a walk of a conditional model the class stays the same; of several domains it is in the first.

    Returns:
      "continuity", and "completeness" where a classifier saw samples; None where the model has no prior or decoder.
    """
    run, classes = subject.run, len(subject.data.signature.classes)
    if run.model.prior is None or run.model.decode is None:
        return None
    latents = Latents(run.model, subject.data.signature.units, run.variables, seed=1)
    told = label_condition(run.model, np.arange(2 * WALKS) // 2 % max(classes, 1))
    condition, *_ = by_domain(run.model, 2 * WALKS, told)
    ends = latents.draw(2 * WALKS, condition)
    walks = lerp(ends[::2], ends[1::2], np.linspace(0, 1, STEPS + 1)).astype(np.float32).reshape(-1, *ends.shape[1:])
    along = {name: np.repeat(value[::2], STEPS + 1) for name, value in condition.items()}
    decoded = latents.decode(walks, np.repeat(np.arange(WALKS), STEPS + 1), along)
    found: dict[str, Estimate] = {"continuity": continuity(decoded.reshape(WALKS, STEPS + 1, -1))}
    seen = subject.samples.examples.class_log_probabilities if subject.samples else None
    if seen is not None:
        found["completeness"] = completeness(seen)
    return Section({name: estimate._asdict() for name, estimate in found.items()})
