"""Runs side by side: those that differ in their seed alone are one row."""

import json

import pytest

from gengen.core.refusal import Refusal
from gengen.tasks import compare
from gengen.tasks.compare import common_name


def judged(folder, name, *, seed=0, distance=2.0, rate=0.1, step=10, digest="a" * 12, minutes=1.0, **changed):
    """Writes what `compare` reads of a run."""

    def estimate(value):
        return {"value": value, "low": value - 0.5, "high": value + 0.5}

    def score(value):
        return {
            "samples": estimate(value),
            "floor": estimate(0.25),
            "extractor": {"name": "classifier-v1", "digest": digest},
            "sizes": {"samples": 1498, "reference": 299},
        }

    report = {
        "step": step,
        "checkpoint": "latest",
        "weights": "averaged",
        "data_digest": "d",
        "scores": {"frechet_distance": score(distance), "precision": score(0.5), "recall": score(0.5)},
    }
    (folder / name).mkdir(parents=True)
    (folder / name / "evaluation.json").write_text(json.dumps(report | changed))
    config = {"training": {"seed": seed, "rate": rate, "none": None, "widths": [1, 2]}}
    (folder / name / "config.json").write_text(json.dumps(config))
    (folder / name / "data.json").write_text(json.dumps({"name": "few"}))
    lines = [{"step": step, "seconds": 60 * minutes}, {"step": 10**6, "seconds": 1e6}]
    (folder / name / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def rows(folder, capsys):
    path = compare.main(folder, output=None)
    found = json.loads(path.read_text())
    assert compare.as_table(found) in capsys.readouterr().out
    return found


@pytest.mark.input(
    "Judging",
    "runs on the same data that were judged by classifiers of two digests",
    "taken",
    "both are in the table of `compare`, and one line says that their scores do not compare",
)
def test_scores_of_different_classifiers_are_said_not_to_compare(tmp_path, capsys):
    judged(tmp_path, "gan", digest="a" * 12)
    judged(tmp_path, "other_data", digest="c" * 12, data_digest="e")
    compare.main(tmp_path, output=None)
    assert capsys.readouterr().err == ""
    judged(tmp_path, "wgan", digest="b" * 12)
    compare.main(tmp_path, output=None)
    said = capsys.readouterr().err
    assert "same data were judged by classifier-v1 aaaaaa, classifier-v1 bbbbbb: scores compare within one" in said


def test_seeds_of_one_config_are_one_row_with_their_mean_and_their_range(tmp_path, capsys):
    for seed, distance in enumerate((2.0, 6.0, 2.5)):
        judged(tmp_path, f"gan-{seed}", seed=seed, distance=distance, minutes=1 + seed)
    judged(tmp_path, "wgan", rate=0.2)
    several, single = rows(tmp_path, capsys)
    assert list(several) == list(single)
    assert set(several) == set(compare.HEADER)
    assert (several["run"], several["seeds"], several["Fréchet distance"]) == ("gan", "3", "3.5 [2, 6]")
    assert (several["of real images"], several["minutes"]) == ("0.25 [-0.25, 0.75]", "2.0")  # the same floor for all
    assert (single["run"], single["seeds"], single["Fréchet distance"]) == ("wgan", "1", "2 [1.5, 2.5]")


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": 0.2},
        {"step": 5},
        {"digest": "b" * 12},
        {"checkpoint": "best"},
        {"weights": "as trained"},
        {"data_digest": "e"},
        {"seed": 0},
    ],
    ids=str,
)
def test_runs_that_differ_in_more_than_their_seed_or_not_even_in_that_are_apart(tmp_path, capsys, changed):
    judged(tmp_path, "gan-0", seed=0)
    judged(tmp_path, "gan-1", **{"seed": 1, **changed})
    assert [(row["run"], row["seeds"]) for row in rows(tmp_path, capsys)] == [("gan-0", "1"), ("gan-1", "1")]


def test_a_copy_of_a_run_is_a_row_beside_its_seeds(tmp_path, capsys):
    for name, seed in (("gan-0", 0), ("gan-1", 1), ("gan-2", 1)):
        judged(tmp_path, name, seed=seed)
    assert [(row["run"], row["seeds"]) for row in rows(tmp_path, capsys)] == [("gan", "2"), ("gan-2", "1")]


def test_a_judgement_whose_config_is_gone_stands_alone(tmp_path, capsys):
    for name in ("gan-0", "gan-1"):
        judged(tmp_path, name)
        (tmp_path / name / "config.json").unlink()
    (tmp_path / "gan-0" / "metrics.jsonl").unlink()
    assert [(row["run"], row["minutes"]) for row in rows(tmp_path, capsys)] == [
        ("gan-0", "not measured"),
        ("gan-1", "1.0"),
    ]


def test_a_damaged_judgement_is_named(tmp_path):
    judged(tmp_path, "gan", scores={})
    with pytest.raises(Refusal, match=r"gan/evaluation.json is damaged or lacks scores"):
        compare.main(tmp_path, output=None)


def latents(value, *, samples=("1",), representation=None, codes="category"):
    """The sections of a report on codes and likelihoods, all of one value; each can be had without the others."""
    estimate = {"value": value, "low": value - 0.5, "high": value + 0.5}
    probes = ("linear", "nearest", "clusters") if representation is None else representation
    return {
        "likelihood": {number: {"nats": {**estimate, "value": value - 1 / int(number)}} for number in samples},
        "representation": {probe: {"accuracy": estimate, "train": 9, "test": 9} for probe in probes},
        "codes": {codes: {"error": estimate, "categories": 10}, "other": {"error": {**estimate, "value": 9.0}}},
        "regularity": {"continuity": estimate, "completeness": estimate},
    }


NOTHING = {"likelihood": {}, "representation": {}, "codes": {}, "regularity": {}}


