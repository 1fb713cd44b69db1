"""What a run writes while it trains: metrics.jsonl, TensorBoard events and lines for the person who waits."""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX import SummaryWriter


class Writer:
    """Writes scalars and pictures of one run folder.

    Args:
      folder: the run folder.
      step: the step at which the run starts or goes on; what was written beyond it is cut, because it will come again.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / "metrics.jsonl"
        self._before, self._since = cut_lines(self._path, step), time.perf_counter()
        self._lines = self._path.open("a", encoding="utf-8")
        self._events = SummaryWriter(str(folder / "events"), purge_step=step + 1)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Adds a line to metrics.jsonl, with the seconds that the run has taken, and the values to TensorBoard."""
        seconds = self._before + time.perf_counter() - self._since
        self._lines.write(json.dumps({"step": step, "seconds": round(seconds, 3), **values}) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Adds a picture, uint8 [H, W, C], to TensorBoard."""
        self._events.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        """Writes what is left and closes the files."""
        self._lines.close()
        self._events.close()


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
    """Reads the lines of a metrics.jsonl, but for one that was cut short by a kill; none if there is no file."""
    if not path.exists():
        return []
    entries = [_entry(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [entry for entry in entries if entry is not None]


def write_whole(path: Path, text: str) -> None:
    """Writes a file that appears whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = dict(json.loads(line))
        return entry if isinstance(entry["step"], int) else None
    except (ValueError, KeyError, TypeError):
        return None
