"""Settings of the machine that a task runs on, made before JAX touches it."""

import os
import platform
import sys
from pathlib import Path

from gengen.core.refusal import Refusal

TUNABLE = "glibc.malloc.hugetlb=1"


def restart_with_huge_pages() -> None:
    """Starts this command again, once, so that malloc asks Linux for huge pages.

    XLA:CPU gives its temporary buffers back after each step, and the first touch of every 4 KiB page after that can
    cost more than the arithmetic: 134 MB of temporaries took 93 ms, and 38 ms in huge pages. glibc reads the setting
    only when a process starts. Nothing happens on other systems or where huge pages are switched off.
    """
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or not setting.exists():
        return
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if "[never]" in setting.read_text(encoding="utf-8") or "glibc.malloc.hugetlb" in tunables:
        return
    environment = {**os.environ, "GLIBC_TUNABLES": f"{tunables}:{TUNABLE}" if tunables else TUNABLE}
    os.execve(sys.executable, sys.orig_argv, environment)


def keep_compilations() -> None:
    """Keeps what XLA compiles, in `JAX_COMPILATION_CACHE_DIR` if it is set: a second start is quick."""
    import jax

    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "gengen" / "xla"
        jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def join_processes(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Joins the other processes of a run, from what is given or from the cluster's own environment.

    Args:
      coordinator: host:port of process 0; None to ask the environment (Slurm, Open MPI, Kubernetes, TPU pods).
      processes: number of processes.
      process: number of this one.

    Raises:
      Refusal: only some of the three are given, or none and the environment names no cluster.
    """
    import jax

    given = [value is not None for value in (coordinator, processes, process)]
    if any(given) and not all(given):
        raise Refusal("--coordinator, --processes and --process belong together: give all three, or --distributed.")
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except ValueError as error:
        raise Refusal(f"this process cannot join the others: {str(error).rstrip('.')}.") from error
