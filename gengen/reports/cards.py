"""Model cards: what a run is, how good, how to use and to repeat it, as Markdown that hubs of models read.

The front matter is that of the Hugging Face Hub: `library_name`, `tags`, `license` and a `model-index` with scores.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gengen.core.nouns import NOUNS
from gengen.reports.evaluations import said
from gengen.reports.tables import table, with_interval

TASKS = {"picture": "unconditional-image-generation"}
"""What the Hub calls the task of models of a kind of data, where it knows it."""

PICTURES = {
    "samples.png": "samples",
    "reconstructions.png": "held-out examples and what comes back of them",
    "translations.png": "translations",
    "evaluation.png": "scores beside those of data, noise and one example",
    "curves.png": "what was measured while it trained",
}
"""Files of a run folder that a card shows, where they are there."""

TO_FILL = "other"
"""The licence of a card, until somebody says it."""


def card(
    name: str,
    config: Mapping[str, Any],
    signature: Mapping[str, Any],
    origin: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    files: Sequence[str],
    versions: Mapping[str, str],
) -> str:
    """The card of a run.

    Args:
      name: of the run.
      config: the experiment.
      signature: of the data, as `data.json` holds it.
      origin: the run's step, checkpoint and weights.
      report: its `evaluation.json`; None where it was not judged.
      files: that lie beside the card.
      versions: of the packages that it was trained with.
    """
    model, data = config["model"]["name"], signature["name"]
    shape = " x ".join(map(str, signature["fields"]["data"]["shape"]))
    training, seeds = config["training"], config["training"].get("seeds", 1)
    seed = f"seeds {training['seed']} and the {seeds - 1} after it" if seeds > 1 else f"seed {training['seed']}"
    front = yaml.safe_dump(_front_matter(name, config, signature, report), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{front}---",
        f"# {name}",
        f"A model `{model}` of {data} ({signature['kind']}, {shape}), trained with gengen for {origin['step']:,} steps "
        f"of {training['batch_size']}, {seed}; weights {origin['weights']}, {origin['checkpoint']} checkpoint.",
        *(f"![{what}]({file})" for file, what in PICTURES.items() if file in files),
        "## How good it is",
        _scores(report) if report else "It has not been judged: `gengen evaluate .` says how good its samples are.",
        "## To use it",
        "```bash\npip install gengen\ngengen sample . --num=64\n```",
        '```python\nimport gengen\n\nrun = gengen.open_run(".")\nprint(run.config.model, run.conditions)\n```',
        "## To repeat it",
        "Every value of the experiment is in `config.json`, and what data it saw in `data.json`, with their digest:",
        "```bash\nmkdir again && cp config.json data.json again && gengen train again\n```",
        f"Data: {data}, digest `{signature['digest']}`. Trained with "
        f"{', '.join(f'{package} {version}' for package, version in versions.items())}.",
        "## Licence\n\nTo be filled in by who publishes it, here and at `license:` above.",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(
    name: str, config: Mapping[str, Any], signature: Mapping[str, Any], report: Mapping[str, Any] | None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "library_name": "gengen",
        "license": TO_FILL,
        "tags": ["gengen", "jax", "flax", "generative-model", config["model"]["name"].replace("_", "-")],
    }
    task = TASKS.get(signature["kind"])
    if task:
        found["pipeline_tag"] = task
    if report and report.get("scores"):
        metrics = [
            {
                "type": key,
                "name": f"{entry['title']} ({entry['extractor']['title']})",
                "value": entry["samples"]["value"],
            }
            for key, entry in report["scores"].items()
        ]
        dataset = {"name": signature["name"], "type": signature["name"], "split": "test"}
        results = [{"task": {"type": task or "other"}, "dataset": dataset, "metrics": metrics}]
        found["model-index"] = [{"name": name, "results": results}]
    return found


def _scores(report: Mapping[str, Any]) -> str:
    """The scores with intervals and floors, where there are samples, and the verdict; else all that was said."""
    if not report.get("scores"):
        return said(report)
    rows = [
        [entry["title"], with_interval(entry["samples"]), with_interval(entry["floor"]), entry["extractor"]["title"]]
        for entry in report["scores"].values()
    ]
    many, sizes = NOUNS[report["kind"]][1], report["sizes"]
    begins = f"{sizes['samples']:,} samples, compared with {sizes['reference']:,} held-out {many}; 95 % intervals."
    header = ("score", "samples", f"training {many} in their place", "sees")
    return "\n\n".join((begins, table(rows, header), "\n".join(report["verdict"])))
