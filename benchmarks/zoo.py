"""Makes the started models that come with gengen: trains, keeps the weights, judges what was kept.

    python -m benchmarks.zoo --workdir=runs/zoo
    python -m benchmarks.zoo --workdir=runs/zoo --only=cgan

Each is an experiment with narrower networks, so that its file stays below a megabyte. A training that was interrupted
goes on, and one that is complete is not repeated.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rounds import ROOT
from gengen.evaluation.evaluate_run import judged
from gengen.files.archive import DIGESTS, digests_of
from gengen.files.whole import write_whole
from gengen.reports.tables import table, with_interval
from gengen.runs.run import open_run
from gengen.runs.started import ZOO
from gengen.runs.weights_alone import write_weights

LARGEST = 1_000_000
"""The most bytes of the weights of one."""

NUM = 2_000
"""Samples that are judged, or held-out examples."""

GAN = {"networks.generator.widths": (128, 256, 256), "networks.critic.widths": (256, 128)}
CONVOLUTIONAL = {"networks.generator.width": 16, "networks.critic.width": 16}

STARTED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "aae": ("aae", {}),
    "anomaly": ("anomaly", {}),
    "cgan": ("cgan", CONVOLUTIONAL),
    "cyclegan": ("cyclegan", {f"networks.{name}.width": 16 for name in ("to_a", "to_b", "critic_a", "critic_b")}),
    "dcgan": ("dcgan", {}),
    "flow_matching": ("flow_matching", {"networks.denoiser.width": 32}),
    "gan": ("gan", GAN),
    "infogan": ("infogan:digits", CONVOLUTIONAL),
    "realnvp": ("realnvp", {}),
    "vae-map": ("vae:map", {"networks.decoder.widths": (128, 256), "networks.encoder.widths": (256, 128)}),
    "vqvae": ("vqvae", {}),
    "wgan": ("wgan:digits", GAN),
}
"""Each started model: its experiment, and what is changed of it."""

TRAINING = {"sample_every": 0, "film_every": 0, "checkpoint_every": 0, "precision": "float32"}
"""What is changed of the section `training` of all of them."""


def train(name: str, folder: Path) -> None:
    """Trains a started model in a folder.

    Raises:
      subprocess.CalledProcessError: it failed; what was said stands on standard error.
    """
    experiment, changes = STARTED[name]
    stem, _, variant = experiment.partition(":")
    config = ":".join(filter(None, (f"configs/{stem}.py", variant)))
    settings = {**{f"training.{key}": value for key, value in TRAINING.items()}, "evaluation.every": 0, **changes}
    flags = [f"--config.{key}={value}" for key, value in settings.items()]
    subprocess.run(
        [sys.executable, "launch.py", f"--config={config}", f"--workdir={folder.absolute()}", *flags],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def keep(name: str, folder: Path) -> Path:
    """Keeps of a run what is needed to use it, and judges that.

    Raises:
      ValueError: its weights take more than `LARGEST` bytes.
    """
    target = ZOO / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in ("config.json", "data.json", "versions.json"):
        shutil.copyfile(folder / file, target / file)
    run = open_run(folder)
    size = write_weights(target, run.variables, run.step).stat().st_size
    if size > LARGEST:
        raise ValueError(f"{name} has weights of {size:,} bytes, and {LARGEST:,} are the most")
    kept = open_run(target)
    report = {**judged(kept, num=NUM, seed=0)[0], "run": f"zoo:{name}"}
    write_whole(target / "evaluation.json", json.dumps(report, indent=1))
    paths = [path.name for path in target.iterdir() if path.name != DIGESTS]
    write_whole(target / DIGESTS, json.dumps(digests_of(target, paths), indent=1))
    return target


def as_table(zoo: Path = ZOO) -> str:
    """The started models, what each reaches, and its size, as a Markdown table."""
    rows = []
    for name, (experiment, _) in STARTED.items():
        report = json.loads((zoo / name / "evaluation.json").read_text(encoding="utf-8"))
        scores = report.get("scores", {}).get("frechet_distance")
        distance = f"{with_interval(scores['samples'])}, real images {scores['floor']['value']:.3g}" if scores else "-"
        size = sum(path.stat().st_size for path in (zoo / name).iterdir()) / 1e3
        rows.append([f"zoo:{name}", experiment, report["data"], f"{report['step']:,}", distance, f"{size:,.0f}"])
    return table(rows, ("started model", "experiment", "data", "steps", "Fréchet distance", "kB"))


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    made.add_argument("--workdir", type=Path, required=True, help="the folder of the trainings")
    made.add_argument("--only", default="", help="names, with commas between them; all by default")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Makes those that are asked for."""
    asked = parser().parse_args(argv)
    for name in filter(None, asked.only.split(",")) if asked.only else STARTED:
        train(name, asked.workdir / name)
        print(keep(name, asked.workdir / name))


if __name__ == "__main__":
    main()
