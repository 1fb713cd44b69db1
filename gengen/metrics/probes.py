"""Probes of a representation: how well simple methods tell the classes of held-out images from their codes.

Alain and Bengio 2016, https://arxiv.org/abs/1610.01644, for the linear probe. A probe has few freedoms of its own, so
what it finds is in the codes. Every probe is fitted to training codes and judged on held-out ones. It is taken as
known: its interval holds the accuracy over fresh held-out images.
"""

import warnings
from collections.abc import Mapping

import chex
import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from gengen.metrics.codes import match_codes
from gengen.metrics.interval import Estimate, of_share
from gengen.metrics.neighbours import nearest

PROBES: Mapping[str, str] = {
    "linear": "accuracy of logistic regression",
    "nearest": "accuracy of the nearest neighbour",
    "clusters": "accuracy of k-means clusters",
}
"""Every probe and its name for people; higher is better for all."""


def probe(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray, classes: int
) -> dict[str, Estimate]:
    """All `PROBES` of codes, by name.

    Args:
      train: codes of training images [N, D].
      train_labels: their classes, integers in [0, K), [N].
      test: codes of held-out images [M, D].
      test_labels: their classes, integers in [0, K), [M].
      classes: K.

    Raises:
      ValueError: codes are not finite or of different dimensions, a label is not in [0, K), all training labels are
        equal, or there are fewer training codes than classes.
    """
    return {
        "linear": linear_probe(train, train_labels, test, test_labels),
        "nearest": nearest_probe(train, train_labels, test, test_labels),
        "clusters": cluster_probe(train, test, test_labels, train_labels=train_labels, classes=classes),
    }


def linear_probe(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    *,
    penalty: float = 1.0,
    steps: int = 1000,
) -> Estimate:
    """Accuracy of multinomial logistic regression on standardised codes.

    Codes are moved and scaled to mean 0 and variance 1 on the training images; a coordinate that is constant there is
    only moved. The negative log-likelihood, summed over images, and half the squared weights times `penalty` are
    minimised by L-BFGS, so that separable classes have a solution too.

    Args:
      train: codes of training images [N, D].
      train_labels: their classes [N].
      test: codes of held-out images [M, D].
      test_labels: their classes [M].
      penalty: factor of half the squared weights.
      steps: of L-BFGS at most.

    Raises:
      ValueError: codes are not finite or of different dimensions, or all training labels are equal.
    """
    chex.assert_rank((train, train_labels, test, test_labels), (2, 1, 2, 1))
    scaler = StandardScaler().fit(np.asarray(train, np.float64))
    model = LogisticRegression(C=1 / penalty, max_iter=steps)
    with threadpool_limits(1), warnings.catch_warnings():
        # The accuracy settles long before the weights do, so a fit that took all its steps is good enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(np.asarray(train, np.float64)), np.asarray(train_labels))
        found = model.predict(scaler.transform(np.asarray(test, np.float64)))
    return _accuracy(found, test_labels)


def nearest_probe(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> Estimate:
    """Accuracy of the class of the nearest training code, by Euclidean distance (Cover and Hart 1967).

    Args:
      train: codes of training images [N, D].
      train_labels: their classes [N].
      test: codes of held-out images [M, D].
      test_labels: their classes [M].

    Raises:
      ValueError: codes are not finite or of different dimensions.
    """
    chex.assert_rank((train, train_labels, test, test_labels), (2, 1, 2, 1))
    indices = nearest(np.asarray(test), np.asarray(train))[1][:, 0]
    return _accuracy(np.asarray(train_labels)[indices], test_labels)


def cluster_probe(
    train: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    *,
    train_labels: np.ndarray,
    classes: int,
    starts: int = 10,
    seed: int = 0,
) -> Estimate:
    """Accuracy of k-means clusters of codes that are matched with the classes one to one.

    The measure of unsupervised clustering of Xie et al. 2016 (DEC), https://arxiv.org/abs/1511.06335, but on
    images that were held out: K clusters are fitted to training codes without labels, which serve only to match
    clusters with classes (`codes.match_codes`), and a held-out code is in the cluster of the nearest centre.

    Args:
      train: codes of training images [N, D].
      test: codes of held-out images [M, D].
      test_labels: their classes, integers in [0, K), [M].
      train_labels: classes of the training images, integers in [0, K), [N].
      classes: K.
      starts: of k-means++; the one with the least squared distances is kept.
      seed: of the starts; the same codes and seed give the same clusters.

    Raises:
      ValueError: codes are not finite or of different dimensions, a training label is not in [0, K), or there are
        fewer training codes than classes.
    """
    chex.assert_rank((train, train_labels, test, test_labels), (2, 1, 2, 1))
    # One thread, for the reason that `bins.fit_bins` gives.
    with threadpool_limits(1), warnings.catch_warnings():
        # Codes with fewer distinct values than classes leave clusters empty, which the accuracy shows.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(classes, n_init=starts, random_state=seed).fit(np.asarray(train, np.float64))
        own, held_out = model.labels_, model.predict(np.asarray(test, np.float64))
    match = match_codes(own, train_labels, categories=classes, classes=classes)
    return _accuracy(match[held_out], test_labels)


def _accuracy(found: np.ndarray, labels: np.ndarray) -> Estimate:
    right = found == np.asarray(labels)
    return of_share(int(np.count_nonzero(right)), right.size)
