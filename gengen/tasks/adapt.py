"""`--mode=adapt`: how many labels a classifier gets right in a domain none of whose labels it has seen.

For each seed, four classifiers are trained, each in a run folder of its own: one on each domain's labels alone, and one
adapted in each direction. What a domain's own labels teach says how well the other's could be learnt at all, and what
the other's teach alone how much there is to adapt.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.api import train
from gengen.api.ready import ready
from gengen.build.sweep import check_no_sweep
from gengen.core.refusal import Refusal
from gengen.data.labels import with_labels
from gengen.data.listing import few
from gengen.data.signature import DataSet
from gengen.data.splits import RULES, rule_of
from gengen.evaluation.recognition import classes_named
from gengen.files.whole import write_whole
from gengen.inference.conditions import LABEL
from gengen.inference.translation import Translations
from gengen.reports import adaptations
from gengen.reports.adaptations import MEASURED
from gengen.runs.check import check_config
from gengen.runs.folder import begun, read_folder
from gengen.runs.outputs import output_files
from gengen.runs.precision import settle
from gengen.runs.prepare import SECOND, load_data
from gengen.runs.run import open_run
from gengen.training.checkpoint import Checkpoints


def main(config: ConfigDict, workdir: Path, *, output: Path | None) -> Path:
    """Trains what is not trained yet, and prints accuracies on held-out images with their standard error over seeds.

    The last state of every run is what is judged, and images of the target's test split are never trained on.

    Args:
      config: an experiment with a second data set and a section `adaptation`: `seeds`, how many; `directions`, of
        `DIRECTIONS`; `baseline`, networks, model, optimizers and steps of a classifier of one domain.
      workdir: folder of all run folders.
      output: the .json to write; `adaptation.json` in the folder by default.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: the config has no such section or no second data set, or a run cannot be made.
    """
    settings = _settings(config)
    there = _there(workdir)
    rule = rule_of(read_folder(there)[1]) if there else RULES[0]
    domains = {way: _domains(config, way, rule) for way in settings.directions}
    settle(config, there)
    for own in _first_runs(config):
        ready(own, rule)  # so that nothing is trained if one of them cannot be
    (path,) = output_files(output, workdir / "adaptation.json", ".json")
    found: dict[str, dict[str, list[float]]] = {way: {name: [] for name in MEASURED} for way in settings.directions}
    for seed in range(settings.seeds):
        folder = workdir / f"seed_{seed}"
        alone = {name: _trained(_alone(config, name, seed), folder / f"only_{name}", rule) for name in "ab"}
        for way in settings.directions:
            adapted = _trained(_adapted(config, way, seed), folder / way, rule)
            source, target = domains[way]
            for name, classifier in (("source", alone[way[0]]), ("adapted", adapted), ("target", alone[way[1]])):
                found[way][name].append(accuracy(recogniser(classifier), target["data"], target["label"]))
            translated = _translated(adapted, source["data"])
            if translated is not None:
                found[way]["survival"].append(accuracy(recogniser(alone[way[1]]), translated, source["label"]))
            print(f"seed {seed}, {_title(config, way)}: {_said({name: v[-1:] for name, v in found[way].items()})}")
    report = {
        "config": config.model.name,
        "seeds": settings.seeds,
        "checkpoint": "latest",
        "directions": {
            way: _report(config, way, found[way], len(domains[way][1]["data"])) for way in settings.directions
        },
    }
    print(f"\n{adaptations.as_table(adaptations.rows_of(report))}\n")
    write_whole(path, json.dumps(report, indent=2))
    return path


def accuracy(recognise: Callable[[np.ndarray], np.ndarray], examples: np.ndarray, labels: np.ndarray) -> float:
    """The share of examples [N, *shape] whose most probable class is their label [N]."""
    return float(np.mean(recognise(examples) == labels))


def recogniser(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Returns what gives the most probable class [N] of examples [N, *shape], by the latest state of a run."""
    run = open_run(folder)
    named = classes_named(run, run.signature.units)
    return lambda examples: named(examples)[LABEL]


