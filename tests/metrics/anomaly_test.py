"""Anomaly scores against closed forms, scikit-learn, and the laws that hold over repeats."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from gengen.metrics.anomaly import (
    auprc,
    auroc,
    expected_false_alarms,
    false_alarms,
    nearest_distances,
    pca_errors,
    threshold,
)


def held(estimates, expectation):
    return np.mean([found.low <= expectation <= found.high for found in estimates])


def mixed(seed=0, normal=50, anomalous=20, digits=1):
    """Scores with ties within and across both sets."""
    random = np.random.default_rng(seed)
    return random.normal(size=normal).round(digits), (1 + random.normal(size=anomalous)).round(digits)


def labelled(normal, anomalous):
    return np.repeat([0, 1], [len(normal), len(anomalous)]), np.concatenate([normal, anomalous])


@pytest.mark.parametrize("seed", range(3))
def test_both_areas_are_those_of_scikit_learn_with_ties_too(seed):
    normal, anomalous = mixed(seed)
    assert auroc(normal, anomalous).value == pytest.approx(roc_auc_score(*labelled(normal, anomalous)))
    assert auprc(normal, anomalous).value == pytest.approx(average_precision_score(*labelled(normal, anomalous)))


@pytest.mark.parametrize(("size", "apart"), [(50, 0.0), (50, 1.0), (200, 2.0), (50, 3.0), (500, 4.0)])
def test_the_area_of_two_gaussians_is_phi_of_their_distance_and_the_interval_holds_it(size, apart):
    random = np.random.default_rng(1)
    estimates = [auroc(random.normal(size=size), apart + random.normal(size=size)) for _ in range(300)]
    area = stats.norm.cdf(apart / math.sqrt(2))
    assert np.mean([found.value for found in estimates]) == pytest.approx(area, abs=0.006)
    # Where few scores overlap, the interval is wider than it need be.
    assert 0.91 <= held(estimates, area) <= (0.985 if size > 50 or apart < 3 else 1)


def test_the_variance_of_the_area_is_delongs():
    normal, anomalous = mixed(normal=80, anomalous=60, digits=6)
    wins = (anomalous[:, None] > normal).astype(float)
    variance = wins.mean(1).var(ddof=1) / len(anomalous) + wins.mean(0).var(ddof=1) / len(normal)
    found = auroc(normal, anomalous)
    trials = found.value * (1 - found.value) / variance
    # Both ends of Wilson's interval are where the value lies 1.96 standard errors away.
    for end in (found.low, found.high):
        assert abs(end - found.value) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / trials))


@pytest.mark.parametrize(("normal", "anomalous", "apart"), [(200, 40, 0.0), (100, 100, 1.0), (40, 200, 2.0)])
def test_the_interval_of_average_precision_holds_its_expectation(normal, anomalous, apart):
    random = np.random.default_rng(2)
    estimates = [auprc(random.normal(size=normal), apart + random.normal(size=anomalous)) for _ in range(300)]
    assert held(estimates, np.mean([found.value for found in estimates])) >= 0.93


def test_the_interval_of_average_precision_holds_it_where_anomalies_are_of_two_kinds():
    random = np.random.default_rng(11)
    estimates = [
        auprc(random.normal(size=1000), np.where(random.random(40) < 0.3, 3, -1) + random.normal(size=40))
        for _ in range(300)
    ]
    assert 0.92 <= held(estimates, np.mean([found.value for found in estimates])) <= 0.99


@pytest.mark.parametrize("score", [auroc, auprc])
def test_scores_that_do_not_overlap_are_ranked_perfectly_and_still_have_an_interval(score):
    found = score(np.arange(100.0), np.arange(100.0, 200.0))
    assert found == pytest.approx((1.0, 100 / (100 + 1.959964**2), 1.0))


def test_scores_that_are_all_equal_rank_as_a_coin_does():
    found = auroc(np.zeros(100), np.zeros(50))
    assert found.value == 0.5 and found.low <= 0.5 <= found.high
    assert auprc(np.zeros(100), np.zeros(50)).value == pytest.approx(1 / 3)


def test_the_area_depends_on_ranks_alone_and_turns_with_the_sign():
    normal, anomalous = mixed()
    found, turned = auroc(normal, anomalous), auroc(-normal, -anomalous)
    assert auroc(np.exp(normal), np.exp(anomalous)) == found
    assert turned == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low))


@pytest.mark.parametrize(("normal", "anomalous"), [([1.0], [1.0, 2.0]), ([1.0, 2.0], [math.nan, 1.0])])
@pytest.mark.parametrize("score", [auroc, auprc])
def test_scores_that_cannot_be_ranked_are_refused(score, normal, anomalous):
    with pytest.raises(ValueError, match="scores"):
        score(np.array(normal), np.array(anomalous))


@pytest.mark.parametrize(("number", "rate"), [(99, 0.05), (99, 0.29), (57, 0.1), (400, 0.01)])
def test_the_realised_rate_of_a_threshold_follows_the_law_of_beta(number, rate):
    random = np.random.default_rng(3)
    realised = np.array([stats.norm.sf(threshold(random.normal(size=number), rate)) for _ in range(2000)])
    alarms = round(number + 1 - math.ceil(round((number + 1) * (1 - rate), 9)))
    assert stats.kstest(realised, stats.beta(alarms, number + 1 - alarms).cdf).pvalue > 0.01
    expected = expected_false_alarms(number, rate)
    assert expected.value <= rate + 1e-12
    assert realised.mean() == pytest.approx(expected.value, abs=4 * realised.std() / math.sqrt(2000))
    assert np.mean((expected.low <= realised) & (realised <= expected.high)) == pytest.approx(0.95, abs=0.02)


def test_a_threshold_is_the_order_statistic_that_is_asked_for():
    scores = np.random.default_rng(4).permutation(np.arange(1.0, 100.0))
    assert threshold(scores, 0.05) == 95
    assert threshold(scores, 0.29) == 71
    assert threshold(scores, 0.01) == 99


def test_ties_only_lower_the_rate_of_false_alarms():
    random = np.random.default_rng(5)
    rates = []
    for _ in range(300):
        limit = threshold(random.integers(0, 5, 50), 0.1)
        rates.append(max(0.0, 4 - limit) / 5)
    assert np.mean(rates) <= 0.1


@pytest.mark.parametrize(("number", "rate", "least"), [(98, 0.01, 99), (18, 0.05, 19), (0, 0.5, 1)])
def test_too_few_calibration_scores_are_refused_and_the_least_number_is_not(number, rate, least):
    with pytest.raises(ValueError, match=f"there must be {least}"):
        threshold(np.arange(float(number)), rate)
    with pytest.raises(ValueError, match="too few"):
        expected_false_alarms(number, rate)
    assert threshold(np.arange(float(least)), rate) == least - 1


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="must be in"):
        threshold(np.arange(10.0), rate)


def test_a_score_at_the_threshold_is_no_alarm():
    found = false_alarms(2.0, np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.value == 0.5 and 0 < found.low < 0.5 < found.high < 1


def plane(random, size, dimensions=12, rank=3):
    """Points in a plane that does not hold the origin, and what is orthogonal to it."""
    axes = np.linalg.qr(np.random.default_rng(6).normal(size=(dimensions, dimensions)))[0]
    return 5 * axes[:, rank] + random.normal(size=(size, rank)) @ axes[:, :rank].T, axes[:, rank:]


def test_residuals_are_zero_in_the_plane_and_the_squared_distance_from_it_elsewhere():
    random = np.random.default_rng(7)
    train, normals = plane(random, 200)
    test, _ = plane(random, 50)
    away = random.normal(size=(50, normals.shape[1]))
    np.testing.assert_allclose(pca_errors(train, test, components=3), 0, atol=1e-20)
    moved = pca_errors(train, test + away @ normals.T, components=3)
    np.testing.assert_allclose(moved, np.square(away).sum(1), rtol=1e-9)
    assert (pca_errors(train, test, components=2) > 1e-6).all()


def test_the_mean_residual_of_training_images_is_the_sum_of_the_variances_left_out():
    train = np.random.default_rng(8).normal(size=(300, 6)) * np.array([6.0, 5, 4, 3, 2, 1])
    values = np.linalg.eigvalsh(np.cov(train.T, bias=True))
    assert pca_errors(train, train, components=2).mean() == pytest.approx(values[:4].sum())


@pytest.mark.parametrize("components", [0, 6])
def test_more_components_than_there_are_are_refused(components):
    with pytest.raises(ValueError, match="components must be between 1 and the 5"):
        pca_errors(np.zeros((50, 5)), np.zeros((2, 5)), components=components)


def test_nearest_distances_are_those_of_brute_force_and_zero_for_training_images():
    random = np.random.default_rng(9)
    train, test = random.normal(size=(80, 5)), random.normal(size=(30, 5))
    expected = np.linalg.norm(test[:, None] - train, axis=2).min(1)
    np.testing.assert_allclose(nearest_distances(train, test), expected)
    np.testing.assert_array_equal(nearest_distances(train, train), 0)


def test_both_baselines_rank_what_lies_off_the_plane_as_anomalous():
    random = np.random.default_rng(10)
    train, normals = plane(random, 300)
    normal, off = plane(random, 100)[0], plane(random, 100)[0]
    off = off + random.normal(size=(100, normals.shape[1])) @ normals.T
    assert auroc(*(pca_errors(train, points, components=3) for points in (normal, off))).value == 1
    assert auroc(*(nearest_distances(train, points) for points in (normal, off))).low > 0.9
