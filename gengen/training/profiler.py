"""Which operations the time of a dispatch goes to, by the names of the layers that they belong to."""

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.extend import backend
from jax.profiler import ProfileData, ProfileOptions

OTHER = "between operations"
"""What the time is counted for in which nothing is computed."""

LOOPS = re.compile(r"(while|conditional)\b")
"""Operations that are nothing but what is within them."""

CALLS = re.compile(r"call\b")
"""Operations that others may be within: they count while none of those is at work."""

INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?([\w.-]+) = (\(.*?\)|\S+) [\w-]+\(")
BODY = re.compile(r"^(?:ENTRY )?%?([\w.-]+) \(.*\{$")
OP_NAME, CALLED = re.compile(r'op_name="([^"]*)"'), re.compile(r"(?:calls|to_apply)=%?([\w.-]+)")
ADDED = re.compile(r"jit\(.*|pmap\(.*|while|body|cond|closed_call|branch_\d+_fun|checkpoint|rematted_computation|")
"""Parts of the path of an operation that say nothing of a layer."""


class Share(NamedTuple):
    """An operation, and its share of the time of a dispatch, 1 for all of it."""

    operation: str
    share: float


class Span(NamedTuple):
    """An operation of the compiled program, at work from `start` to `end`, in nanoseconds."""

    operation: str
    start: float
    end: float


def slowest(dispatch: Callable[[], Any]) -> list[Share]:
    """Profiles one dispatch that has been compiled before, and returns what its time goes to, the most first.

    Operations of the same kind, shape and layer are one. A moment in which several run counts for each in equal parts,
    so that all shares add up to 1; recording costs time, too, most where operations are short. Empty where the device
    does not say what it computes.

    Args:
      dispatch: called once; what it returns is waited for.
    """
    options = ProfileOptions()
    options.python_tracer_level = 0
    with tempfile.TemporaryDirectory() as folder:
        jax.profiler.start_trace(folder, profiler_options=options)
        try:
            jax.block_until_ready(dispatch())
        finally:
            jax.profiler.stop_trace()
        found = list(Path(folder).rglob("*.xplane.pb"))
        spans = [span for path in found for span in _spans(ProfileData.from_file(str(path)))]
    seconds = shared(spans)
    names = _names(set(seconds))
    merged: defaultdict[str, float] = defaultdict(float)
    for operation, length in seconds.items():
        merged[names.get(operation, operation)] += length
    total = sum(merged.values())
    return sorted((Share(name, length / total) for name, length in merged.items()), key=lambda share: -share.share)


def shared(spans: Iterable[Span]) -> dict[str, float]:
    """Nanoseconds from the first start to the last end, in equal parts to all operations at work at a moment."""
    changes = sorted(
        change for span in spans for change in ((span.start, 1, span.operation), (span.end, -1, span.operation))
    )
    working: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    before = changes[0][0] if changes else 0.0
    for moment, change, operation in changes:
        if moment > before:
            inner = [name for name in working if not CALLS.match(name)] or list(working) or [OTHER]
            for name in inner:
                seconds[name] += (moment - before) / len(inner)
            before = moment
        working[operation] += change
        if not working[operation]:
            del working[operation]
    return dict(seconds)


def _spans(profile: ProfileData) -> Iterator[Span]:
    """Reads operations; where work goes on in other threads, XLA:CPU says in an event of its own when it ends."""
    begun, ends = [], {}
    for plane in profile.planes:
        for line in plane.lines:
            for event in line.events:
                stats = dict(event.stats)
                if "hlo_op" in stats:
                    begun.append((str(stats["hlo_op"]), event.start_ns, event.end_ns, stats.get("_p")))
                elif event.name.startswith("end: "):
                    ends[stats.get("_c")] = event.start_ns
    for operation, start, end, producer in begun:
        if not LOOPS.match(operation):
            yield Span(operation, start, max(end, ends.get(producer, end)))


def _names(operations: set[str]) -> dict[str, str]:
    """The kind, shape and layer of operations, from the text of the compiled program that has the most of them."""
    programs = [
        module.to_string() for each in backend.get_backend().live_executables() for module in each.hlo_modules()
    ]
    named = [names_in(program) for program in programs]
    return max(named, key=lambda names: len(operations & set(names)), default={})


def names_in(program: str) -> dict[str, str]:
    """By the name of each operation of the text of a compiled program: its kind, its shape and its layer.

    A fusion that does not say what layer it is of has that of its first operation that does, products first.
    """
    lines: dict[str, tuple[str, str, str]] = {}
    bodies: dict[str, list[str]] = {}
    for line in program.splitlines():
        if header := BODY.match(line):
            body = bodies.setdefault(header[1], [])
        elif found := INSTRUCTION.match(line):
            name, shape = found.groups()
            first, *others = re.sub(r"\{[^}]*\}", "", shape).strip("()").split(", ")
            lines[name] = (re.sub(r"[.\d]+$", "", name), f"{first}, ..." if others else first, line)
            body.append(name)

    def path(name: str, depth: int = 3) -> str:
        line = lines[name][2]
        if found := OP_NAME.search(line):
            return found[1]
        called = CALLED.search(line)
        inner = bodies.get(called[1], []) if called and depth else []
        inner = sorted(inner, key=lambda each: not lines[each][0].startswith(("dot", "convolution")))
        return next(filter(None, (path(each, depth - 1) for each in inner)), "")

    return {name: " ".join(filter(None, (kind, shape, layer(path(name))))) for name, (kind, shape, _) in lines.items()}


def layer(path: str) -> str:
    """Where an operation was written, such as "Critic/Dense_0/dot_general, backward", from what XLA keeps of that."""
    parts = re.sub(r"(transpose|jvp|vmap)\(|(?<!\()\)+(?=/|$)", "", path).replace("/)", "/").split("/")
    kept = "/".join(part for part in parts if not ADDED.fullmatch(part))
    return f"{kept}, backward" if "transpose(" in path else kept
