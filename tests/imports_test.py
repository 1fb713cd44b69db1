"""Who may import whom: the rooms of the design, read from the sources."""

import ast
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from gengen.cli.tasks import TASKS

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.quick

RUN = {
    "gengen.runs",
    "gengen.inference",
    "gengen.build",
    "gengen.training",
    "gengen.data",
    "gengen.files",
    "gengen.metrics",
    "gengen.models.classifier",
    "gengen.networks",
    "gengen.pictures",
    "gengen.restoration",
    "gengen.core",
    "gengen.values",
}
"""What works on a run folder may import."""

ROOMS = {
    "launch": {"gengen.cli"},
    "gengen.__main__": {"gengen.cli"},
    "configs": {"configs"},
    "gengen.cli": {"gengen.cli", "gengen.reports", *RUN},  # and modes, by their table
    "gengen.tasks": {"gengen.api", "gengen.export", "gengen.diagnosis", "gengen.evaluation", "gengen.reports", *RUN},
    "gengen.api": {"gengen.api", "gengen.export", "gengen.diagnosis", "gengen.evaluation", "gengen.reports", *RUN},
    "gengen.evaluation": {"gengen.evaluation", "gengen.reports", *RUN},
    "gengen.export": {"gengen.export", *RUN},
    "gengen.diagnosis": {"gengen.diagnosis", "gengen.inference", "gengen.metrics", "gengen.data", "gengen.core"},
    "gengen.runs": RUN,
    "gengen.inference": {
        "gengen.inference",
        "gengen.restoration",
        "gengen.data",
        "gengen.pictures",
        "gengen.core",
        "gengen.values",
    },
    "gengen.samplers": {"gengen.samplers", "gengen.core", "gengen.values"},
    "gengen.restoration": {"gengen.restoration", "gengen.samplers", "gengen.core", "gengen.values"},
    "gengen.reports": {
        "gengen.reports",
        "gengen.pictures",
        "gengen.files",
        "gengen.metrics",
        "gengen.training",
        "gengen.core",
    },
    "gengen.build": {
        "gengen.build",
        "gengen.models",
        "gengen.networks",
        "gengen.losses",
        "gengen.samplers",
        "gengen.data",
        "gengen.core",
        "gengen.values",
    },
    "gengen.models": {
        "gengen.models",
        "gengen.networks",
        "gengen.losses",
        "gengen.samplers",
        "gengen.core",
        "gengen.values",
    },
    "gengen.training": {"gengen.training", "gengen.files", "gengen.core"},
    "gengen.data": {"gengen.data", "gengen.files", "gengen.core"},
    "gengen.networks": {"gengen.networks", "gengen.core.parallel", "gengen.values"},
    "gengen.metrics": {"gengen.metrics", "gengen.core"},
    "gengen.losses": {"gengen.losses", "gengen.values"},
    "gengen.pictures": {"gengen.pictures", "gengen.files"},
    "gengen.files": {"gengen.files", "gengen.core"},
    "gengen.core": {"gengen.core"},
    "gengen.values": set(),
    "gengen": {"gengen.api", "gengen.core"},
}
"""What each room may import of gengen and configs, itself included where it has more than one file."""

FILES = sorted([ROOT / "launch.py", *ROOT.glob("configs/**/*.py"), *ROOT.glob("gengen/**/*.py")])


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    return max((room for room in ROOMS if (module + ".").startswith(room + ".")), key=len)


@cache
def nodes(path):
    """Everything that is written in a file."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path):
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ids(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_point_one_way(path):
    allowed = ROOMS[room_of(module_of(path))]
    for name in imports(path):
        if name.split(".")[0] in ("gengen", "configs"):
            assert any((name + ".").startswith(room + ".") for room in allowed), f"{path} may not import {name}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_only_the_layers_use_flax_convolutions_and_batch_normalisation(path):
    if "layers" not in path.parts:
        for node in nodes(path):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("Conv", "ConvTranspose", "BatchNorm")), path


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (40 if path.parent == ROOT / "configs" else 300)
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def test_the_core_stays_a_few_hundred_lines():
    assert sum(len(path.read_text().splitlines()) for path in ROOT.glob("gengen/core/*.py")) < 1000


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_nobody_asks_an_object_what_it_has(path):
    calls = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
    assert "hasattr" not in [call.id for call in calls if isinstance(call, ast.Name)]


UPPER = ("tasks", "api", "export", "evaluation", "inference", "reports", "runs")
"""The rooms above all that a run is built of."""

FLOORS = 8
"""The most files of these rooms that stand on each other."""

MODULES = {module_of(path): path for path in FILES if "gengen" in path.parts}


def graph():
    """What each file of the package imports of it, at its top or later; the command line reaches modes by a table."""
    found = {
        module: {
            target
            for name in imports(path)
            for target in ([name] if name in MODULES else [name.rpartition(".")[0]])
            if target in MODULES and target != module
        }
        for module, path in MODULES.items()
    }
    found["gengen.cli.tasks"] |= {f"gengen.tasks.{mode}" for mode in TASKS}
    return found


def test_no_file_imports_one_that_imports_it():
    assert list(TopologicalSorter(graph()).static_order())


def test_the_house_above_a_run_has_few_floors():
    found = graph()

    @cache
    def longest(module):
        below = [longest(name) for name in found[module] if name.split(".")[1] in UPPER]
        return (module, *max(below, key=len, default=()))

    chains = [longest(module) for module in MODULES if module.split(".")[1:2] == ["tasks"]]
    highest = max(chains, key=len)
    assert len(highest) <= FLOORS, " > ".join(highest)


def test_a_mode_is_a_file_of_few():
    files = {path.stem for path in ROOT.glob("gengen/tasks/*.py")} - {"__init__"}
    assert files == set(TASKS)
    assert len(files) <= 26


SAME = {
    "adversarial", "classifier", "codes", "curves", "domains", "kinds", "likelihood", "model", "points", "recognition",
    "series", "train", "units",
}  # fmt: skip
"""Names of files that stand in several rooms and mean the same in each, such as a model and its loss."""


def test_a_name_in_two_rooms_means_the_same():
    rooms = defaultdict(list)
    for module, path in MODULES.items():
        if path.stem != "__init__":
            rooms[path.stem].append(module)
    several = {name: modules for name, modules in rooms.items() if len(modules) > 1 and name not in SAME}
    assert not several
    assert all(len(rooms[name]) > 1 for name in SAME), "the list is no longer than it has to be"
