"""The sweep that nobody wrote by hand: every key of every shipped config with values that are mostly wrong.

Each is said on a command line with `--dry_run`, in this process, and either is fine or gets one sentence and status 2.
"""

import contextlib
import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gengen.cli import command, dry_run

CONFIGS = Path(__file__).parent.parent / "configs"

VALUES = ("None", "", "abc", "-1", "0", "1e30", "1000000000000", "nan", "inf", "true", "(1, 2, 3, 4, 5)", "[1, 2]")
"""What every key is set to. Five numbers are a tuple too long where a tuple has a length."""


def leaves(config: ConfigDict, prefix: str = "") -> Iterator[str]:
    """Every key of a config that is no section, with dots between names."""
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def experiments() -> Iterator[tuple[str, ConfigDict]]:
    """Every shipped config, and those of its variants that have keys which no earlier one of it has."""
    for file in sorted(CONFIGS.glob("*.py")):
        if file.stem == "__init__":
            continue
        module, seen = importlib.import_module(f"configs.{file.stem}"), set[str]()
        for variant in ("", *module.VARIANTS):
            config = module.get_config(variant)
            new = set(leaves(config)) - seen
            if new:
                yield f"{file}{':' if variant else ''}{variant}", config
            seen |= new


def cases() -> Iterator[tuple[str, str, str]]:
    """Every (config, key, value); a key of a variant that the config itself has comes once."""
    seen = set[tuple[str, str]]()
    for experiment, config in experiments():
        for key in leaves(config):
            if (experiment.partition(":")[0], key) not in seen:
                seen.add((experiment.partition(":")[0], key))
                yield from ((experiment, key, value) for value in VALUES)


class Sweeper:
    """Runs command lines in this process; what does not depend on what has changed is not built twice."""

    def __init__(self, monkeypatch: Any) -> None:
        self._patch, self._known = monkeypatch, dict[str, Any]()
        monkeypatch.setattr(command.machine, "keep_compilations", lambda: None)
        for name, sections in {
            "load_data": ("data",),
            "member_model": ("data", "networks", "model", "optimizers", "training"),
            "traced": ("data", "networks", "model", "training"),
        }.items():
            monkeypatch.setattr(dry_run, name, self._once(name, sections, getattr(dry_run, name)))

    def _once(self, name: str, sections: tuple[str, ...], made: Any) -> Any:
        """A function of a config that is called once for all configs with the same sections."""

        def call(config: ConfigDict, *others: Any) -> Any:
            values = {section: config[section].to_dict() for section in sections}
            training = values.pop("training", {})
            epochs = config.training.epochs if name == "load_data" else 0
            matters = (
                {key: training.get(key) for key in ("steps", "batch_size", "average", "precision")} if training else {}
            )
            key = name + json.dumps(
                [values, matters, config.sweep, epochs and [epochs, config.training.batch_size]], default=str
            )
            if key not in self._known or epochs:
                self._known[key] = made(config, *others)
            return self._known[key]

        return call

    def run(self, *argv: str) -> tuple[int, str]:
        """Carries a command line out; returns its status and what it said on stderr."""
        said = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            status = command.main(["launch.py", *argv], CONFIGS)
        return status, said.getvalue()

    def verdict(self, experiment: str, key: str, value: str) -> str:
        """Says what is wrong with the answer to one case; "" if it was fine or one sentence."""
        line = f"--config={experiment} --config.{key}={value}"
        try:
            status, said = self.run(f"--config={experiment}", f"--config.{key}={value}", "--dry_run")
        except BaseException as error:
            return f"{line}: {type(error).__name__}: {str(error)[:300]}"
        sentences = [text for text in said.splitlines() if text.startswith("launch.py: ")]
        if status == 0 and not sentences:
            return ""
        if status == 2 and len(sentences) == 1 and sentences[0].endswith((".", "'", ")")) and len(said) < 2_000:
            return ""
        return f"{line}: status {status}, {said[-300:]!r}"
