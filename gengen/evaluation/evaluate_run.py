"""Everything that can be measured of a run: the sections of its report."""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from gengen.core.model import require
from gengen.core.refusal import Refusal
from gengen.evaluation.attributes import attributes
from gengen.evaluation.codes import codes
from gengen.evaluation.divergence import divergence
from gengen.evaluation.judging import Judge, Samples, Section, Subject
from gengen.evaluation.likelihoods import density, likelihood, windows
from gengen.evaluation.over_seeds import over_seeds
from gengen.evaluation.recognition import recognition
from gengen.evaluation.representation import regularity, representation
from gengen.evaluation.samples import samples
from gengen.evaluation.translation_scores import translation
from gengen.inference.conditions import DOMAIN, classes_of, takes_text
from gengen.inference.sampling import sampler
from gengen.runs.prior import with_prior
from gengen.runs.run import Run

LEAST = 100
"""The fewest samples that are judged."""

MAIN = ("samples", "translation", "recognition")
"""Sections of which a report has at least one."""

DESCRIBED = ("seed", "data", "kind", "data_digest")
"""What the reports on all members say alike, beside how they begin."""

OF_MEMBER = ("member", "combination", "numbers", "stopped")
"""What the report on a member of a sweep says of itself."""

SECTIONS: Mapping[str, Callable[[Subject], Section | None]] = {
    "samples": samples,
    "density": density,
    "divergence": divergence,
    "codes": codes,
    "likelihood": likelihood,
    "parzen": windows,
    "representation": representation,
    "regularity": regularity,
    "translation": translation,
    "recognition": recognition,
    "attributes": attributes,
}
"""What is measured, by its key in the report; a section is None where the model or its data cannot be judged by it."""


def sections(run: Run, *, num: int, seed: int) -> dict[str, Section]:
    """Measures all that can be measured of a run, by the names of `SECTIONS`.

    Args:
      run: the run.
      num: the most samples, pairs of samples, or held-out examples to translate.
      seed: of the noise.

    Raises:
      Refusal: there are fewer than `LEAST`, the data are gone or other ones, a score or an extractor cannot be had, or
        there is nothing to judge.
    """
    return _sections(_checked_subject(run, num, seed))


def judged(run: Run, *, num: int, seed: int) -> tuple[dict[str, Any], dict[str, Section]]:
    """Judges a run, or each member of one that has several and is asked for none; arguments as those of `sections`.

    Returns:
      The report, which of several seeds is that of `over_seeds`, and of a sweep has one for each combination, as
      "combinations"; and the sections, which are then those of the first member.
    """
    first, *others = run.each()
    subject = _checked_subject(first, num, seed)
    found = _sections(subject)
    report = report_of(first, seed, found)
    if not others:
        return report, found
    also = [(other, _sections(subject_of(other, num=num, seed=seed, like=subject))) for other in others]
    reports = [(first, report), *((one, report_of(one, seed, its)) for one, its in also)]
    combined = [_of_combination(list(group)) for _, group in groupby(reports, lambda each: dict(each[0].numbers))]
    if len(combined) == 1:
        return combined[0], found
    common = {key: report[key] for key in (*first.origin, *DESCRIBED) if key not in OF_MEMBER}
    return {**common, "combinations": combined}, found


def _of_combination(reports: list[tuple[Run, dict[str, Any]]]) -> dict[str, Any]:
    """The report on members that differ in their seeds alone; on a single one its own."""
    if len(reports) == 1:
        return reports[0][1]
    return over_seeds({run.origin["member"]: report for run, report in reports})


def _checked_subject(run: Run, num: int, seed: int) -> Subject:
    if num < LEAST:
        raise Refusal(f"num={num} must be at least {LEAST}.")
    return subject_of(run, num=num, seed=seed)


def _sections(subject: Subject) -> dict[str, Section]:
    run = subject.run
    found = {name: section for name, measure in SECTIONS.items() if (section := measure(subject))}
    if not found.keys() & set(MAIN):
        if run.model.recognise is None:
            require(run.model, "sample")
        name = (subject.data.second or subject.data).signature.name
        raise Refusal(f"{name} lacks the labels that this model recognises, so there is nothing to judge it by.")
    return found


def report_of(run: Run, seed: int, found: Mapping[str, Section]) -> dict[str, Any]:
    """The report on a run, as JSON holds it: what was judged, and each section by its key; {} for what is not there.

    What is said of samples stands beside the other keys, as "scores", "verdict" and so on.
    """
    signature = run.signature
    report = {
        **run.origin,
        "seed": seed,
        "data": signature.name,
        "kind": signature.kind,
        "data_digest": signature.digest,
    }
    if "samples" in found:
        report |= found["samples"].found
    if (since := run.origin.get("stopped")) is not None:
        said = f"It stopped being finite, and is judged as it was at step {since:,}."
        report["verdict"] = [said, *report.get("verdict", ())]
    return report | {name: dict(found[name].found) if name in found else {} for name in SECTIONS if name != "samples"}


def evaluate(run: Run, *, num: int, seed: int) -> dict[str, Any]:
    """The report on a run; the arguments are those of `sections`. Nothing is written or printed."""
    return judged(run, num=num, seed=seed)[0]


def subject_of(run: Run, *, num: int, seed: int, like: Subject | None = None) -> Subject:
    """Loads the data of a run and draws its samples.

    Args:
      run: the run.
      num: the most samples; there are no more of them than training examples.
      seed: of the noise.
      like: of another seed of the run, whose data and judge it shares; None where there is none yet.

    Raises:
      Refusal: the data are gone or other ones, or their samples cannot be judged.
    """
    data = like.data if like else run.data()
    if run.model.translate or DOMAIN in run.model.conditions:
        return Subject(run, data, None, num, seed)
    run = with_prior(run)
    if run.model.sample is None:
        return Subject(run, data, None, num, seed)
    shared = like.samples.judge if like and like.samples else None
    labelled, texts = classes_of(run.model) > 0, takes_text(run.model)
    judge = shared or Judge(data, run.settings, num=num, labelled=labelled, texts=texts)
    draw = sampler(run.model, data.signature.units)
    return Subject(run, data, Samples(judge, judge.samples(draw, run.variables, seed)), num, seed)
