"""Compares the densities of flows with those of Gaussian models on the tables that scikit-learn ships.

    python -m benchmarks.tables --workdir=runs/tables
    python -m benchmarks.tables --workdir=runs/tables --only=maf:diabetes --seeds=2

Every model sees the same rows. Constant columns are left out; uniform noise as wide as a column's last digit makes its
numbers real, so that densities are finite; a quarter of the rows, drawn once, is held out. Columns have mean 0 and
deviation 1 over the rows for training. Mixtures see them by a triangular map after which those rows do not correlate,
and flows do if `Chosen` says so; nats are brought back. What a model has to be told is chosen on the rows for training:
of Gaussian models here, by five folds, and of flows before, by quarters.
Flows that the .json has already are not trained again. Flags that begin with --config. are handed to each training.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import logsumexp
from sklearn import datasets
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold

from benchmarks.asked import asked
from benchmarks.rounds import ROOT
from gengen.inference.nats import nats_of
from gengen.metrics.interval import Estimate, around
from gengen.reports.tables import table, with_interval
from gengen.runs.run import open_run

HELD_OUT = 0.25
COMPONENTS = 10
INITS = 3
FOLDS = 5
COPIES = 16
"""Of each row that a flow is trained on, with noise of its own."""

DIGITS = 8
"""Most digits behind the point that a column is looked through for."""

HEADER = ("table", "model", "held-out nats", "more than a Gaussian", "more than a mixture")

Score = Callable[[np.ndarray], np.ndarray]
"""The log-density of rows [N, D], nats [N]."""


class Table(NamedTuple):
    """Rows of numbers as models see them.

    Attributes:
      train: rows to train on, float64 [N, D].
      test: rows that are held out, float64 [M, D].
      log_volume: what their nats have more than those of the rows in their own units.
    """

    train: np.ndarray
    test: np.ndarray
    log_volume: float


TABLES: Mapping[str, Callable[[], Any]] = {
    "diabetes": lambda: datasets.load_diabetes(scaled=False).data,
    "breast_cancer": lambda: datasets.load_breast_cancer().data,
    "digits": lambda: datasets.load_digits().data,
}
"""Rows of the tables, float64 [N, D]: 442 of 10, 569 of 30 and 1,797 of 64 numbers."""


def last_digits(rows: np.ndarray) -> np.ndarray:
    """Of each column the largest power of ten, 1 at most, of which half of its values or more are multiples, [D]."""
    powers = 10.0 ** -np.arange(DIGITS + 1)
    shares = np.stack([(abs(rows / power - np.rint(rows / power)) < 1e-6).mean(0) for power in powers])
    shares[-1] = 1
    found: np.ndarray = powers[np.argmax(shares >= 0.5, axis=0)]
    return found


def prepared(rows: np.ndarray) -> Table:
    """Makes a table what models see: see the head of this file. Whatever is drawn is the same each time."""
    random = np.random.default_rng(0)
    rows = rows[:, rows.std(0) > 0]
    rows = rows + last_digits(rows) * random.uniform(size=rows.shape)
    order = random.permutation(len(rows))
    held_out = int(HELD_OUT * len(rows))
    test, train = rows[order[:held_out]], rows[order[held_out:]]
    mean, deviation = train.mean(0), train.std(0)
    return Table((train - mean) / deviation, (test - mean) / deviation, float(np.log(deviation).sum()))


def uncorrelated(train: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], float]:
    """The triangular map of rows after which those of `train` have no correlation, and the logarithm of its slope."""
    factor, mean = np.linalg.cholesky(np.cov(train.T, bias=True)), train.mean(0)
    return lambda rows: np.linalg.solve(factor, (rows - mean).T).T, -float(np.log(np.diag(factor)).sum())


def gaussian(train: np.ndarray, shrinkage: float) -> Score:
    """A Gaussian of the rows' mean, whose covariance is drawn towards its diagonal."""
    covariance, mean = np.cov(train.T, bias=True), train.mean(0)
    factor = np.linalg.cholesky((1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance)))
    rest = float(np.log(np.diag(factor)).sum()) + train.shape[1] / 2 * np.log(2 * np.pi)
    return lambda rows: -(np.linalg.solve(factor, (rows - mean).T) ** 2).sum(0) / 2 - rest


