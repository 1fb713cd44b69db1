"""What the benchmark of modes makes of runs: a row for each, of whatever was judged."""

import importlib
import json

from benchmarks import modes
from benchmarks.modes import ENTRIES

ONE = {"value": 7.5, "low": 7.0, "high": 8.0}


def written(folder, *, seeds, spread):
    """The files of a run that ended on the illness of its samples' spread, or well."""
    folder.mkdir()
    scores = {"modes_hit": ONE, "mode_divergence": {**ONE, "deviation": 0.5}}
    (folder / "config.json").write_text(json.dumps({"training": {"seeds": seeds}}))
    lines = [{"step": step, "seconds": step / 2, "samples/spread": spread} for step in (100, 200, 300, 400)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return modes.row_of(folder, scores)


def test_a_row_has_the_scores_that_there_are_the_illnesses_that_were_told_and_the_time(tmp_path):
    row = written(tmp_path / "ill", seeds=8, spread=0.01)
    assert (row["seeds"], row["steps"], row["seconds"]) == (8, 400, 200.0)
    assert row["found"] == [["collapse", 100, None]]
    assert row["scores"] == {"modes_hit": ONE, "mode_divergence": {**ONE, "deviation": 0.5}}
    well = written(tmp_path / "well", seeds=1, spread=1.0)
    assert well["found"] == []

    header, _, first, second = modes.as_table({"pacgan:ring": well, "gan:ring": row}).splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")] == list(modes.HEADER)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (first, second)]
    assert [line[0] for line in cells] == ["gan:ring", "pacgan:ring"]  # in the order of the entries
    assert cells[0][3:] == ["7.5 [7, 8]", "", "7.5 ± 0.5 [7, 8]", "", "", "collapse", "3.33"]
    assert cells[1][-2] == "healthy"
    *_, two = modes.as_table(
        {"gan:ring": {**row, "seeds": 2, "scores": {"recall": {**ONE, "deviation": 0.5}}}}
    ).splitlines()
    assert "| 7.5 ± 0.5 |" in two


def test_every_entry_is_an_experiment_that_there_is_and_changes_keys_that_it_has():

    for entry in ENTRIES.values():
        name, _, variant = entry.experiment.partition(":")
        config = importlib.import_module(f"configs.{name}").get_config(variant)
        for key, value in entry.settings.items():
            section, last = config, key.split(".")
            for part in last[:-1]:
                section = section[part]
            assert type(section[last[-1]]) is type(value)
