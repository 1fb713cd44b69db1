"""Sines: of the frequencies and phases that are asked for, in [0, 1], and the same bytes everywhere."""

import hashlib

import numpy as np

from gengen.data.series import FEATURES, HIGHEST, LENGTH, read_sines


def test_each_feature_is_a_sine_of_a_frequency_and_a_phase_in_range() -> None:
    """Of a sine x, x(t + 1) + x(t - 1) = 2 cos(f) x(t): least squares give f, and f and x(0), x(1) give the phase."""
    drawn = read_sines("train", 2000).astype(np.float64) * 2 - 1
    assert drawn.shape == (2000, LENGTH, FEATURES) and abs(drawn).max() <= 1
    middle, around = drawn[:, 1:-1], drawn[:, 2:] + drawn[:, :-2]
    cosine = (middle * around).sum(1) / (2 * (middle**2).sum(1))
    frequency = np.arccos(np.clip(cosine, -1, 1))
    phase = np.arcsin(np.clip(drawn[:, 0], -1, 1))
    for found in (frequency, phase):
        assert found.min() > -1e-3 and found.max() < HIGHEST + 1e-3
        assert abs(np.quantile(found, [0.25, 0.5, 0.75]) - HIGHEST * np.array([0.25, 0.5, 0.75])).max() < 0.003
    time = np.arange(LENGTH)[:, None]
    clear = frequency > 0.01  # a slower sine is a straight line, whose frequency cannot be seen in float32
    rebuilt = np.sin(frequency[:, None] * time + phase[:, None])
    assert abs(rebuilt - drawn).transpose(0, 2, 1)[clear].max() < 1e-3
    correlation = np.corrcoef(np.concatenate([frequency, phase], 1).T)
    assert abs(correlation - np.eye(2 * FEATURES)).max() < 0.1  # features do not depend on each other


def test_the_same_bytes_are_drawn_everywhere() -> None:
    drawn = read_sines("train")
    assert drawn.dtype == np.float32 and drawn.shape == (10_000, 24, 5)
    assert hashlib.sha256(drawn.astype("<f4").tobytes()).hexdigest()[:16] == "59f1874add58c301"
    np.testing.assert_array_equal(read_sines("train", 23), drawn[:23])
    test = read_sines("test")
    assert len(test) == 2000 and not {one.tobytes() for one in test} & {one.tobytes() for one in drawn}