def mixture(train: np.ndarray, added: float) -> Score:
    """Ten Gaussians of any covariance, to which a share of that of all rows is added; the best of several starts."""
    see, slope = uncorrelated(train)
    fitted = GaussianMixture(COMPONENTS, reg_covar=added, n_init=INITS, max_iter=200, random_state=0).fit(see(train))
    return lambda rows: np.asarray(fitted.score_samples(see(rows))) + slope


BASELINES: Mapping[str, tuple[Callable[[np.ndarray, float], Score], Sequence[float]]] = {
    "Gaussian": (gaussian, (0.0, 0.001, 0.01, 0.03, 0.1)),
    "mixture of 10": (mixture, (0.01, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)),
}
"""Gaussian models, and what is chosen from for the number that keeps them from learning the rows by heart."""


def tuned(
    fit: Callable[[np.ndarray, float], Score], train: np.ndarray, choices: Sequence[float]
) -> tuple[float, Score]:
    """Fits a model with that of some numbers by which folds of the rows are most likely under a fit to the others."""

    def likely(choice: float) -> float:
        folds = KFold(FOLDS, shuffle=True, random_state=0).split(train)
        return float(np.concatenate([fit(train[seen], choice)(train[unseen]) for seen, unseen in folds]).mean())

    best = max(choices, key=likely)
    return best, fit(train, best)


SMALL = {
    "networks.flow.hidden": 1,
    **{"optimizers.flow.name": "adamw", "optimizers.flow.rate": 0.01},
    **{"training.batch_size": 256, "training.average.decay": 0.98},
}
"""Settings of all flows; the variant `table` of their configs is trained."""

_SPLINES = {"layers": 2, "bins": 8, "residual": False, "activation": "tanh"}


class Chosen(NamedTuple):
    """What was chosen for a flow on a table.

    Attributes:
      network: settings of it.
      decay: of its weights.
      steps: of training.
      noise: deviation of normal noise on the rows for training, whose own is 1, so that few are not learnt by heart.
      uncorrelated: whether the flow sees rows that do not correlate, and else columns as they are.
    """

    network: Mapping[str, Any]
    decay: float = 5.0
    steps: int = 300
    noise: float = 0.0
    uncorrelated: bool = True


CHOSEN: Mapping[str, Chosen] = {
    "maf:diabetes": Chosen({"layers": 4}, noise=0.1),
    "spline_flow:diabetes": Chosen(_SPLINES, noise=0.1),
    "maf:breast_cancer": Chosen({"layers": 4, "activation": "tanh"}, noise=0.2),
    "spline_flow:breast_cancer": Chosen(_SPLINES, noise=0.2),
    "maf:digits": Chosen({"layers": 3, "activation": "tanh", "width": 64}, 2.0, 800, noise=0.1, uncorrelated=False),
    "spline_flow:digits": Chosen({**_SPLINES, "layers": 1, "width": 64}, decay=1.0, uncorrelated=False),
}
"""By the name of a config and that of a table."""

ENTRIES = tuple(CHOSEN)


def flow(entry: str, data: Table, folder: Path, seeds: int, settings: Sequence[str]) -> list[np.ndarray]:
    """Trains a flow from several seeds.

    Args:
      entry: of `ENTRIES`.
      data: what it sees.
      folder: of the run.
      seeds: that are trained together.
      settings: more flags of the training.

    Returns:
      Log-densities of the rows that are held out, nats [M] of each seed.

    Raises:
      subprocess.CalledProcessError: the training failed; what was said stands on standard error.
    """
    config, chosen = entry.partition(":")[0], CHOSEN[entry]
    see, slope = uncorrelated(data.train) if chosen.uncorrelated else (lambda rows: rows, 0.0)
    train = see(data.train)
    if chosen.noise:
        train = np.tile(train, (COPIES, 1))
        train += np.random.default_rng(1).normal(0, chosen.noise, train.shape)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("test", see(data.test))):
        np.save(folder / "data" / f"{split}.npy", rows.astype(np.float32))
    own = {
        **{"data.manual_dir": folder / "data", "training.seeds": seeds},
        **dict.fromkeys(("evaluation.every", "training.sample_every", "training.diagnose_every"), 0),
        **SMALL,
        **{"optimizers.flow.decay": chosen.decay, "training.steps": chosen.steps},
        **{f"networks.flow.{key}": value for key, value in {"width": 16, **chosen.network}.items()},
    }
    flags = [f"--config.{key}={value}" for key, value in own.items()]
    command = [sys.executable, str(ROOT / "launch.py"), f"--config={ROOT / 'configs' / config}.py:table"]
    subprocess.run([*command, f"--workdir={folder / 'run'}", *flags, *settings], check=True)
    run = open_run(folder / "run")
    nats, seen = jax.jit(nats_of(run.model, run.signature)), run.data().splits["test"]["data"]
    return [np.asarray(nats(jax.random.key(0), one.variables, seen), np.float64) + slope for one in run.each()]