def test_what_codes_and_likelihoods_are_worth_is_a_table_of_its_own_with_a_column_for_each_estimate(tmp_path, capsys):
    judged(tmp_path, "vae", **latents(2.0))
    judged(tmp_path, "gan", rate=0.2, **NOTHING)
    judged(tmp_path, "old", rate=0.3)  # judged before there were such sections
    found = rows(tmp_path, capsys)
    lines = compare.as_table_of_latents(found).splitlines()
    header, ruler, only = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert header == ["run", "seeds", *list(compare.LATENTS)[1:]]
    assert set("".join(ruler)) == {"-"}
    assert only == ["vae", "1", "1 [1.5, 2.5]", *["2 [1.5, 2.5]"] * 6]


def test_likelihoods_of_whole_numbers_are_bits_per_dimension_and_never_nats(tmp_path, capsys):
    found = latents(2.0)["likelihood"]["1"]
    bits = {"bits_per_dimension": {"value": 3.25, "low": 3.0, "high": 3.5}}
    judged(tmp_path, "flow", **{**NOTHING, "likelihood": {"1": found | bits}})
    judged(tmp_path, "vae", rate=0.2, **{**NOTHING, "likelihood": {"1": found}})
    header, _, *lines = compare.as_table_of_latents(rows(tmp_path, capsys)).splitlines()
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in (header, *lines)]
    assert shown[0][2:] == ["bits per dimension", "bound of nats"]
    assert [row[2:] for row in shown[1:]] == [["3.25 [3, 3.5]", ""], ["", "1 [1.5, 2.5]"]]


def test_the_table_of_codes_is_printed_below_the_one_of_samples(tmp_path, capsys):
    judged(tmp_path, "vae", **latents(2.0))
    found = json.loads(compare.main(tmp_path, output=None).read_text())
    assert f"{compare.as_table(found)}\n\n{compare.as_table_of_latents(found)}\n\n" in capsys.readouterr().out


def test_there_is_no_table_of_codes_where_no_run_has_any(tmp_path, capsys):
    judged(tmp_path, "gan", **NOTHING)
    judged(tmp_path, "old", rate=0.3)
    found = rows(tmp_path, capsys)
    assert compare.as_table_of_latents(found) == compare.as_table_of_latents([]) == ""


def test_seeds_have_the_mean_and_the_range_of_their_codes_too(tmp_path, capsys):
    for seed, value in enumerate((2.0, 6.0, 2.5)):
        judged(tmp_path, f"vae-{seed}", seed=seed, **latents(value))
    (row,) = rows(tmp_path, capsys)
    assert (row["seeds"], row["continuity"], row["linear probe"]) == ("3", "3.5 [2, 6]", "3.5 [2, 6]")
    assert row["bound of nats"] == "2.5 [1, 5]"


def test_what_only_some_seeds_have_is_left_out_and_what_only_some_runs_have_is_left_empty(tmp_path, capsys):
    judged(tmp_path, "ae-0", **{**latents(2.0, representation=("linear",)), "likelihood": {}, "codes": {}})
    judged(tmp_path, "ae-1", seed=1, **{**NOTHING, **{"regularity": latents(4.0)["regularity"]}})
    judged(tmp_path, "flow", rate=0.2, **{**NOTHING, "likelihood": latents(5.0)["likelihood"]})
    found = rows(tmp_path, capsys)
    header, _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in compare.as_table_of_latents(found).splitlines()
    )
    assert header == ["run", "seeds", "bound of nats", "continuity", "completeness"]
    assert lines == [["ae", "2", "", "3 [2, 4]", "3 [2, 4]"], ["flow", "1", "4 [4.5, 5.5]", "", ""]]


@pytest.mark.parametrize("samples", [("1", "10", "5000"), ("5000", "10", "1")])
def test_of_several_bounds_the_one_with_the_most_samples_is_shown(tmp_path, capsys, samples):
    judged(tmp_path, "iwae", **latents(2.0, samples=samples))
    (row,) = rows(tmp_path, capsys)
    assert row["bound of nats"] == "2 [1.5, 2.5]"


@pytest.mark.parametrize(
    ("names", "common"),
    [
        (["gan-0", "gan-1", "gan-2"], "gan"),
        (["gan-mnist-s10", "gan-mnist-s11"], "gan-mnist"),
        (["wgan-gp", "wgan-gp_seed1"], "wgan-gp"),
        (["classes-1", "classes-2"], "classes"),
        (["a64-1", "a64-2"], "a64"),
        (["0", "1"], "0"),
        (["first", "second"], "first"),
        (["gan-0"], "gan-0"),
    ],
)
def test_the_common_name_says_nothing_of_seeds(names, common):
    assert common_name(names) == common


def test_a_run_on_few_examples_has_a_row_without_a_distance(tmp_path, capsys):
    half = {"value": 0.5, "low": 0.4, "high": 0.6}
    copied = {"samples": half, "extractor": {"name": "thumbnails", "digest": ""}, "sizes": {"samples": 18}}
    judged(tmp_path, "few", scores={"copied": copied})
    (row,) = rows(tmp_path, capsys)
    assert (row["Fréchet distance"], row["of real images"], row["samples"]) == ("not measured", "not measured", "18")


def test_the_one_member_of_a_sweep_that_was_judged_is_named_and_has_its_share_of_the_minutes(tmp_path, capsys):
    judged(tmp_path, "gan", member=0, combination="rate 0.2", numbers={"training.rate": 0.2})
    path = tmp_path / "gan" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": {"w": 1.0}, "sweep": "model.w=1,2,3,4"}))
    (row,) = rows(tmp_path, capsys)
    assert (row["run"], row["minutes"]) == ("gan: rate 0.2", "0.2")
