"""How each score of the table `SCORES` is measured of a set of examples."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gengen.metrics import bins, classes, modes
from gengen.metrics.collisions import collisions
from gengen.metrics.copying import copied
from gengen.metrics.examples import Examples, Real
from gengen.metrics.frechet import frechet_distance
from gengen.metrics.inception_score import inception_score
from gengen.metrics.interval import Estimate, of_share
from gengen.metrics.kernel import kernel_distance
from gengen.metrics.ms_ssim import class_similarity
from gengen.metrics.precision_recall import manifold_scores
from gengen.metrics.scores import SCORES


def measure(real: Real, samples: Examples, names: Sequence[str]) -> dict[str, Estimate]:
    """Measures the scores named, in the order of `SCORES`.

    Args:
      real: the data.
      samples: the examples judged.
      names: some of those that are `available`.
    """
    found: dict[str, Estimate] = {}
    for group, function in _MEASURES.items():
        if set(group) & set(names):
            found |= dict(zip(group, function(real, samples), strict=True))
    return {name: found[name] for name in SCORES if name in names}


def labels_of(examples: Examples) -> np.ndarray:
    """The classes that the classifier sees [N]."""
    assert examples.class_log_probabilities is not None
    return np.asarray(examples.class_log_probabilities.argmax(1))


def _inception(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert samples.log_probabilities is not None
    return (inception_score(samples.log_probabilities),)


def _manifold(real: Real, samples: Examples) -> Sequence[Estimate]:
    return manifold_scores(real.reference.features, samples.features)


def _bins(real: Real, samples: Examples) -> Sequence[Estimate]:
    return (bins.different_bins(real.reference.features, samples.features, real.bins),)


def _modes(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert samples.modes is not None
    return modes.modes_hit(samples.modes, real.modes), modes.mode_divergence(samples.modes, real.modes)


def _quality(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert samples.modes is not None
    return (modes.high_quality(samples.modes),)


def _classes(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert real.shares is not None and samples.class_log_probabilities is not None
    return (
        classes.divergence(labels_of(samples), real.shares),
        classes.confidence(np.exp(samples.class_log_probabilities)),
    )


def _agreement(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert samples.asked is not None
    return (of_share(int((labels_of(samples) == samples.asked).sum()), len(samples.asked)),)


def _similarity(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert real.shares is not None
    return (class_similarity(samples.data, labels_of(samples), len(real.shares)),)


def _collisions(real: Real, samples: Examples) -> Sequence[Estimate]:
    return (collisions(samples.points, real.radius).probability,)


def _copied(real: Real, samples: Examples) -> Sequence[Estimate]:
    return (copied(samples.points, real.training, real.limit, exclude=samples.indices).share,)


_MEASURES: Mapping[tuple[str, ...], Callable[[Real, Examples], Sequence[Estimate]]] = {
    ("frechet_distance",): lambda real, samples: (frechet_distance(real.reference.features, samples.features),),
    ("kernel_distance",): lambda real, samples: (kernel_distance(real.reference.features, samples.features),),
    ("inception_score",): _inception,
    ("precision", "recall", "density", "coverage"): _manifold,
    ("different_bins",): _bins,
    ("modes_hit", "mode_divergence"): _modes,
    ("high_quality",): _quality,
    ("class_divergence", "class_confidence"): _classes,
    ("label_agreement",): _agreement,
    ("class_similarity",): _similarity,
    ("collisions",): _collisions,
    ("copied",): _copied,
}
