"""The benchmark of tables: rows as models see them, Gaussian baselines, and what is said of flows beside them."""

import numpy as np
import pytest
from scipy import stats

from benchmarks import tables

RANDOM = np.random.default_rng(0)


def rows(count: int = 200) -> np.ndarray:
    """Whole numbers, halves of which every second is whole, hundredths, and a constant."""
    values = RANDOM.normal(0, 3, (count, 2))
    halves = np.where(np.arange(count) % 2, 0.5, 0.0) + RANDOM.integers(0, 9, count)
    return np.stack([np.rint(values[:, 0]), halves, np.round(values.sum(1), 2), np.ones(count)], 1)


def test_noise_is_as_wide_as_the_last_digit_that_half_of_a_column_has() -> None:
    np.testing.assert_allclose(tables.last_digits(rows()), [1, 1, 0.01, 1])


def test_rows_are_drawn_once_and_standardised_over_those_for_training() -> None:
    given = rows()
    data = tables.prepared(given)
    assert data.train.shape == (150, 3) and data.test.shape == (50, 3)
    np.testing.assert_allclose(data.train.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train.std(0), 1, rtol=1e-12)
    np.testing.assert_array_equal(tables.prepared(given).test, data.test)
    see, slope = tables.uncorrelated(data.train)
    np.testing.assert_allclose(np.cov(see(data.train).T, bias=True), np.eye(3), atol=1e-10)
    assert slope == pytest.approx(-np.linalg.slogdet(np.cov(data.train.T, bias=True))[1] / 2)


def test_baselines_are_densities_of_the_rows_that_they_are_given() -> None:
    data = tables.prepared(rows())
    expected = stats.multivariate_normal(data.train.mean(0), np.cov(data.train.T, bias=True)).logpdf(data.test)
    np.testing.assert_allclose(tables.gaussian(data.train, 0.0)(data.test), expected)
    diagonal = stats.norm(data.train.mean(0), data.train.std(0)).logpdf(data.test).sum(1)
    np.testing.assert_allclose(tables.gaussian(data.train, 1.0)(data.test), diagonal)
    axis = np.linspace(-9, 9, 361)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    assert np.exp(tables.mixture(data.train[:, :2], 0.1)(grid)).sum() * 0.05**2 == pytest.approx(1, abs=1e-3)


def test_what_is_chosen_is_what_other_rows_are_likely_under() -> None:
    train = RANDOM.normal(size=(24, 12))
    choice, score = tables.tuned(tables.gaussian, train, (0.0, 1.0))
    assert choice == 1.0
    np.testing.assert_array_equal(score(train), tables.gaussian(train, 1.0)(train))


def test_models_taken_together_are_their_mixture_and_compared_row_by_row() -> None:
    ones, twos = np.log(np.full(5, 1.0)), np.log(np.full(5, 2.0))
    np.testing.assert_allclose(tables.together([ones, twos]), np.log(1.5))
    values = RANDOM.normal(size=40)
    found = tables.compared(values + 1, {"Gaussian": values}, 2.0)
    assert found["nats"]["value"] == pytest.approx(values.mean() - 1)
    assert found["above"]["Gaussian"] == pytest.approx({"value": 1, "low": 1, "high": 1})
    low, high = stats.t.interval(0.95, 39, values.mean() - 1, stats.sem(values))
    assert (found["nats"]["low"], found["nats"]["high"]) == pytest.approx((low, high))
    line = tables.as_table({"diabetes": {"models": {"maf:diabetes": found}}}).splitlines()[-1]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:2] == ["diabetes", "maf:diabetes"] and cells[3:] == ["1 [1, 1]", ""]


@pytest.mark.parametrize("flags", [["--only=maf:iris"], ["--seeds=0"], ["--step=3"]])
def test_a_flag_that_means_nothing_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tables.main(flags)
    assert "python -m benchmarks.tables: error: " in capsys.readouterr().err
