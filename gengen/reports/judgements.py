"""What is said of two sets of examples that were judged, from the report as JSON holds it."""

from collections.abc import Iterator, Mapping
from typing import Any

from gengen.core.nouns import NOUNS
from gengen.reports.evaluations import notes_on
from gengen.reports.tables import number, table, with_interval

LEVEL = 0.05
"""Probability of a false alarm of the two-sample test."""

NEARLY = 0.01
"""Share of the input from which near copies of the reference are told of: twice what the limit lets pass of real data.
"""

NAMES = {"input": "input", "reference": "reference", "against": "looked for copies in"}
"""What each set is called."""


def judged(report: Mapping[str, Any]) -> str:
    """Everything that is said of two sets, in paragraphs: what they are, a table of scores, and what follows.

    Args:
      report: what `gengen.evaluation.two_sets.judge_sets` found.
    """
    many = NOUNS[report["kind"]][1]
    sets = [f"{title}: {_set(report[what])}" for what, title in NAMES.items() if what in report]
    sizes = report["sizes"]
    halves = (
        f"{sizes['samples']:,} {many} of the input beside {sizes['reference']:,} of the reference, by which is judged; "
        f"as many others of the reference in their place (real), noise, and one repeated; whole is of all of both sets"
    )
    rows: list[list[str]] = []
    notes: list[str] = []
    for entry in report["scores"].values():
        shown = [with_interval(entry[name]) for name in ("samples", "floor", "noise", "one_image")]
        whole = with_interval(entry["whole"]) if "whole" in entry else "-"
        mark = "" if entry["meaningful"] else " *"
        rows.append([entry["title"] + mark, *shown, whole, entry["better"], entry["extractor"]["title"]])
        notes += notes_on(entry, many)
    if sliced := report["sliced_wasserstein"]:
        seen = next(iter(report["scores"].values()))["extractor"]["title"]
        shown = [with_interval(sliced[name]) for name in ("samples", "floor")]
        rows.append(["sliced Wasserstein distance", *shown, "-", "-", "-", "lower", seen])
    header = ("score [95 % interval]", "input", "real", "noise", "one", "whole", "better", "sees")
    parts = ["\n".join(sets), halves, "\n".join((table(rows, header), *notes)), "\n".join(report["verdict"])]
    return "\n\n".join(parts)


def _set(found: Mapping[str, Any]) -> str:
    number, name = found["examples"], found["name"]
    return "; ".join([f"{name}: {number:,} examples", *found["lines"]]) + "."


def conclusion(report: Mapping[str, Any], nouns: tuple[str, str]) -> Iterator[str]:
    """What follows beside the verdict on scores: of the two-sample test, and of what both sets hold."""
    if test := report["two_sample_test"]:
        best = max(test["linear"]["value"], test["nearest"]["value"])
        tells, chance = "tells" if test["p_value"] < LEVEL else "does not tell", number(test["p_value"])
        yield (
            f"A classifier that was taught by half of both {tells} them apart: it is right about {best:.1%} of "
            f"{test['number']:,} others, where chance is 50 % (p = {chance})."
        )
    shared = report["shared"]
    if shared["examples"]:
        yield (
            f"{shared['examples']:,} {nouns[1]} of the input are in the reference, number for number: scores that "
            f"compare the two are better for it."
        )
    elif report["near_copies"]["low"] > NEARLY:
        yield (
            f"{report['near_copies']['value']:.1%} of the input are nearly copies of {nouns[1]} of the reference, as "
            f"after another compression."
        )
    if shared["against"]:
        yield f"{shared['against']:,} {nouns[1]} of the input are in {report['against']['name']}, number for number."
