"""The tables of runs between two domains and of adaptations: every direction a row, and where they are written."""

import json

import pytest

from gengen.core.refusal import Refusal
from gengen.reports.adaptations import MEASURED, adaptations
from gengen.reports.adaptations import as_table as as_table_of_adaptations
from gengen.reports.translations import HEADER, as_table, tells, translations
from gengen.tasks import compare


def estimate(value):
    return {"value": value, "low": value - 0.5, "high": value + 0.5}


def images_of(distance=3.0, **more):
    """What `translation` finds of one direction, or of one domain."""
    scores = {name: {"outputs": estimate(distance), "floor": estimate(1.0)} for name in ("frechet_distance", "recall")}
    return {"images": 1234, "domain": "b", "scores": scores, "extractor": {}, **more}


def translated(distance=3.0, cycle=0.5, psnr=(20.0, 17.0, 18.0), kept=0.75):
    answers = dict(zip(("outputs", "retrieval", "fill"), psnr, strict=True)) if psnr else {}
    pairs = {
        name: {
            "absolute_error": estimate(0.25),
            "psnr": estimate(value),
            "ssim": estimate(0.625),
            "sharpness": estimate(0.875),
        }
        for name, value in answers.items()
    }
    survival = {"outputs": estimate(kept), "real": estimate(1.5), "classifier": "c"} if kept else None
    return images_of(distance, cycle=estimate(cycle) if cycle else None, pairs=pairs, survival=survival)


