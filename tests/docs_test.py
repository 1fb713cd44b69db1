"""What README and the pages of docs/ say is what the code does."""

import importlib
import json
import re
from pathlib import Path

import pytest

from benchmarks import __main__ as speed
from benchmarks import arithmetics, clinic, densities, healing, likelihoods, modes, tables
from benchmarks import report as speeds
from benchmarks.cases import CASES
from gengen.cli import flags
from gengen.cli.experiments import experiments
from gengen.cli.tasks import TASKS
from gengen.data.sources import BUILDERS
from gengen.diagnosis.illnesses import ILLNESSES
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.reports import adaptations, detections, translations
from gengen.reports.tables import table
from gengen.tasks.compare import as_table, as_table_of_latents
from tests import exports
from tests.contract import ROWS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
"""Everything that a person reads; CHANGELOG.md says what was."""

SAID = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def read(name):
    return (DOCS / name).read_text(encoding="utf-8")


def read_json(name):
    return json.loads(read(name))


def test_readme_is_a_screen_and_a_half():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 72


def test_the_table_of_experiments_is_what_their_docstrings_say():
    rows = [list(experiment) for experiment in experiments(ROOT / "configs")]
    assert table(rows, ("config", "what", "score", "minutes")) in read("results.md")


def ids(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_that_a_page_links_to_is_there(page):
    for path in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / path).is_file(), path


def test_readme_links_to_the_pages_and_shows_the_gallery():
    paths = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len([path for path in paths if path.endswith(".md")]) >= 10
    assert len([path for path in paths if path.endswith(".png")]) >= 4


def test_every_source_that_the_pages_name_is_there():
    paths = set(re.findall(r"`((?:benchmarks|gengen|configs|tests)/[\w/]+\.py)", SAID))
    paths |= {f"{module.replace('.', '/')}.py" for module in re.findall(r"python -m (gengen[\w.]+)", SAID)}
    assert len(paths) > 5
    for path in paths:
        assert "NAME" in path or (ROOT / path).is_file(), path


def test_every_flag_and_key_that_the_pages_name_exists():
    names = [experiment.name for experiment in experiments(ROOT / "configs")]
    said = "".join(str(importlib.import_module(f"configs.{name}").get_config()) for name in names)
    keys = re.findall(r"--config\.([a-z_.]+)=", SAID)
    assert len(keys) > 20
    for part in {part for key in keys for part in key.split(".")}:
        assert f"{part}:" in said, part
    defined = set(flags.defined())
    of_benchmarks = "".join(
        command.parser().format_help() for command in (speed, arithmetics, clinic, healing, modes, tables)
    )
    others = {"xla_gpu_deterministic_ops", "strict"}  # of XLA and of mkdocs
    for flag in set(re.findall(r"--([a-z_]+)[= `]", SAID)) - others:
        assert flag in defined or f"--{flag} " in of_benchmarks, flag


@pytest.mark.parametrize("choices", [TASKS, ADVERSARIAL_LOSSES, BUILDERS], ids=["modes", "losses", "data"])
def test_everything_that_is_chosen_by_name_is_named_in_the_pages(choices):
    """Modes, adversarial losses and own data sets, as `name` or in a command; the table of inputs is no explanation."""
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md") if page.stem != "inputs")
    missing = [name for name in choices if not re.search(rf"[`=]{name}\b(?!\.)", text)]
    assert not missing, f"name {', '.join(missing)} in a page of docs/, with what it is"


def test_the_page_of_speed_shows_what_benchmarks_wrote_and_says_what_each_step_is():
    page, report = read("speed.md"), read_json("speed.json")
    assert f"{speeds.heading(report)}\n\n{speeds.as_table(report)}\n" in page
    for case in CASES.values():
        assert f"- **{case.title}**: {case.sizes}.\n" in page
    assert arithmetics.as_table(read_json("arithmetics.json")) in page


def test_the_page_of_diagnosis_shows_what_the_clinic_wrote_and_names_every_illness_and_measure():
    page = read("diagnosis.md")
    assert clinic.as_table(read_json("clinic.json")) in page
    assert healing.as_table(read_json("healing.json")) in page
    for illness in ILLNESSES:
        assert f"| {illness.name} |" in page


def test_the_page_of_exports_shows_every_row_of_the_contract():
    found = read_json("export.json")
    assert found.keys() == ROWS.keys(), "python -m tests.exports"
    assert exports.as_table(found) in read("export.md")


