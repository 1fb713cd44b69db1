"""What is said of a run that trained a sweep and was evaluated: a row for each combination of its numbers."""

from collections.abc import Iterator, Mapping
from typing import Any

from gengen.core.nouns import NOUNS
from gengen.reports import translations
from gengen.reports.evaluations import LIKELIHOOD, SENTENCES, SETS, likelihoods, notes_on, titles
from gengen.reports.tables import table, with_interval

WIDE = 4
"""Scores beside each other in a table."""

SHOWN = ("samples", "floor")
"""Of `evaluations.SETS`, those that stand in the tables: samples of each combination, and training examples."""


def said_of_sweep(report: Mapping[str, Any]) -> str:
    """Everything that is said of a run that trained a sweep, in paragraphs.

    Args:
      report: an `evaluation.json` with "combinations".
    """
    found, nouns = report["combinations"], NOUNS[report.get("kind", "picture")]
    first = found[0]
    which = f"{report['checkpoint']} checkpoint, weights {report['weights']}, seed {report['seed']}"
    origin = f"step {report['step']} ({which}) of each of {len(found)} combinations"
    if "seeds" in first:
        low, *_, high = first["seeds"]
        origin += f" and of the seeds {low} to {high} (mean ± standard deviation of seeds, interval of the mean)"
    parts = [origin]
    if "scores" in first:
        sizes = first["sizes"]
        parts[0] = (
            f"{sizes['samples']:,} samples of {origin};\nas many training {nouns[1]} in their place (real); all "
            f"compared with {sizes['reference']:,} held-out {nouns[1]} of {report['data']}"
        )
        parts += [*_tables(found, nouns), "\n".join(_notes(found, nouns))]
    for each in found:
        parts += [f"{each['combination']}: {text}" for text in translations.sentences(each.get("translation") or {})]
    rows = [[each["combination"], *row] for each in found for row in likelihoods(each.get("likelihood") or {}, nouns)]
    parts += [table(rows, ("combination", *LIKELIHOOD))] if rows else []
    parts.append("\n".join(f"{each['combination']}: {line}" for each in found for line in _lines(each, nouns)))
    return "\n\n".join(filter(None, parts))


def _tables(found: list[Mapping[str, Any]], nouns: tuple[str, str]) -> Iterator[str]:
    """Tables of a few scores each, a row for each combination and one for real data."""
    names = [name for name in found[0]["scores"] if all(name in each["scores"] for each in found)]
    real = titles(nouns)[SHOWN[1]]
    for start in range(0, len(names), WIDE):
        part = names[start : start + WIDE]
        entries = [found[0]["scores"][name] for name in part]
        heads = [f"{entry['title']}{'' if entry['meaningful'] else ' *'} ({entry['better']})" for entry in entries]
        rows = [
            [each["combination"], *(with_interval(each["scores"][name][SHOWN[0]]) for name in part)] for each in found
        ]
        rows.append([real, *(with_interval(entry[SHOWN[1]]) for entry in entries)])
        yield table(rows, ("combination", *heads))


def _notes(found: list[Mapping[str, Any]], nouns: tuple[str, str]) -> list[str]:
    """What a reader of a score might stumble over, once."""
    notes = [
        note
        for each in found
        for entry in each["scores"].values()
        if all(shown in entry for shown in SETS)
        for note in notes_on(entry, nouns[1])
    ]
    notes += filter(None, [each.get("left_out") for each in found])
    return list(dict.fromkeys(notes))


def _lines(report: Mapping[str, Any], nouns: tuple[str, str]) -> Iterator[str]:
    yield from report.get("verdict", ())
    for name, say in SENTENCES.items():
        yield from say(report.get(name) or {}, nouns)
