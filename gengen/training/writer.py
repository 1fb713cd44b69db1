"""What a run writes while it trains: metrics.jsonl, TensorBoard events and lines for the person who waits."""

import json
import os
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
        cut_lines(self._path, step)
        self._lines = self._path.open("a", encoding="utf-8")
        self._events = SummaryWriter(str(folder / "events"), purge_step=step + 1)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Adds one line to metrics.jsonl and the same values to TensorBoard."""
        self._lines.write(json.dumps({"step": step, **values}) + "\n")
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


def cut_lines(path: Path, step: int) -> None:
    """Drops the lines of a metrics.jsonl beyond `step`, and one that was cut short by a kill."""
    if not path.exists():
        return
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if (_step_of(line) or step + 1) <= step]
    write_whole(path, "".join(f"{line}\n" for line in kept))


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


def _step_of(line: str) -> int | None:
    try:
        entry: Any = json.loads(line)
        return int(entry["step"])
    except (ValueError, KeyError, TypeError):
        return None
