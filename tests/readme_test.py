"""What the README says is what the code does."""

import importlib
import json
import re
from pathlib import Path

import pytest

from gengen.cli import flags
from gengen.cli.describe import experiments, list_experiments
from gengen.reports import adaptations, detections, translations
from gengen.tasks.compare import as_table, as_table_of_latents

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_experiments_is_what_list_prints(capsys):
    list_experiments(ROOT / "configs")
    assert capsys.readouterr().out.strip() in README


def test_every_file_that_it_names_is_there():
    paths = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(paths) >= 4
    for path in paths:
        assert (ROOT / path).is_file(), path


def test_every_flag_and_key_that_it_names_exists():
    names = [experiment.name for experiment in experiments(ROOT / "configs")]
    said = "".join(str(importlib.import_module(f"configs.{name}").get_config()) for name in names)
    keys = re.findall(r"--config\.([a-z_.]+)=", README)
    assert len(keys) > 20
    for part in {part for key in keys for part in key.split(".")}:
        assert f"{part}:" in said, part
    defined = set(flags.defined())
    for flag in set(re.findall(r"--([a-z_]+)[= `]", README)) - {"xla_gpu_deterministic_ops"}:
        assert flag in defined, flag


REACHED = json.loads((ROOT / "docs" / "reached.json").read_text(encoding="utf-8"))


def test_the_table_of_what_was_reached_is_what_compare_wrote():
    assert as_table(REACHED) in README


@pytest.mark.parametrize("name", ["losses", "tricks"])
def test_the_tables_of_experiments_are_what_compare_wrote(name):
    docs = ROOT / "docs"
    rows = json.loads((docs / f"{name}.json").read_text(encoding="utf-8"))
    assert as_table(rows) in (docs / "experiments.md").read_text(encoding="utf-8")


def test_the_tables_of_codes_and_detections_are_what_compare_wrote():
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert as_table_of_latents(REACHED) in text
    assert as_table_of_latents(json.loads((ROOT / "docs" / "bounds.json").read_text(encoding="utf-8"))) in text
    assert detections.as_table(DETECTED) in text


DETECTED = json.loads((ROOT / "docs" / "detections.json").read_text(encoding="utf-8"))
TWO_DOMAINS = {"pix2pix", "cyclegan", "cogan", "adapt"}
JUDGED_OTHERWISE = {"anomaly", *TWO_DOMAINS}
"""Experiments that draw no samples to be judged, or samples of two domains."""


@pytest.mark.parametrize("kind", [translations, adaptations])
def test_the_tables_of_two_domains_are_what_compare_wrote(kind):
    name = kind.__name__.rpartition(".")[2]
    rows = json.loads((ROOT / "docs" / f"{name}.json").read_text(encoding="utf-8"))
    assert kind.as_table(rows) in (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")


def test_the_configs_of_two_domains_repeat_what_they_reached():
    said = {experiment.name: experiment for experiment in experiments(ROOT / "configs")}
    rows = json.loads((ROOT / "docs" / "translations.json").read_text(encoding="utf-8"))
    (facades,) = [row for row in rows if row["run"] == "facades64"]
    assert f"PSNR {facades['PSNR'].split()[0]} dB" in said["pix2pix"].score
    assert facades["minutes"] in said["pix2pix"].minutes
    for row in json.loads((ROOT / "docs" / "adaptations.json").read_text(encoding="utf-8")):
        if row["run"] != "mnist_usps_official":
            name = "cogan" if row["run"].startswith("cogan") else "adapt"
            assert row["adapted"].split("%")[0] in said[name].score


def test_the_configs_repeat_what_they_reached():
    said = {experiment.name: experiment for experiment in experiments(ROOT / "configs")}
    assert {row["run"] for row in REACHED} >= said.keys() - JUDGED_OTHERWISE
    for row in REACHED:
        name, _, variant = row["run"].partition("-")
        distance, floor = (row[column].split()[0] for column in ("Fréchet distance", "of real images"))
        where = "MNIST" if variant == "mnist" else "digits"
        assert f"{distance} on {where} (real images {floor})" in said[name].score
        assert f"{row['minutes']} on {where}" in said[name].minutes
    assert f"{DETECTED[-1]['AUROC %']} %" in said["anomaly"].score