def test_the_page_of_gans_shows_how_many_modes_they_hit():
    assert modes.as_table(read_json("modes.json")) in read("gans.md")


def test_the_page_of_flows_shows_how_likely_tables_are():
    assert tables.as_table(read_json("tables.json")) in read("flows.md")


REACHED = read_json("reached.json")


def test_the_table_of_what_was_reached_is_what_compare_wrote():
    assert as_table(REACHED) in read("results.md")


@pytest.mark.parametrize("name", ["losses", "tricks"])
def test_the_tables_of_experiments_are_what_compare_wrote(name):
    assert as_table(read_json(f"{name}.json")) in read("experiments.md")


def test_the_tables_of_codes_and_detections_are_what_compare_wrote():
    text = read("experiments.md")
    assert as_table_of_latents(REACHED) in text
    assert as_table_of_latents(read_json("bounds.json")) in text
    assert detections.as_table(DETECTED) in text


DETECTED = read_json("detections.json")
TWO_DOMAINS = {"pix2pix", "cyclegan", "cogan", "adapt"}
BITS = read_json("bits.json")
LIKELY = {row["run"].partition("-")[0] for row in BITS}
TEXTS = read_json("texts.json")
JUDGED_OTHERWISE = {"anomaly", "text", *TWO_DOMAINS, *LIKELY}
"""Experiments of no samples to be judged, of samples of two domains, or judged by likelihoods or by captions."""


def test_the_page_of_diffusion_shows_what_samples_of_texts_show_and_the_config_repeats_it():
    assert table([list(row.values()) for row in TEXTS], tuple(TEXTS[0])) in read("diffusion.md")
    (text,) = [experiment for experiment in experiments(ROOT / "configs") if experiment.name == "text"]
    for row in TEXTS:
        assert row["all right"].split()[0] in text.score


def test_the_page_of_flows_shows_likelihoods_as_compare_wrote_them_and_the_configs_repeat_them():
    text, said = read("flows.md"), {experiment.name: experiment for experiment in experiments(ROOT / "configs")}
    assert as_table_of_latents(BITS) in text
    assert likelihoods.as_table(read_json("likelihoods.json")["rows"]) in text
    assert densities.as_table(read_json("densities.json")) in text
    assert {"realnvp", "glow", "spline_flow", "maf", "tarflow", "pixelcnn", "vdm"} == LIKELY
    for row in BITS:
        name, _, variant = row["run"].partition("-")
        where = {"mnist": "MNIST"}.get(variant, "digits")
        assert f"{row['bits per dimension'].split()[0]} bits on {where}" in said[name].score
        assert f"{row['minutes']} on {where}" in said[name].minutes


@pytest.mark.parametrize("kind", [translations, adaptations])
def test_the_tables_of_two_domains_are_what_compare_wrote(kind):
    name = kind.__name__.rpartition(".")[2]
    assert kind.as_table(read_json(f"{name}.json")) in read("experiments.md")


def test_the_configs_of_two_domains_repeat_what_they_reached():
    said = {experiment.name: experiment for experiment in experiments(ROOT / "configs")}
    (facades,) = [row for row in read_json("translations.json") if row["run"] == "facades64"]
    assert f"PSNR {facades['PSNR'].split()[0]} dB" in said["pix2pix"].score
    assert facades["minutes"] in said["pix2pix"].minutes
    for row in read_json("adaptations.json"):
        if row["run"] != "mnist_usps_official":
            name = "cogan" if row["run"].startswith("cogan") else "adapt"
            assert row["adapted"].split("%")[0] in said[name].score


def test_the_configs_repeat_what_they_reached():
    said = {experiment.name: experiment for experiment in experiments(ROOT / "configs")}
    assert {row["run"] for row in REACHED} >= said.keys() - JUDGED_OTHERWISE
    for row in REACHED:
        name, _, variant = row["run"].partition("-")
        distance, floor = (row[column].split()[0] for column in ("Fréchet distance", "of real images"))
        data = importlib.import_module(f"configs.{name}").get_config(variant).data.name
        where = {
            "mnist": "MNIST",
            "fashion_mnist": "Fashion-MNIST",
            "digits_smooth": "smooth digits",
            "glyphs_varied": "varied glyphs",
        }.get(data, data)
        assert f"{distance} on {where} (real images {floor})" in said[name].score
        assert f"{row['minutes']} on {where}" in said[name].minutes
    assert f"{DETECTED[-1]['AUROC %']} %" in said["anomaly"].score
