"""Rates of a machine: the best that was seen, whatever else it did meanwhile."""

import pytest

from gengen.training import rates
from gengen.training.rates import Rates


def test_a_slow_moment_changes_no_rate(monkeypatch):
    monkeypatch.setattr(rates, "SIZE", {"cpu": 64})
    monkeypatch.setattr(rates, "COPIED", {"cpu": 2**16})
    moments = iter([0.0, 2.0, 0.0, 4.0, 0.0, 5.0, 0.0, 1.0])  # of a product and a copy, then of both again
    measured = Rates(["float32"])
    monkeypatch.setattr(rates.time, "perf_counter", lambda: next(moments))
    measured.measure(times=1)
    devices = rates.jax.local_device_count()
    assert measured.products == {"float32": pytest.approx(2 * 64**3 * devices / 2)}
    assert measured.bandwidth == pytest.approx(2 * 2**16 / 4)
    measured.measure(times=1)
    assert measured.products == {"float32": pytest.approx(2 * 64**3 * devices / 2)}
    assert measured.bandwidth == pytest.approx(2 * 2**16 / 1)
