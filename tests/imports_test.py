"""Who may import whom: the rooms of the design, read from the sources."""

import ast
from pathlib import Path

import pytest

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
    "gengen.core",
    "gengen.values",
}
"""What works on a run folder may import."""

ROOMS = {
    "launch": {"gengen.cli"},
    "configs": {"configs"},
    "gengen.cli": {"gengen.cli", "gengen.tasks", "gengen.api", "gengen.reports", *RUN},
    "gengen.tasks": {"gengen.tasks", "gengen.api", "gengen.evaluation", "gengen.reports", *RUN},
    "gengen.api": {"gengen.api", "gengen.evaluation", "gengen.reports", *RUN},
    "gengen.evaluation": {"gengen.evaluation", "gengen.reports", *RUN},
    "gengen.runs": RUN,
    "gengen.inference": {"gengen.inference", "gengen.data", "gengen.pictures", "gengen.core"},
    "gengen.reports": {"gengen.reports", "gengen.files", "gengen.training", "gengen.core"},
    "gengen.build": {
        "gengen.build",
        "gengen.models",
        "gengen.networks",
        "gengen.losses",
        "gengen.data",
        "gengen.core",
        "gengen.values",
    },
    "gengen.models": {"gengen.models", "gengen.networks", "gengen.losses", "gengen.core", "gengen.values"},
    "gengen.training": {"gengen.training", "gengen.files", "gengen.core"},
    "gengen.data": {"gengen.data", "gengen.files", "gengen.core"},
    "gengen.networks": {"gengen.networks", "gengen.core.parallel", "gengen.values"},
    "gengen.metrics": {"gengen.metrics", "gengen.core"},
    "gengen.losses": {"gengen.losses", "gengen.values"},
    "gengen.pictures": {"gengen.pictures", "gengen.files"},
    "gengen.files": {"gengen.files", "gengen.core"},
    "gengen.core": {"gengen.core"},
    "gengen.values": set(),
    "gengen": set(),
}
"""What each room may import of gengen and configs, itself included where it has more than one file."""

FILES = sorted([ROOT / "launch.py", *ROOT.glob("configs/*.py"), *ROOT.glob("gengen/**/*.py")])


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    return max((room for room in ROOMS if (module + ".").startswith(room + ".")), key=len)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("Conv", "ConvTranspose", "BatchNorm")), path


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (40 if "configs" in path.parts and path.stem != "base" else 300)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def test_the_game_stays_a_few_hundred_lines():
    assert sum(len(path.read_text().splitlines()) for path in ROOT.glob("gengen/core/*.py")) < 800


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_nobody_asks_an_object_what_it_has(path):
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert "hasattr" not in [call.id for call in calls if isinstance(call, ast.Name)]
