"""Settings of the machine that a task runs on, made before JAX touches it."""

import gc
import os
import platform
import re
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from gengen.core.refusal import Refusal

TUNABLE = "glibc.malloc.hugetlb=1"

OBJECTS = 50_000
"""New objects after which Python looks for garbage in cycles."""

ADDRESS = re.compile(r"(?P<host>\[[^\[\]\s]+\]|[^:/\[\]\s]+):(?P<port>\d{1,5})")
"""host:port, where an IPv6 address stands in brackets."""

PORTS = range(1, 2**16)

PROCESSES = 2**31
"""JAX counts processes with as many numbers."""

PATIENCE = 300.0
"""Seconds that a process waits for the first one."""


def restart_with_huge_pages(script: str) -> None:
    """Starts this command again, once, so that malloc asks Linux for huge pages.

    XLA:CPU gives its temporary buffers back after each step, and the first touch of every 4 KiB page after that can
    cost more than the arithmetic: 134 MB of temporaries took 93 ms, and 38 ms in huge pages. glibc reads the setting
    only when a process starts. Nothing happens on other systems or where huge pages are switched off, and nothing in a
    notebook, a debugger or any other program that runs the script within itself: it would be replaced.

    Args:
      script: the file of the command.
    """
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or not setting.exists():
        return
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if "[never]" in setting.read_text(encoding="utf-8") or "glibc.malloc.hugetlb" in tunables:
        return
    if not is_whole_process(script):
        return
    environment = {**os.environ, "GLIBC_TUNABLES": f"{tunables}:{TUNABLE}" if tunables else TUNABLE}
    with suppress(OSError):  # the command runs as well without
        os.execve(sys.executable, sys.orig_argv, environment)


def is_whole_process(script: str) -> bool:
    """Whether this process is `python script` and nothing else: no other code waits for the script to return.

    The script is then the first of the frames, it was named on the command line of the process, and there are no
    threads of another program.
    """
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    named = bool(sys.argv) and sys.orig_argv[-len(sys.argv) :] == sys.argv
    files = (frame.f_code.co_filename, sys.argv[0] if named else "", script)
    return len({os.path.realpath(file) for file in files}) == 1 and threading.active_count() == 1


def collect_rarely() -> None:
    """Lets Python look for garbage in cycles after 50,000 new objects, not after 700.

    Imports and traces make a million objects and hardly any garbage: a tenth of a start went into looking for it, again
    and again among all of JAX. Arrays do not wait for it: what nobody refers to any more goes at once.
    """
    gc.set_threshold(OBJECTS)


def problem_of_jax() -> str:
    """A sentence if JAX, which is imported here, cannot take one of its environment variables; "" if all is well."""
    try:
        import jax  # noqa: F401
    except ValueError as error:
        return f"JAX cannot take one of its environment variables ({str(error).rstrip('.')}); correct or unset it."
    return ""


def keep_compilations() -> None:
    """Keeps what XLA compiles, in `JAX_COMPILATION_CACHE_DIR` if it is set: a second start is quick.

    Where no place can be written, as without a home directory, everything is compiled anew, and a line says so.
    """
    import jax

    given = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    try:
        cache = Path(given) if given else _caches() / "gengen" / "xla"
        if "://" not in str(given):
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=cache):
                pass
    except (OSError, RuntimeError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else "no home directory"
        name = "JAX_COMPILATION_CACHE_DIR" if given else "XDG_CACHE_HOME"
        print(f"gengen: compiled programs are not kept ({reason}); {name} may name a folder.", file=sys.stderr)
        jax.config.update("jax_compilation_cache_dir", None)
        return
    if not given:
        jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def _caches() -> Path:
    """The folder of caches by the XDG base directory specification, which passes over paths that are not absolute.

    Raises:
      RuntimeError: there is no home directory.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path("~/.cache").expanduser()


def check_devices() -> None:
    """Checks that JAX has a device to work on.

    Raises:
      Refusal: it has none of the kind that `JAX_PLATFORMS` names.
    """
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # the latter, without a word, where a plugin is not installed
        asked = f"JAX_PLATFORMS={os.environ['JAX_PLATFORMS']}" if os.environ.get("JAX_PLATFORMS") else "JAX"
        known = f" ({' '.join(str(error).split()).rstrip('. ')})" if str(error) else ""
        raise Refusal(
            f"{asked} finds no device that it could use{known}; set JAX_PLATFORMS=cpu, or install JAX for the device."
        ) from error


def join_processes(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Joins the other processes of a run, from what is given or from the cluster's own environment.

    Args:
      coordinator: host:port of process 0; None to ask the environment (Slurm, Open MPI, Kubernetes, TPU pods).
      processes: number of processes.
      process: number of this one.

    Raises:
      Refusal: only some of the three are given, or none and the environment names no cluster; a number is out of range,
        the address is none, or nobody answers there.
    """
    import jax

    given = [value is not None for value in (coordinator, processes, process)]
    if any(given) and not all(given):
        raise Refusal("--coordinator, --processes and --process belong together: give all three, or --distributed.")
    if coordinator is not None and processes is not None and process is not None:
        _check_processes(processes, process)
        _check_coordinator(coordinator, process)
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (ValueError, RuntimeError) as error:
        raise Refusal(f"this process cannot join the others: {str(error).rstrip('.')}.") from error


def _check_processes(processes: int, process: int) -> None:
    if not 1 <= processes < PROCESSES:
        raise Refusal(f"--processes={processes} must lie in [1, {PROCESSES}).")
    if not 0 <= process < processes:
        raise Refusal(f"--process={process} must lie in [0, {processes}), as --processes={processes} are numbered.")


def _check_coordinator(coordinator: str, process: int) -> None:
    """Waits until the first process answers, or checks that this one can be it; JAX would end in an abort.

    Raises:
      Refusal: the address is none, there is no such host, the port is taken, or nobody answers in `PATIENCE` seconds.
    """
    found = ADDRESS.fullmatch(coordinator)
    if not found or int(found["port"]) not in PORTS:
        raise Refusal(f"--coordinator={coordinator} must be host:port, as in 10.0.0.1:1234, with a port below 65536.")
    host, port = found["host"].strip("[]"), int(found["port"])
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:
        raise Refusal(f"--coordinator={coordinator}: there is no host {host!r}.") from error
    if process == 0:
        with socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("", port))
            except OSError as error:
                raise Refusal(f"--coordinator={coordinator}: the port cannot be used ({error.strerror}).") from error
        return
    end = time.monotonic() + PATIENCE
    while not _answers(host, port):
        if time.monotonic() > end:
            raise Refusal(f"--coordinator={coordinator} did not answer for {PATIENCE:.0f} s; start process 0 there.")
        time.sleep(0.2)


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False
