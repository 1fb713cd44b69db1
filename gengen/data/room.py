"""Whether what is asked for fits: into the memory of this machine, and on its disk."""

import contextlib
import os
import pathlib
import shutil

from gengen.core.refusal import Refusal

_LIMIT = pathlib.Path("/sys/fs/cgroup/memory.max")  # of a container, on Linux


def memory() -> int:
    """Bytes of memory that this machine has, or that its container allows."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # there is no such file, or it says "max"
        total = min(total, int(_LIMIT.read_text()))
    return total


def check_memory(what: str, needed: int) -> None:
    """Checks that arrays fit into memory: a process that takes more than there is would be killed without a word.

    Raises:
      Refusal: they do not; the sentence says how much they take and how much there is.
    """
    there = memory()
    if needed > there:
        raise Refusal(
            f"{what} would take {_said(needed)} of memory, and this machine has {_said(there)}: lower "
            "--config.data.resolution, or take fewer examples."
        )


def check_disk(what: str, needed: int, folder: pathlib.Path) -> None:
    """Checks that files fit on the disk of a folder, which need not exist.

    Raises:
      Refusal: they do not; the sentence says how much they take and how much is free.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise Refusal(
            f"{what} would take {_said(needed)} on the disk of {there}, which has {_said(free)} free: lower "
            "--config.data.resolution, or add --config.data.data_dir=FOLDER on a larger disk."
        )


def _said(size: int) -> str:
    """A number of bytes in words, with three digits."""
    value, units = float(size), ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    for unit in units:
        if value < 1000 or unit == units[-1]:
            break
        value /= 1024
    return f"{value:.3g} {unit}"