def together(each: Sequence[np.ndarray]) -> np.ndarray:
    """The log-density of the mixture of several models, nats [M], of those of each of them."""
    return np.asarray(logsumexp(np.stack(each), axis=0) - np.log(len(each)))


def compared(nats: np.ndarray, others: Mapping[str, np.ndarray], log_volume: float) -> dict[str, Any]:
    """What a row says of log-densities [M]: their mean, and by how much it is above those of others, row by row."""

    def estimate(values: np.ndarray) -> dict[str, float]:
        found: Estimate = around(values.mean(), values.var(ddof=1) / len(values), len(values) - 1)
        return found._asdict()

    return {
        "nats": estimate(nats - log_volume),
        "above": {name: estimate(nats - other) for name, other in others.items()},
    }


def as_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table."""
    lines = []
    for name in TABLES:
        rows = found.get(name, {}).get("models", {})
        for model, row in rows.items():
            above = [with_interval(row["above"][other]) if other in row["above"] else "" for other in BASELINES]
            lines.append([name, model, with_interval(row["nats"]), *above])
    return table(lines, HEADER)


def of_baselines(data: Table) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The rows of the Gaussian models, with what was chosen, and their log-densities of the rows held out."""
    rows, nats = {}, dict[str, np.ndarray]()
    for name, (fit, choices) in BASELINES.items():
        choice, score = tuned(fit, data.train, choices)
        found = score(data.test)
        rows[name] = {**compared(found, nats, data.log_volume), "chosen": choice}
        nats[name] = found
    return rows, nats


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.tables", description=__doc__, allow_abbrev=False)
    found.add_argument("--workdir", type=Path, default=Path("runs/tables"), help="the folder of all run folders")
    found.add_argument("--only", default=",".join(ENTRIES), help=f"flows and tables, by comma: {', '.join(ENTRIES)}")
    found.add_argument("--seeds", type=int, default=8, help="trained in each run, and taken together as a mixture")
    found.add_argument("--output", type=Path, help="the .json to write; tables.json in the folder by default")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trains and judges what is missing, prints the table and writes it as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    flags, entries, settings = asked(parser(), arguments, ENTRIES, "row")
    output = flags.output or flags.workdir / "tables.json"
    found = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    failed = []
    for name in dict.fromkeys(entry.partition(":")[2] for entry in entries):
        data = prepared(np.asarray(TABLES[name](), np.float64))
        row = found.setdefault(name, {"train": len(data.train), "test": len(data.test), "models": {}})
        models, others = of_baselines(data)
        row["models"] = {**models, **{key: value for key, value in row["models"].items() if key not in models}}
        for entry in (entry for entry in entries if entry.endswith(f":{name}") and entry not in row["models"]):
            try:
                each = flow(entry, data, flags.workdir.resolve() / entry.replace(":", "_"), flags.seeds, settings)
            except subprocess.CalledProcessError:
                failed.append(entry)
                continue
            row["models"][entry] = compared(together(each), others, data.log_volume)
            row["models"][entry]["each_seed"] = [float(one.mean()) - data.log_volume for one in each]
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(as_table(found))
    if failed:
        print(f"benchmarks: these runs failed and are not counted: {', '.join(failed)}", file=sys.stderr)
    print(output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
