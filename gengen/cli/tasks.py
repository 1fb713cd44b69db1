"""The modes: what each takes, which flags and keys it heeds, and where it lies."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from gengen.cli.task import Number, Task

TOGETHER = ("distributed", "coordinator", "processes", "process")
"""Flags that make several processes one run."""

EXPERIMENT = ("config", "workdir", "dry_run")
"""Flags of every mode that takes an experiment."""

RUN = ("config", "workdir", "best", "raw", "member", "seed", "output")
"""Flags of every mode that looks at a run."""

DRAWN = (*RUN, "dark")
"""Flags of every mode that makes a sheet of pictures."""

USED_UP = {*EXPERIMENT, *RUN, *TOGETHER, "all"} - {"seed", "output"}
"""Flags that say what a mode is given first, and are not given to it."""

PLACES = ("data.data_dir", "data.manual_dir", "data.second.manual_dir")
"""Keys of a config that say where the data lie, which is not part of a run."""

DRAWING = ("sampling", "training.average.width", "model.truncation")
"""Keys that say how samples are drawn of a run, with which average of it, and of which latents."""

MADE = (*PLACES, *DRAWING)
"""Keys of modes that draw samples, beside those that lie there already."""

JUDGING = (*MADE, "evaluation")


TASKS: Mapping[str, Task] = {
    "train": Task(
        "train, or go on",
        "--config=configs/wgan.py",
        "experiment",
        (*EXPERIMENT, *TOGETHER),
    ),
    "sample": Task(
        "pictures of a run; of one class with --label, or as --text says",
        "--workdir=runs/wgan --num=64",
        "run",
        (*DRAWN, "num", "label", "text"),
        {"num": Number(64)},
        keys=DRAWING,
        members=True,
    ),
    "trajectory": Task(
        "how samples of diffusion come out of noise, step by step, as a film",
        "--workdir=runs/flow_matching",
        "run",
        (*DRAWN, "num", "label", "text"),
        {"num": Number(64, most=10_000)},
        keys=MADE,
    ),
    "traverse": Task(
        "what each number of a latent does, and each thing that samples can be told",
        "--workdir=runs/infogan",
        "run",
        (*DRAWN, "label", "axes"),
        keys=PLACES,
    ),
    "reconstruct": Task(
        "images, and what comes back of them",
        "--workdir=runs/vae",
        "run",
        (*DRAWN, "num", "label", "input"),
        {"num": Number(64)},
        keys=PLACES,
    ),
    "translate": Task(
        "images of one domain, as images of the other",
        "--workdir=runs/pix2pix",
        "run",
        (*DRAWN, "num", "input", "direction"),
        {"num": Number(18)},
        keys=PLACES,
    ),
    "restore": Task(
        "what a run makes of pictures with holes, of few pixels, without colours, blurred or noisy",
        "--workdir=runs/vae --op=inpaint",
        "run",
        (*DRAWN, "num", "input", "op", "method", "amount", "noise", "steps"),
        {"num": Number(18), "steps": Number(100, most=1_000)},
        keys=PLACES,
    ),
    "invert": Task(
        "latents of pictures, and what a run makes of these",
        "--workdir=runs/wgan",
        "run",
        (*DRAWN, "num", "input", "steps"),
        {"num": Number(18), "steps": Number(300, most=100_000)},
        keys=PLACES,
    ),
    "interpolate": Task(
        "what lies between two images",
        "--workdir=runs/vae",
        "run",
        (*DRAWN, "num", "label", "input", "steps", "spherical"),
        {"num": Number(8), "steps": Number(10, least=2, why="the two ends")},
        keys=PLACES,
    ),
    "manifold": Task(
        "what two numbers of a latent make, or a plane through three latents, as a map",
        "--workdir=runs/vae",
        "run",
        (*DRAWN, "num", "label", "input", "axes", "spherical"),
        {"num": Number(20, most=200, why="the cells in a row")},  # a picture of so many is 10,000 pixels wide
        keys=PLACES,
    ),
    "arithmetic": Task(
        "sums of pictures, by their latents",
        "--workdir=runs/wgan --formula=0,1,2-3,4,5+6,7,8",
        "run",
        (*DRAWN, "num", "label", "input", "formula"),
        {"num": Number(3, most=200, why="the pictures that stand for a class")},
        keys=PLACES,
    ),
    "mix": Task(
        "coarse things of one sample with fine ones of another",
        "--workdir=runs/stylegan",
        "run",
        (*DRAWN, "num", "label"),
        {"num": Number(5, most=200, why="the samples at the left")},
        keys=MADE,
    ),
    "truncate": Task(
        "how good samples are, and of how many kinds, whose latents are drawn in",
        "--workdir=runs/stylegan",
        "run",
        (*DRAWN, "num"),
        {"num": Number(10_000, least=100)},
        keys=JUDGING,
    ),
    "edit": Task(
        "samples moved along directions of the latents, and in what share what was to come came",
        "--workdir=runs/wgan --formula=label:7-label:1",
        "run",
        (*DRAWN, "num", "label", "input", "without", "formula"),
        {"num": Number(4, most=200, why="the samples of each direction")},
        keys=PLACES,
    ),
    "embed": Task(
        "where images lie in the space of the latents",
        "--workdir=runs/vae",
        "run",
        (*RUN, "num"),
        {"num": Number(10_000, least=2)},
        keys=PLACES,
    ),
    "detect": Task(
        "which images are anomalies",
        "--workdir=runs/anomaly",
        "run",
        (*RUN, "num", "input"),
        {"num": Number(10_000)},
        keys=JUDGING,
    ),
    "evaluate": Task(
        "how good they are",
        "--workdir=runs/wgan",
        "run",
        (*RUN, "num"),
        {"num": Number(10_000, least=100)},
        keys=JUDGING,
        members=True,
    ),
    "card": Task(
        "what a run is and how good, as the README.md of a model",
        "--workdir=runs/wgan",
        "run",
        ("config", "workdir", "best", "raw", "member", "output"),
        keys=(),
    ),
    "publish": Task(
        "a run as one file to send, with its card and the digest of each file",
        "--workdir=runs/wgan",
        "run",
        ("config", "workdir", "best", "output"),
        keys=(),
    ),
    "judge": Task(
        "pictures or other examples that anyone made, beside others",
        "--input=FOLDER --reference=digits:test",
        "nothing",
        ("input", "reference", "against", "features", "resolution", "manual_dir", "num", "seed", "output"),
        {"num": Number(10_000, least=100)},
    ),
    "export": Task(
        "weights and functions as files that need no gengen, each compared with the model",
        "--workdir=runs/wgan --format=safetensors,stablehlo",
        "run",
        ("config", "workdir", "best", "raw", "member", "output", "format", "units"),
        keys=DRAWING,
    ),
    "compare": Task(
        "all that were judged, side by side",
        "--workdir=runs",
        "folder",
        ("workdir", "output"),
    ),
    "curves": Task(
        "what was measured as they trained, as curves",
        "--workdir=runs/wgan",
        "folder",
        ("workdir", "output", "dark"),
    ),
    "diagnose": Task(
        "what went wrong while it trained, and what helps",
        "--workdir=runs/wgan",
        "folder",
        ("workdir", "output"),
    ),
    "adapt": Task(
        "labels of one domain, and how many are right in another",
        "--config=configs/adapt.py",
        "experiment",
        (*EXPERIMENT, "output"),
    ),
    "benchmark": Task(
        "how fast it would train on this machine; every experiment with --all",
        "--config=configs/wgan.py",
        "experiment",
        (*EXPERIMENT, "output", *TOGETHER, "all", "seconds"),
        {"seconds": Number(6, most=3600)},
    ),
}
"""The modes by their names; each is `main` in the file of its name in `gengen.tasks`."""


def main_of(mode: str) -> Callable[..., Path]:
    """The function of a mode, whose file is imported now: SciPy and matplotlib would be half of every start."""
    return cast("Callable[..., Path]", import_module(f"gengen.tasks.{mode}").main)


def given_to(mode: str, flags: Mapping[str, Any]) -> dict[str, Any]:
    """What a mode is given by its flags: those that are missing or None have its own default.

    Args:
      mode: its name.
      flags: values of flags; what `--input` names is given as the `source`.
    """
    task = TASKS[mode]
    defaults = {name: number.default for name, number in task.numbers.items()}
    names = [name for name in task.flags if name not in USED_UP]
    found = {name: defaults.get(name) if flags.get(name) is None else flags[name] for name in names}
    return {"source" if name == "input" else name: value for name, value in found.items()}
