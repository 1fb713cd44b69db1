"""What is said of a run that was evaluated."""

import pytest

from gengen.reports import evaluations
from gengen.reports.evaluations import SENTENCES


def estimate(value, half):
    return {"value": value, "low": value - half, "high": value + half}


def said(report, nouns=("image", "images")):
    return [line for name, say in SENTENCES.items() for line in say(report.get(name, {}), nouns)]


REPORT = {
    "likelihood": {
        "1": {"nats": estimate(-90.0, 1.0), "images": 10_000},
        "5000": {"nats": estimate(-88.5, 1.0), "images": 10_000},
    },
    "parzen": {"nats": estimate(220.0, 2.0), "bandwidth": 0.2, "samples": 2000, "images": 1000},
    "representation": {"linear": {"accuracy": estimate(0.95, 0.01), "train": 1498, "test": 299}},
    "regularity": {"continuity": estimate(1.5, 0.25), "completeness": estimate(0.75, 0.05)},
}


def test_each_finding_is_said_in_a_sentence_and_what_was_not_found_in_none():
    assert said({}) == []
    assert said(REPORT) == [
        "Log-likelihood of 10,000 held-out images, bounded with 1 sample each: at least -90.00 [-91.00, -89.00] nats "
        "an image.",
        "Log-likelihood of 10,000 held-out images, bounded with 5,000 samples each: at least -88.50 [-89.50, -87.50] "
        "nats an image.",
        "Parzen windows of width 0.2 around 2,000 samples give 1,000 held-out images 220.00 [218.00, 222.00] nats.",
        "The accuracy of logistic regression of the codes: 95.00 [94.00, 96.00] % of 299 held-out images (fitted to "
        "1,498).",
        "Along straight ways between draws of the prior the largest of 20 steps changes the picture 1.50 [1.25, 1.75] "
        "times as much as the mean one (1 is even, 20 a single jump).",
        "The classifier is 90 % sure of 75.00 [70.00, 80.00] % of the samples.",
    ]
    assert len(said({**REPORT, "parzen": {}, "regularity": {"continuity": estimate(1, 0)}})) == 4


@pytest.mark.parametrize("nouns", [("point", "points"), ("series", "series"), ("volume", "volumes")])
def test_data_of_other_kinds_are_called_by_their_name(nouns):
    lines = said(REPORT, nouns)
    assert lines[0].endswith(f"nats a {nouns[0]}.")
    assert not [line for line in lines if "image" in line or "picture" in line]


def test_a_density_is_said_of_samples_and_of_held_out_data():
    entry = {"points": 500, "nats": estimate(-2.0, 0.5)}
    assert said({"density": {"samples": entry, "held_out": entry}}, ("point", "points")) == [
        "Mean log-density of 500 samples: -2.00 [-2.50, -1.50] nats.",
        "Mean log-density of 500 held-out points: -2.00 [-2.50, -1.50] nats.",
    ]


def test_the_member_that_was_judged_is_named_beside_the_seed_of_its_noise():
    report = {"step": 23, "checkpoint": "latest", "weights": "averaged", "seed": 0}
    assert evaluations.said(report) == "step 23 (latest checkpoint, weights averaged, seed 0)"
    told = "(latest checkpoint, weights averaged, noise of seed 0)"
    assert evaluations.said(report | {"member": 1}) == f"step 23 of the member seed 1 {told}"
    swept = report | {"member": 1, "combination": "rate 0.001"}
    assert evaluations.said(swept) == f"step 23 of the member rate 0.001, seed 1 {told}"
