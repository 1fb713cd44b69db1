"""metrics.jsonl across kills, TensorBoard events read back, and lines for people."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from gengen.core.mean import Mean
from gengen.core.refusal import Refusal
from gengen.pictures.grid import save_png
from gengen.runs.folder import read_folder
from gengen.training import report as report_module
from gengen.training.report import Report
from gengen.training.writer import Writer, cut_lines, entries_from, read_lines


def test_lines_beyond_the_restored_step_and_a_torn_one_are_cut(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps({"step": step, "x": step}) + "\n" for step in (10, 20, 30)) + '{"step": 4')
    cut_lines(path, 20)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [10, 20]
    cut_lines(path, 0)
    assert path.read_text() == ""
    cut_lines(tmp_path / "none.jsonl", 5)
    assert not (tmp_path / "none.jsonl").exists()


def test_the_seconds_of_a_run_go_on_where_it_was_stopped(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "seconds": 100}\n{"step": 2, "seconds": 200}\n')
    writer = Writer(tmp_path, 1)
    writer.scalars(2, {"x": 1.0})
    writer.close()
    assert 100 <= read_lines(tmp_path / "metrics.jsonl")[-1]["seconds"] < 150


def test_tensorboard_gets_scalars_and_pictures(tmp_path):
    writer = Writer(tmp_path, 0)
    writer.scalars(5, {"critic/loss": 1.5})
    save_png(tmp_path / "samples.png", np.zeros((4, 6, 1), np.uint8))
    writer.picture(5, "samples", tmp_path / "samples.png")
    writer.close()
    events = [Event.FromString(record) for path in (tmp_path / "events").iterdir() for record in records(path)]
    values = [(event.step, value) for event in events for value in event.summary.value]
    scalars = {value.tag: (step, value.simple_value) for step, value in values if value.HasField("simple_value")}
    images = {value.tag: value.image for _, value in values if value.HasField("image")}
    assert scalars == {"critic/loss": (5, 1.5)}
    assert [(name, image.height, image.width, image.colorspace) for name, image in images.items()] == [
        ("samples", 4, 6, 1)
    ]
    assert images["samples"].encoded_image_string == (tmp_path / "samples.png").read_bytes()


def records(path):
    """Reads the records of an event file: a length, its checksum, the content, its checksum."""
    content = path.read_bytes()
    while content:
        length = int.from_bytes(content[:8], "little")
        yield content[12 : 12 + length]
        content = content[16 + length :]


def shown(folder):
    """What TensorBoard shows of a run: {(step, tag): values}, without what a later session says will come again."""
    kept = {}
    for path in sorted((folder / "events").iterdir()):
        for event in map(Event.FromString, records(path)):
            if event.HasField("session_log"):
                kept = {key: values for key, values in kept.items() if key[0] < event.step}
            for value in event.summary.value:
                kept.setdefault((event.step, value.tag), []).append(value.simple_value or value.image.width)
    return kept


@pytest.mark.input(
    "Kills", "a run that was killed after a picture", "taken", "TensorBoard has all that the checkpoint has"
)
def test_events_are_in_the_file_as_soon_as_they_are_added(tmp_path):
    killed = Writer(tmp_path, 0)  # which is not closed before
    for step in (10, 20, 30):
        killed.scalars(step, {"critic/loss": 1.5})
        save_png(tmp_path / "samples.png", np.zeros((4, step, 1), np.uint8))
        killed.picture(step, "samples", tmp_path / "samples.png")
    resumed = Writer(tmp_path, 20)
    resumed.scalars(30, {"critic/loss": 2.5})
    assert shown(tmp_path) == {
        **{(10, "critic/loss"): [1.5], (10, "samples"): [10], (20, "critic/loss"): [1.5], (20, "samples"): [20]},
        (30, "critic/loss"): [2.5],
    }
    killed.close()
    resumed.close()


@pytest.mark.parametrize("name", ["s3:", "gs:x", "a[x]", "a\\b"])
def test_events_of_a_relative_path_of_any_name_are_files(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    writer = Writer(Path(name), 0)
    writer.scalars(5, {"x": 2.0})
    writer.close()
    assert shown(tmp_path / name) == {(5, "x"): [2.0]}


def test_a_report_averages_over_windows_and_leaves_out_what_was_not_measured(tmp_path, capsys):
    writer = Writer(tmp_path, 0)
    report = Report(writer, start=0, steps=4, batch_size=8, log_every=4)
    never = Mean(np.zeros(2, np.float32), np.zeros(2, np.float32))
    for first, totals in ((0, [1.0, 2.0]), (2, [3.0, 6.0])):
        loss = Mean(np.asarray(totals, np.float32), np.asarray([1.0, 2.0], np.float32))
        report(first, first + 2, {"a/loss": loss, "b/loss": never})
    report.close()
    writer.close()
    (line,) = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert line["step"] == 4
    assert line["a/loss"] == pytest.approx(12 / 6)
    assert "b/loss" not in line
    assert line["images_per_second"] > 0
    said = capsys.readouterr().err
    assert "step 4/4" in said
    assert "a/loss 2" in said


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(Refusal, match="holds no run"):
        read_folder(tmp_path)


def test_a_pause_does_not_count_as_training(tmp_path, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(report_module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    writer = Writer(tmp_path, 0)
    report = Report(writer, start=0, steps=2, batch_size=8, log_every=2)
    report(0, 1, {"loss": Mean(np.ones(1), np.ones(1))})
    with report.paused("judging"):
        clock.now += 1000
    clock.now += 2
    report(1, 2, {"loss": Mean(np.ones(1), np.ones(1))})
    report.close()
    writer.close()
    assert read_lines(tmp_path / "metrics.jsonl")[0]["images_per_second"] == 4.0


def test_what_is_read_on_from_a_place_is_what_was_written_since_whole_lines_alone(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert entries_from(path, 0) == ([], 0)
    path.write_text('{"step": 1}\n{"step": 2}\n{"st')
    first, place = entries_from(path, 0)
    assert [entry["step"] for entry in first] == [1, 2]
    assert entries_from(path, place) == ([], place)
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n')
    assert entries_from(path, place) == ([{"step": 3}], path.stat().st_size)
