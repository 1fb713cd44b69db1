"""Sums of classes again and again, each of other pictures, and the classes that they are taken for."""

from typing import Any

import numpy as np

from gengen.data.labels import present
from gengen.evaluation.features import class_extractor
from gengen.evaluation.sums import SEARCHED, Sum
from gengen.inference.conditions import LABEL
from gengen.inference.formula import Term
from gengen.inference.latents import Latents
from gengen.metrics.interval import of_share
from gengen.runs.coded import alike, population
from gengen.runs.run import Run

SUMS = 200
"""How many sums are counted."""


def counted_sums(run: Run, latents: Latents, found: Sum, *, num: int, seed: int) -> dict[str, Any] | None:
    """The share of `SUMS` sums that the classifier of the data takes for each class.

    Each term of a sum is the mean of latents of `num` pictures of its class, drawn anew. Beside it stands the same
    share of sums whose terms are of pictures of any class, which is what such a sum gives by itself. Pictures serve in
    several sums, so where there are few of a class the intervals, Wilson's over sums, are somewhat too narrow.

    Args:
      run: the run.
      latents: of its model.
      found: a sum, whose terms these have too.
      num: pictures of a term.
      seed: of the choice of pictures.

    Returns:
      "sums", "pictures of a term", "classifier" and "shares": by the name of a class, "sums" and "of any class", each
      an estimate. None where a term is no class, no labels teach a classifier, or a decoder is told the class.

    Raises:
      Refusal: pictures of a class cannot be had.
    """
    terms = [part.term for part in found.parts]
    if any(term.label is None for term in terms) or latents.heeds(run.signature.shape, LABEL):
        return None
    if len(present(run.data())) < 2:
        return None
    extractor, rng, any_class = class_extractor(run.data()), np.random.default_rng(seed), "of any class"
    pools = {"sums": [found.pictures.codes_of(term) for term in terms]}
    pools[any_class] = [population(run, latents, SEARCHED, seed, None).codes] * len(terms)
    told, names = alike(run, SUMS, None), run.signature.classes
    shares: dict[str, dict[str, Any]] = {name: {} for name in names}
    for kind, of_terms in pools.items():
        codes = np.stack([_summed(of_terms, terms, num, rng) for _ in range(SUMS)])
        made = run.signature.units.to_data(latents.decode(codes, np.arange(SUMS), told))
        _, log_probabilities = extractor.extract(made)
        assert log_probabilities is not None, "it names classes"
        counts = np.bincount(log_probabilities.argmax(1), minlength=len(names))
        for name, count in zip(names, counts, strict=True):
            shares[name][kind] = of_share(int(count), SUMS)._asdict()
    return {"sums": SUMS, "pictures of a term": num, "classifier": extractor.title, "shares": shares}


def _summed(pools: list[np.ndarray], terms: list[Term], num: int, rng: np.random.Generator) -> np.ndarray:
    """A sum of the means of a few latents of each pool."""
    chosen = [pool[rng.permutation(len(pool))[:num]].mean(0) for pool in pools]
    return np.asarray(sum(term.sign * mean for term, mean in zip(terms, chosen, strict=True)), np.float32)
