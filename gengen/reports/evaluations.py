"""What is said of a run that was evaluated: tables and sentences, from the report as JSON holds it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gengen.core.nouns import NOUNS
from gengen.metrics.probes import PROBES
from gengen.metrics.regularity import STEPS
from gengen.reports import translations
from gengen.reports.tables import table, with_interval

SETS = ("samples", "floor", "noise", "one_image")
"""What is judged: samples, training examples in their place, then two that are known to be bad."""


NAMED = {"rotations": "the turns of held-out", "layers": "the single channels of held-out"}
"""What a network names that was taught by something else than the data's own labels."""


def titles(nouns: tuple[str, str]) -> dict[str, str]:
    """What each of `SETS` is called; `nouns` are the words for one example and for several."""
    return dict(zip(SETS, ("samples", "real", "noise", f"one {nouns[0]}"), strict=True))


def said(report: Mapping[str, Any]) -> str:
    """Everything that is said of a run, in paragraphs.

    Args:
      report: an `evaluation.json`.
    """
    nouns = NOUNS[report.get("kind", "picture")]
    whose, noise = "", f"seed {report['seed']}"
    if "member" in report:  # one of several, whose own seed is another one
        label = ", ".join(filter(None, (report.get("combination"), f"seed {report['member']}")))
        whose, noise = f" of the member {label}", f"noise of seed {report['seed']}"
    origin = f"step {report['step']}{whose} ({report['checkpoint']} checkpoint, weights {report['weights']}, {noise})"
    if "seeds" in report:
        first, *_, last = report["seeds"]
        origin += f" of each of the seeds {first} to {last} (mean ± standard deviation of seeds, interval of the mean)"
    begins = _scores(report, origin, nouns) if "scores" in report else origin
    found = {name: report.get(name) or {} for name in SENTENCES}
    lines = [*report.get("verdict", ()), *(line for name, say in SENTENCES.items() for line in say(found[name], nouns))]
    tables = [*translations.sentences(report.get("translation") or {})]
    if rows := likelihoods(found["likelihood"], nouns):
        tables.append(table(rows, LIKELIHOOD))
    return "\n\n".join(part for part in (begins, *tables, "\n".join(lines)) if part)


def _scores(report: Mapping[str, Any], origin: str, nouns: tuple[str, str]) -> str:
    """The table of scores, with what it is of above and what to mind below."""
    sizes, many, names = report["sizes"], nouns[1], titles(nouns)
    rows: list[list[str]] = []
    notes: list[str] = []
    for entry in report["scores"].values():
        mark = "" if entry["meaningful"] else " *"
        shown = [with_interval(entry[name]) for name in SETS]
        rows.append([entry["title"] + mark, *shown, entry["better"], entry["extractor"]["title"]])
        notes += notes_on(entry, many)
    for extractor in report["extractors"]:
        if extractor["accuracy"] is not None:
            named = NAMED.get(extractor.get("teacher", ""), "the held-out")
            notes.append(f"{extractor['title']} names {extractor['accuracy']:.2%} of {named} {many} right.")
    notes += filter(None, [report.get("left_out")])
    begins = (
        f"{sizes['samples']:,} samples of {origin};\nas many training {many} in their place (real), noise, and "
        f"{names['one_image']} repeated; all compared with {sizes['reference']:,} held-out {many} of {report['data']}"
    )
    header = ("score [95 % interval]", *names.values(), "better", "sees")
    return f"{begins}\n\n" + "\n".join((table(rows, header), *notes))


def notes_on(entry: Mapping[str, Any], many: str) -> Iterator[str]:
    """What a reader of a score might stumble over."""
    if not entry["meaningful"]:
        yield (
            f"* {entry['title']}: {min(entry['sizes'].values()):,} {many} are fewer than the "
            f"{entry['meaningful_from']:,} from which it means something."
        )
    if entry["note"] and min(entry[shown]["value"] for shown in SETS) < 0:
        yield f"{entry['title']}: {entry['note']}."


Found = Mapping[str, Any]
"""What a report holds by the key of a section; {} where there is nothing."""


