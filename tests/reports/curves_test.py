"""Which metric is in which panel, by its name."""

import numpy as np
import pytest

from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.metrics.scores import SCORES
from gengen.reports.curves import GROUPS, of_run, of_runs

pytestmark = pytest.mark.quick

CRITIC = {"critic/loss": -0.5, "critic/wasserstein": 0.5, "critic/gradient_norm": 3.0, "critic/learning_rate": 1e-4}
GENERATOR = {"generator/loss": 0.1, "generator/gradient_norm": 2.0, "generator/learning_rate": 1e-4}


def lines(*metrics):
    return [{"step": 10 * (1 + index), "seconds": 1.0, **values} for index, values in enumerate(metrics)]


def shown(panels):
    return {panel.title: [curve.label for curve in panel.curves] for panel in panels}


def test_metrics_of_a_game_are_grouped_by_what_they_are():
    score = {"evaluation/classifier-v1/recall": 0.5}
    run = lines({**CRITIC, **GENERATOR, "critic/gradient_penalty": 0.2, "images_per_second": 9.0}, score)
    assert shown(of_run(run)) == {
        "losses": ["critic", "generator"],
        "distances, as the critic estimates them": ["Wasserstein"],
        "terms": ["gradient penalty"],
        "precision and recall": ["recall"],
        "norms of gradients": ["critic", "generator"],
        "learning rates": ["critic", "generator"],
        "images a second": ["images per second"],
    }


def test_ends_of_intervals_belong_to_their_score_and_may_be_missing():
    tag = "evaluation/classifier-v1/frechet_distance"
    (panel,) = of_run(lines({tag: 3.0}, {"other": 1.0}, {tag: 2.0, f"{tag}/low": 1.5, f"{tag}/high": 4.0})[::2])
    (curve,) = panel.curves
    np.testing.assert_array_equal(curve.steps, [10, 30])
    np.testing.assert_array_equal(curve.values, [3.0, 2.0])
    np.testing.assert_array_equal([curve.low, curve.high], [[np.nan, 1.5], [np.nan, 4.0]])


def test_ends_of_a_run_of_several_seeds_are_those_of_its_members():
    ends = {"critic/loss/low": 1.0, "critic/loss/high": 3.0}
    (alone,), (several,) = (
        panel.curves
        for own in ({}, {"critic/loss/members": [1.0, 3.0]})
        for panel in of_run(lines({"critic/loss": 2.0, **ends, **own}))
    )
    assert not alone.seeds and several.seeds and several.label == "critic"


def test_a_curve_that_would_be_flat_beside_another_has_a_panel_of_its_own():
    rates = {"autoencoder": 0.1, "prior": 100.0, "other": 0.2}
    run = lines(*({f"{name}/loss": rate * step for name, rate in rates.items()} for step in range(9)))
    assert [[curve.label for curve in panel.curves] for panel in of_run(run)] == [
        ["autoencoder", "other"],
        ["prior"],
    ]


def test_several_runs_have_one_panel_for_each_metric_that_two_of_them_have():
    gan = lines({**CRITIC, **GENERATOR})
    panels = of_runs({"gan": gan, "wgan": gan, "vae": lines({"autoencoder/loss": 1.0}), "new": []})
    assert shown(panels)["losses: critic"] == ["gan", "wgan"]
    assert len(panels) == len({**CRITIC, **GENERATOR})
    assert [curve.label for panel in of_runs({"a": gan[:1], "b": lines({"other": 1.0})}) for curve in panel.curves]
    assert of_runs({"new": []}) == of_run([]) == []


def test_metrics_of_the_one_combination_that_lived_are_shown_beside_what_all_have():
    rate = {"critic/learning_rate": 0.1}
    panels = of_runs({"rate 1": lines({**CRITIC, **rate}), "rate 9": lines(rate), "rate 99": lines(rate)}, alike=True)
    assert len(panels) == len({**CRITIC, **rate})
    assert shown(panels)["losses: critic"] == ["rate 1"]


def test_every_distance_and_every_score_has_its_panel():
    for loss in ADVERSARIAL_LOSSES.values():
        (panel,) = of_run(lines({f"critic/{loss.estimate}": 1.0}))
        assert panel.title.startswith("distances")
    for name in SCORES:
        (panel,) = of_run(lines({f"evaluation/thumbnails/{name}": 1.0}))
        assert panel.title in [group.title for group in GROUPS if group.names.startswith("evaluation")]