def standard_error(values: Sequence[float]) -> float | None:
    """Of the mean of values [N], from their own spread; None for a single one."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _settings(config: ConfigDict) -> ConfigDict:
    if "adaptation" not in config or "second" not in config.data:
        raise Refusal("--mode=adapt needs an experiment of two domains, such as --config=configs/adapt.py.")
    check_no_sweep(config, "--mode=adapt")
    check_config(config)
    if config.training.get("seeds", 1) > 1:
        raise Refusal(
            f"config.training.seeds={config.training.seeds} would not be heeded: --mode=adapt repeats everything "
            f"config.adaptation.seeds={config.adaptation.seeds} times."
        )
    return config.adaptation


def _first_runs(config: ConfigDict) -> list[ConfigDict]:
    """The configs of all that is trained with the first seed."""
    return [
        *(_alone(config, name, 0) for name in "ab"),
        *(_adapted(config, way, 0) for way in config.adaptation.directions),
    ]


def _there(workdir: Path) -> Path | None:
    """A run that is there, if there is one.

    Its precision is that of all, and how it draws test splits: what one is tested on, none may be trained on.
    """
    return next((path.parent for path in sorted(workdir.glob("seed_*/*/data.json")) if begun(path.parent)), None)


def _trained(config: ConfigDict, folder: Path, rule: str) -> Path:
    """Trains a run to its end, if it is not there yet; returns its folder.

    Raises:
      Refusal: it was stopped before.
    """
    train.run(config, folder, rule)
    step = Checkpoints(folder / "checkpoints", read_only=True).latest()
    if step is None or step < config.training.steps:
        raise Refusal(f"stopped before {folder} was complete; the same command goes on from there.")
    return folder


def _alone(config: ConfigDict, name: str, seed: int) -> ConfigDict:
    """The config of a classifier of one domain."""
    baseline, own = config.adaptation.baseline, _adapted(config, "ab" if name == "a" else "ba", seed)
    del own.data["second"]
    for section in ("networks", "model", "optimizers"):
        own[section] = baseline[section].copy_and_resolve_references()
    own.training.update(steps=baseline.steps, batch_size=baseline.batch_size, epochs=0.0)
    own.training.average.update(decay=0.0, networks=())
    return own


def _adapted(config: ConfigDict, way: str, seed: int) -> ConfigDict:
    """The experiment with another seed, and with the source of a direction as its first data set."""
    own = config.copy_and_resolve_references().unlock()
    del own["adaptation"]
    own.training.seed += seed
    if way == "ba":
        for key in SECOND:
            own.data[key], own.data.second[key] = own.data.second[key], own.data[key]
    return own


def _domains(config: ConfigDict, way: str, rule: str) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
    """The test splits of the source and of the target of a direction, without images of unknown classes.

    Raises:
      Refusal: a domain has no labels, or not those of the other one, so that no accuracy can be measured.
    """
    data = load_data(config.copy_and_resolve_references(), rule)
    second = data.second
    assert second
    domains: dict[str, DataSet] = {"a": data, "b": second}
    for name in way:
        if not domains[name].signature.classes:
            raise Refusal(f"{domains[name].signature.name} has no labels, so that no accuracy can be measured.")
    if data.signature.classes != second.signature.classes:
        theirs = " and ".join(f"{part.signature.name} has {few(part.signature.classes)}" for part in (data, second))
        raise Refusal(f"--mode=adapt measures labels that both domains have, and theirs are not the same: {theirs}.")
    source, target = (with_labels(domains[name].splits["test"]) for name in way)
    for name, split in zip(way, (source, target), strict=True):
        if not len(split["label"]):
            raise Refusal(f"no held-out image of {domains[name].signature.name} has a label to measure accuracy by.")
    return source, target


def _translated(folder: Path, examples: np.ndarray) -> np.ndarray | None:
    """Examples of the source as the run makes them look like the target's; None where it does not translate."""
    run = open_run(folder)
    if not run.model.translate:
        return None
    return Translations(run.model, run.signature, 0).translate(run.variables, "ab", examples, np.arange(len(examples)))


def _title(config: ConfigDict, way: str) -> str:
    names = {"a": config.data.name, "b": config.data.second.name}
    return f"{names[way[0]]} to {names[way[1]]}"


def _report(config: ConfigDict, way: str, found: Mapping[str, list[float]], size: int) -> dict[str, Any]:
    measured = {
        name: {"mean": float(np.mean(values)), "standard_error": standard_error(values), "values": values}
        for name, values in found.items()
        if values
    }
    return {"title": _title(config, way), "images": size, **measured}


def _said(found: Mapping[str, list[float]]) -> str:
    return ", ".join(f"{MEASURED[name]} {np.mean(values):.2%}" for name, values in found.items() if values)