def _density(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    for shown, what in (("samples", "samples"), ("held_out", f"held-out {nouns[1]}")):
        if found:
            entry = found[shown]
            yield f"Mean log-density of {entry['points']:,} {what}: {_within(entry['nats'])} nats."


def _divergence(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    if found:
        yield (
            f"KL(truth || model) over {found['points']:,} points drawn afresh from the known density: "
            f"{_within(found['nats'], digits=4)} nats."
        )


def _codes(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    for name, code in found.items():
        value, low, high = (100 * code["error"][end] for end in ("value", "low", "high"))
        if name == "label":
            right = f"{100 - value:.1f} % [{100 - high:.1f}, {100 - low:.1f}]"
            yield f"It recognises the class of {right} of {code['test']:,} held-out {nouns[1]}."
            continue
        error = f"{value:.1f} % [{low:.1f}, {high:.1f}]"
        by = f", matched with the classes on {code['train']:,} training {nouns[1]},"
        yield f"Code {name}{by} is wrong on {error} of {code['test']:,} held-out {nouns[1]}."


OF = {"values": "whole numbers", "numbers": "real numbers, in their own units", "bits": "black and white made of it"}
"""What a likelihood is of."""

LIKELIHOOD = ("likelihood of", "bits per dimension", "nats", "what it is")
"""Header of the table of likelihoods."""


def likelihoods(found: Found, nouns: tuple[str, str]) -> list[list[str]]:
    """Rows of the table of likelihoods: one for each number of samples, and one more where the class was told."""
    rows = []
    for entry in found.values():
        of = f"{entry['images']:,} {nouns[1]}: {OF[entry['of']]}"
        rows.append([of, *_units(entry), entry["is"]])
        if "told" in entry:
            rows.append([f"{of}, told the class", *_units(entry["told"]), entry["is"]])
    return rows


def _units(entry: Mapping[str, Any]) -> list[str]:
    bits = entry.get("bits_per_dimension")
    return [_within(bits, digits=4) if bits else "-", _within(entry["nats"])]


def _likelihood(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    for samples, entry in found.items():
        if "gap" in entry:
            since, nats = entry["gap"]["since"], entry["gap"]["nats"]
            yield f"The bound rises by {_within(nats)} nats from k = {since:,} to k = {int(samples):,}: a gap at least."


def _parzen(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    if found:
        yield (
            f"Parzen windows of width {found['bandwidth']:.3g} around {found['samples']:,} samples give "
            f"{found['images']:,} held-out {nouns[1]} {_within(found['nats'])} nats."
        )


def _representation(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    for name, read in found.items():
        yield (
            f"The {PROBES[name]} of the codes: {_within(read['accuracy'], 100)} % of {read['test']:,} held-out "
            f"{nouns[1]} (fitted to {read['train']:,})."
        )


def _regularity(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    if "continuity" in found:
        what = "picture" if nouns[0] == "image" else nouns[0]
        yield (
            f"Along straight ways between draws of the prior the largest of {STEPS} steps changes the "
            f"{what} {_within(found['continuity'])} times as much as the mean one (1 is even, {STEPS} a single jump)."
        )
    if "completeness" in found:
        yield f"The classifier is 90 % sure of {_within(found['completeness'], 100)} % of the samples."


def _recognition(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    if found:
        yield (
            f"Its own classifier names {with_interval(found['accuracy'])} of the {found['images']:,} held-out "
            f"{nouns[1]} of {found['domain']} right."
        )


ATTRIBUTES = ("number", "shape", "colour", "size", "relation")
"""What captions say."""


def _attributes(found: Found, nouns: tuple[str, str]) -> Iterator[str]:
    for group, of in (("seen", "combinations seen in training"), ("unseen", "unseen combinations")):
        if "whole" in (counted := found.get(group, {})):
            each = ", ".join(f"{name} {_within(counted[name], 100)}" for name in ATTRIBUTES if name in counted)
            yield (
                f"Of {counted['captions']:,} held-out captions with {of}, samples show all that is said in "
                f"{_within(counted['whole'], 100)} %: {each} %."
            )
    if "real" in found:
        real = _within(found["real"]["whole"], 100)
        yield f"The held-out pictures themselves are read as their captions say in {real} %."


SENTENCES: Mapping[str, Callable[[Found, tuple[str, str]], Iterator[str]]] = {
    "density": _density,
    "divergence": _divergence,
    "codes": _codes,
    "likelihood": _likelihood,
    "parzen": _parzen,
    "representation": _representation,
    "regularity": _regularity,
    "recognition": _recognition,
    "attributes": _attributes,
}
"""What is said of each section that has no table."""


def _within(estimate: Mapping[str, float], factor: float = 1, digits: int = 2) -> str:
    value, low, high = (f"{factor * estimate[end]:.{digits}f}" for end in ("value", "low", "high"))
    spread = f" ± {factor * estimate['deviation']:.{digits}f}" if "deviation" in estimate else ""
    return f"{value}{spread} [{low}, {high}]"
