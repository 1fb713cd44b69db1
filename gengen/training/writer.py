"""What a run writes while it trains: metrics.jsonl, TensorBoard events and lines for the person who waits."""

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from gengen.files.whole import write_whole

LOW, HIGH, MEMBERS = "/low", "/high", "/members"
"""What the names of the ends of an interval, and of the values of all members, have behind that of their value."""


class Writer:
    """Writes scalars and pictures of one run folder.

    Args:
      folder: the run folder.
      step: the step at which the run starts or goes on; what was written beyond it is cut, because it will come again.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / "metrics.jsonl"
        self._before, self._since = cut_lines(self._path, step), time.perf_counter()
        self._lines, self._lock = self._path.open("a", encoding="utf-8"), threading.Lock()
        self._events = Events(folder / "events", step)

    def scalars(
        self,
        step: int,
        values: dict[str, float],
        intervals: Mapping[str, tuple[float, float]] | None = None,
        members: Mapping[str, Sequence[float | None]] | None = None,
    ) -> None:
        """Adds a line to metrics.jsonl, with the seconds that the run has taken, and the values to TensorBoard.

        Args:
          step: the step.
          values: by their names.
          intervals: lower and upper ends about some of the values, for metrics.jsonl alone.
          members: what some of the values are of each member of a run, None of one that is frozen, for metrics.jsonl
            alone; the least and the greatest of them are the ends about their mean.
        """
        several = {name: [value for value in own if value is not None] for name, own in (members or {}).items()}
        intervals = dict(intervals or {}) | {name: (min(own), max(own)) for name, own in several.items()}
        ends: dict[str, Any] = {
            f"{name}{end}": each for name, own in intervals.items() for end, each in zip((LOW, HIGH), own, strict=True)
        }
        ends |= {f"{name}{MEMBERS}": list(own) for name, own in (members or {}).items()}
        seconds = self._before + time.perf_counter() - self._since
        with self._lock:  # scores come from another thread
            self._lines.write(json.dumps({"step": step, "seconds": round(seconds, 3), **values, **ends}) + "\n")
            self._lines.flush()
        self._events.add(step, [summary.scalar(name, value) for name, value in values.items()])

    def picture(self, step: int, name: str, path: Path) -> None:
        """Adds a PNG to TensorBoard as it is: encoding its pixels again takes as long as drawing them."""
        with Image.open(path) as opened:
            width, height = opened.size
            image = Summary.Image(
                height=height,
                width=width,
                colorspace=len(opened.getbands()),
                encoded_image_string=path.read_bytes(),
            )
        self._events.add(step, [Summary(value=[Summary.Value(tag=name, image=image)])])

    def close(self) -> None:
        """Closes the files."""
        self._lines.close()
        self._events.close()


class Events:
    """The TensorBoard events of one run; those that were added are in the file when `add` returns.

    tensorboardX's own SummaryWriter hands events to a thread, which writes them up to two minutes later: a run that is
    killed loses those of steps that its checkpoint holds, and nobody adds them again.

    Args:
      folder: where their files lie; every session of a run adds one.
      step: TensorBoard hides the events of earlier sessions beyond it, because they will come again.
    """

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Absolute, because tensorboardX takes what stands before a colon for a service; it names files by the second.
        self._file = EventsWriter(str(folder.absolute() / "events"), f".{time.time_ns()}")
        self._lock = threading.Lock()
        self._file.write_event(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))
        self._file.flush()

    def add(self, step: int, summaries: Iterable[Any]) -> None:
        """Adds what tensorboardX's `summary` makes of values or pictures."""
        with self._lock:  # pictures come from another thread
            for added in summaries:
                self._file.write_event(Event(wall_time=time.time(), step=step, summary=added))
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def cut_lines(path: Path, step: int) -> float:
    """Drops the lines of a metrics.jsonl beyond `step`, and one that was cut short by a kill.

    Returns:
      The seconds that the run had taken at the last line that is left.
    """
    entries = [entry for entry in read_lines(path) if entry["step"] <= step]
    if path.exists():
        write_whole(path, "".join(json.dumps(entry) + "\n" for entry in entries))
    return float(entries[-1].get("seconds", 0.0)) if entries else 0.0


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Reads the lines of a metrics.jsonl, but for one that was cut short by a kill; none if there is no file.

    They are in the order of their steps: scores were written when they were known.
    """
    if not path.exists():
        return []
    entries = [_entry(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted((entry for entry in entries if entry is not None), key=lambda entry: int(entry["step"]))


def entries_from(path: Path, place: int) -> tuple[list[dict[str, Any]], int]:
    """Reads the lines of a metrics.jsonl from a place in bytes on; returns them and the place behind the last one."""
    if not path.exists():
        return [], place
    with path.open("rb") as file:
        file.seek(place)
        text, _, _ = file.read().rpartition(b"\n")
    entries = [_entry(line) for line in text.decode().splitlines()]
    return [entry for entry in entries if entry is not None], place + len(text) + bool(text)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = dict(json.loads(line))
        return entry if isinstance(entry["step"], int) else None
    except (ValueError, KeyError, TypeError):
        return None
