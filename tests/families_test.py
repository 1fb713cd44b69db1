"""The table of the best of each family."""

import math
from itertools import pairwise

import pytest

from benchmarks import families

ROWS = (
    {"run": "gan-mnist", "Fréchet distance": "2.31 [2.11, 2.54]"},
    {"run": "infogan-mnist", "Fréchet distance": "0.366 [0.308, 0.436]"},
    {"run": "infogan", "Fréchet distance": "0.1 [0.1, 0.1]"},  # of other data
    {"run": "pixelcnn-mnist", "Fréchet distance": "not measured", "bits per dimension": "0.92 [0.91, 0.93]"},
    {"run": "flow_matching-mnist", "Fréchet distance": "0.489 [0.429, 0.557]"},
)


def test_the_best_of_a_family_is_nearest_to_the_data_of_the_same_data_set():
    found = families.best_of_each(ROWS, "mnist")
    assert {family: row["run"] for family, row in found.items()} == {
        "gans": "infogan-mnist",
        "diffusion": "flow_matching-mnist",
        "autoregressive": "pixelcnn-mnist",
    }
    assert list(found) == ["gans", "diffusion", "autoregressive"]  # the nearest first, what was not judged last


@pytest.mark.parametrize(
    ("text", "value"), [("1,497", 1497), ("0.4 [0.3, 0.5]", 0.4), ("not measured", math.inf), (None, math.inf)]
)
def test_an_estimate_is_read_of_what_a_table_says(text, value):
    assert families.first_number(text) == value


def test_samples_a_second_and_parameters_are_those_of_a_network_that_draws():
    config = families.config_of("gan", "tiny")
    speed, size = families.measured({"gans": config}, 2, 1)["gans"]
    widths = [config.model.latent, *config.networks.generator.widths]
    assert speed > 0 and size > sum(a * b for a, b in pairwise(widths))


@pytest.mark.parametrize(("name", "calls"), [("gan", 1), ("flow_matching", 35), ("pixelcnn", 784), ("maf", 0)])
def test_calls_are_of_the_network_for_one_sample(name, calls):
    assert families.calls_of(families.config_of(name, "mnist")) == calls
