"""What the machine is, and how many of its cores a child gets."""

import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

UNITS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "bf16", "i8mm")
"""Flags of processors that say how fast products are: the first two, of x86, and `bf16`, of Arm, are for bfloat16."""

CPUS = Path("/sys/devices/system/cpu")
INFORMATION = Path("/proc/cpuinfo")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def description() -> dict[str, str]:
    """Processor, flags of `UNITS`, cores, huge pages, load (how many processes wanted to run of late) and system."""
    text = INFORMATION.read_text(encoding="utf-8")
    named = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    has = set(flags[1].split()) if flags else set[str]()
    pages = re.search(r"\[(\w+)\]", HUGE_PAGES.read_text(encoding="ascii")) if HUGE_PAGES.exists() else None
    return {
        "processor": named[1].strip() if named else platform.machine(),
        "flags": ", ".join(unit for unit in UNITS if unit in has) or "none of " + ", ".join(UNITS),
        "cores": str(len(cores())),
        "huge pages": pages[1] if pages else "none",
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }


def version_of(checkout: Path) -> str:
    """The version of a checkout of gengen and its commit, where git knows it, with a plus if files differ from it."""
    version = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return str(version)
    return f"{version} ({commit})"


def cores() -> list[int]:
    """One processor of each core that this process may use: two threads of one core are no two threads."""
    chosen: dict[str, int] = {}
    for number in sorted(os.sched_getaffinity(0)):
        siblings = CPUS / f"cpu{number}" / "topology" / "thread_siblings_list"
        core = siblings.read_text(encoding="ascii") if siblings.exists() else str(number)
        chosen.setdefault(core, number)
    return list(chosen.values())


def pinned(threads: int) -> Callable[[], None]:
    """A function that leaves its process so many cores, for a child to call before its program begins.

    XLA and PyTorch ask the system how many cores they may use when they start, so both get as many threads, and no
    thread of either can use more.

    Args:
      threads: how many cores.

    Raises:
      ValueError: there are not so many.
    """
    found = cores()
    if threads > len(found):
        raise ValueError(f"{threads} threads need as many cores, and this process may use {len(found)}")
    return lambda: os.sched_setaffinity(0, found[:threads])


def environment() -> dict[str, str]:
    """The environment of every child: malloc asks for huge pages, as gengen does when it starts."""
    return {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "JAX_PLATFORMS": "cpu"}
