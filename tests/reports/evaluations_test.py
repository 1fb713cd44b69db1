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
        "1": {"nats": estimate(-90.0, 1.0), "images": 10_000, "of": "bits", "is": "a bound, the ELBO, k = 1"},
        "5000": {
            "nats": estimate(-88.5, 1.0),
            "images": 10_000,
            "of": "bits",
            "is": "a bound, importance sampling, k = 5,000",
            "gap": {"since": 1, "nats": estimate(1.5, 0.1)},
        },
    },
    "parzen": {"nats": estimate(220.0, 2.0), "bandwidth": 0.2, "samples": 2000, "images": 1000},
    "representation": {"linear": {"accuracy": estimate(0.95, 0.01), "train": 1498, "test": 299}},
    "regularity": {"continuity": estimate(1.5, 0.25), "completeness": estimate(0.75, 0.05)},
}


def test_each_finding_is_said_in_a_sentence_and_what_was_not_found_in_none():
    assert said({}) == []
    assert said(REPORT) == [
        "The bound rises by 1.50 [1.40, 1.60] nats from k = 1 to k = 5,000: a gap at least.",
        "Parzen windows of width 0.2 around 2,000 samples give 1,000 held-out images 220.00 [218.00, 222.00] nats.",
        "The accuracy of logistic regression of the codes: 95.00 [94.00, 96.00] % of 299 held-out images (fitted to "
        "1,498).",
        "Along straight ways between draws of the prior the largest of 20 steps changes the picture 1.50 [1.25, 1.75] "
        "times as much as the mean one (1 is even, 20 a single jump).",
        "The classifier is 90 % sure of 75.00 [70.00, 80.00] % of the samples.",
    ]
    assert len(said({**REPORT, "parzen": {}, "regularity": {"continuity": estimate(1, 0)}})) == 3


def test_likelihoods_are_a_table_with_a_row_for_each_number_and_one_for_what_was_told():
    whole = {"nats": estimate(-900.0, 5.0), "bits_per_dimension": estimate(1.65608, 0.01)}
    report = {
        **{"step": 23, "checkpoint": "latest", "weights": "averaged", "seed": 0},
        "likelihood": {"1": {"images": 500, "of": "values", "is": "exact", **whole, "told": whole}},
    }
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in evaluations.said(report).splitlines()[2:]]
    numbers = ["1.6561 [1.6461, 1.6661]", "-900.00 [-905.00, -895.00]", "exact"]
    assert rows[0] == ["likelihood of", "bits per dimension", "nats", "what it is"]
    assert rows[2] == ["500 images: whole numbers", *numbers]
    assert rows[3] == ["500 images: whole numbers, told the class", *numbers]
    assert [row[:2] for row in evaluations.likelihoods(REPORT["likelihood"], ("image", "images"))] == 2 * [
        ["10,000 images: black and white made of it", "-"]
    ]


def test_a_class_that_is_recognised_is_no_code():
    found = {"label": {"error": {"value": 0.04, "low": 0.02, "high": 0.07}, "train": 9, "test": 300, "match": []}}
    assert said({"codes": found}) == ["It recognises the class of 96.0 % [93.0, 98.0] of 300 held-out images."]


@pytest.mark.parametrize("nouns", [("point", "points"), ("series", "series"), ("volume", "volumes")])
def test_data_of_other_kinds_are_called_by_their_name(nouns):
    lines = said(REPORT, nouns)
    assert f"1,000 held-out {nouns[1]}" in lines[1]
    assert not [line for line in lines if "image" in line or "picture" in line]


def test_a_density_is_said_of_samples_and_of_held_out_data():
    entry = {"points": 500, "nats": estimate(-2.0, 0.5)}
    assert said({"density": {"samples": entry, "held_out": entry}}, ("point", "points")) == [
        "Mean log-density of 500 samples: -2.00 [-2.50, -1.50] nats.",
        "Mean log-density of 500 held-out points: -2.00 [-2.50, -1.50] nats.",
    ]
    assert said({"divergence": {"points": 20_000, "nats": estimate(0.25, 0.01)}}, ("point", "points")) == [
        "KL(truth || model) over 20,000 points drawn afresh from the known density: 0.2500 [0.2400, 0.2600] nats."
    ]


def test_the_member_that_was_judged_is_named_beside_the_seed_of_its_noise():
    report = {"step": 23, "checkpoint": "latest", "weights": "averaged", "seed": 0}
    assert evaluations.said(report) == "step 23 (latest checkpoint, weights averaged, seed 0)"
    told = "(latest checkpoint, weights averaged, noise of seed 0)"
    assert evaluations.said(report | {"member": 1}) == f"step 23 of the member seed 1 {told}"
    swept = report | {"member": 1, "combination": "rate 0.001"}
    assert evaluations.said(swept) == f"step 23 of the member rate 0.001, seed 1 {told}"