def judged(folder, name, **sections):
    """Writes what `compare` reads of a run."""
    (folder / name).mkdir(parents=True)
    (folder / name / "evaluation.json").write_text(json.dumps({"step": 2000, **sections}))
    lines = [{"step": 2000, "seconds": 90}, {"step": 3000, "seconds": 1e6}]
    (folder / name / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_every_direction_is_a_row(tmp_path):
    judged(tmp_path, "cyclegan", translation={"ab": translated(), "ba": translated(4.0, psnr=(20.0, 19.0, 18.0))})
    ab, ba = translations(tmp_path)
    expected = (
        "cyclegan",
        "a to b",
        "0.25 [-0.25, 0.75]",
        "20 [19.5, 20.5]",
        "0.625 [0.125, 1.12]",
        "0.875 [0.375, 1.38]",
        "18 [17.5, 18.5]",
        "3 [2.5, 3.5]",
        "1 [0.5, 1.5]",
        "0.5 [0, 1]",
        "0.75 [0.25, 1.25]",
        "1.5 [1, 2]",
        "",
        "",
        "1,234",
        "2,000",
        "1.5",
    )
    assert tuple(ab[column] for column in HEADER) == expected
    assert (ba["direction"], ba["Fréchet distance"]) == ("b to a", "4 [3.5, 4.5]")
    assert ba["PSNR of the best trivial answer"] == "19 [18.5, 19.5]"


def test_what_no_run_has_is_no_column_and_what_some_have_is_left_empty(tmp_path):
    judged(tmp_path, "one", translation={"ab": translated(cycle=None, psnr=None, kept=None)})
    two = translated(psnr=None, kept=None)
    del two["scores"]
    judged(tmp_path, "two", translation={"ab": two | {"unfit": "they have no labels."}})
    (tmp_path / "two" / "metrics.jsonl").unlink()
    header, _, one, two = cells(as_table(translations(tmp_path)))
    assert header == [
        *("run", "direction", "Fréchet distance", "of real images", "cycle error", "images", "steps", "minutes")
    ]
    assert one == ["one", "a to b", "3 [2.5, 3.5]", "1 [0.5, 1.5]", "", "1,234", "2,000", "1.5"]
    assert two == ["two", "a to b", "", "", "0.5 [0, 1]", "1,234", "2,000", "not measured"]


def test_pairs_of_samples_are_a_row_for_each_domain_and_what_is_recognised_stands_in_the_last(tmp_path):
    agreed = {"pairs": estimate(0.75), "by_chance": estimate(0.125)}
    recognition = {"domain": "b", "images": 99, "accuracy": estimate(0.5)}
    halves = {"a": images_of(3.0, agreement=agreed), "b": images_of(4.0, agreement=None)}
    judged(tmp_path, "cogan", translation=halves, recognition=recognition)
    judged(tmp_path, "only", recognition=recognition)
    judged(tmp_path, "way", translation={"ab": translated(), "ba": translated()}, recognition=recognition)
    a, b, only, ab, ba = translations(tmp_path)
    assert [row["direction"] for row in (a, b, only, ab, ba)] == ["pairs, a", "pairs, b", "", "a to b", "b to a"]
    assert [row["pairs of one class"] for row in (a, b)] == ["0.75 [0.25, 1.25]", ""]
    assert [row["recognised"] for row in (a, b, only, ab, ba)] == ["", "0.5 [0, 1]", "0.5 [0, 1]", "0.5 [0, 1]", ""]
    assert [row["images"] for row in (a, only)] == ["1,234", "99"]


@pytest.mark.parametrize(
    "ways",
    [{}, 3, {"ab": {}}, {"ab": {"images": 3, "scores": {"frechet_distance": {"outputs": {"value": 1}}}}}],
    ids=str,
)
def test_a_damaged_judgement_is_named(tmp_path, ways):
    judged(tmp_path, "run", translation=ways)
    with pytest.raises(Refusal, match=r"run/evaluation.json is damaged; judge that run again with --mode=evaluate\."):
        compare.main(tmp_path, output=None)


def test_judgements_of_samples_are_told_from_others(tmp_path):
    for index, (text, other) in enumerate(
        [
            ('{"translation": {}}', True),
            ('{"recognition": {}}', True),
            ('{"scores": {}}', False),
            ("[]", False),
            ("{", False),
        ]
    ):
        (tmp_path / str(index)).write_text(text)
        assert tells(tmp_path / str(index)) == other


def adapted(folder, name, *, seeds=5, error=0.0125, survival=True, **changed):
    entries = {
        key: {"mean": 0.5 + index / 10, "standard_error": error, "values": [0.5] * seeds}
        for index, key in enumerate(MEASURED)
        if survival or key != "survival"
    }
    directions = {
        "ab": {"title": "mnist to usps", "images": 1860, **entries},
        "ba": {"title": "usps to mnist", "images": 10_000, **entries},
    }
    (folder / name).mkdir(parents=True)
    report = {"config": "adaptation", "seeds": seeds, "checkpoint": "latest", "directions": directions}
    (folder / name / "adaptation.json").write_text(json.dumps(report | changed))


def test_adaptations_are_a_row_for_each_direction_with_standard_errors(tmp_path):
    adapted(tmp_path, "adapt")
    there, back = adaptations(tmp_path)
    assert there == {
        "run": "adapt",
        "from, to": "mnist to usps",
        "taught by the source alone": "50.00% ± 1.25%",
        "adapted": "60.00% ± 1.25%",
        "taught by the target": "70.00% ± 1.25%",
        "labels that survive translation": "80.00% ± 1.25%",
        "held-out images": "1,860",
        "seeds": "5",
    }
    assert (back["from, to"], back["held-out images"]) == ("usps to mnist", "10,000")


def test_a_single_seed_has_no_standard_error_and_without_a_translation_nothing_survives(tmp_path):
    adapted(tmp_path, "adapt", seeds=1, error=None, survival=False)
    rows = adaptations(tmp_path)
    assert rows[0]["adapted"] == "60.00%"
    header, *_ = cells(as_table_of_adaptations(rows))
    assert "labels that survive translation" not in header
    assert len(header) == 7


@pytest.mark.parametrize("changed", [{"directions": {"ab": {}}}, {"directions": 3}, {"directions": None}], ids=str)
def test_a_damaged_adaptation_is_named(tmp_path, changed):
    adapted(tmp_path, "adapt", **changed)
    with pytest.raises(Refusal, match=r"adaptation.json is damaged; make it again with --mode=adapt .*adapt\."):
        compare.main(tmp_path, output=None)


def test_each_kind_of_run_is_a_file_of_its_own_and_the_first_kind_is_named(tmp_path, capsys):
    adapted(tmp_path / "runs", "adapt")
    named = tmp_path / "docs.json"
    assert compare.main(tmp_path / "runs", output=named) == named
    assert json.loads(named.read_text()) == adaptations(tmp_path / "runs")
    assert list((tmp_path / "runs").glob("*.json")) == []
    assert capsys.readouterr().out == as_table_of_adaptations(adaptations(tmp_path / "runs")) + "\n\n"
    judged(tmp_path / "runs", "cyclegan", translation={"ab": translated()})
    assert compare.main(tmp_path / "runs", output=named) == named
    assert json.loads(named.read_text()) == translations(tmp_path / "runs")
    assert json.loads((tmp_path / "runs" / "adaptations.json").read_text()) == adaptations(tmp_path / "runs")
    said = capsys.readouterr().out
    for shown in (as_table(translations(tmp_path / "runs")), as_table_of_adaptations(adaptations(tmp_path / "runs"))):
        assert f"{shown}\n\n" in said
    assert compare.main(tmp_path / "runs", output=None) == tmp_path / "runs" / "translations.json"


def test_runs_that_were_judged_by_their_samples_stay_in_a_table_of_their_own(tmp_path, monkeypatch):
    judged(tmp_path, "cyclegan", translation={"ab": translated()})
    judged(tmp_path, "gan", scores={})
    row = dict.fromkeys(compare.HEADER, "x")
    monkeypatch.setattr(compare, "_read", lambda path: [path])
    monkeypatch.setattr(compare, "_incomparable", lambda runs: ())
    monkeypatch.setattr(compare, "_groups", lambda runs: [runs])
    monkeypatch.setattr(compare, "_row", lambda runs: {**row, "run": ", ".join(path.parent.name for path in runs)})
    assert compare.main(tmp_path, output=None) == tmp_path / "comparison.json"
    assert [entry["run"] for entry in json.loads((tmp_path / "comparison.json").read_text())] == ["gan"]
    assert [entry["run"] for entry in json.loads((tmp_path / "translations.json").read_text())] == ["cyclegan"]
