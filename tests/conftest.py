"""Settings of every test: four virtual CPU devices, strict dtypes and ranks, warnings as errors, data of its own."""

import gc
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# Compiling is most of what tests do. XLA's older emitters take half of the time; its preset for fast ones and one
# module of code a program, instead of up to 32, save another fifth of tests of networks, and nothing of
# trainings. A version that does not know these flags any more would abort, so one process tries them; those that it
# starts inherit the answer.
QUICK = "GENGEN_TEST_QUICK"
FLAG = (
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_opt_preset=CPU_OPT_PRESET_FAST_COMPILE"
    " --xla_cpu_parallel_codegen_split_count=1"
)
if QUICK not in os.environ:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    program, tried = [sys.executable, "-c", "import jax; jax.devices()"], {**os.environ, "XLA_FLAGS": FLAG}
    status = subprocess.run(program, env=tried, capture_output=True, check=False).returncode
    os.environ[QUICK] = "" if status else FLAG
    os.environ["XLA_FLAGS"] += " " + os.environ[QUICK]

import jax  # noqa: E402 - it reads the flags
import pytest  # noqa: E402

from gengen.cli import command as entry  # noqa: E402
from gengen.files.whole import whole  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


pytest_plugins = ["tests.fakes"]

KEPT = 2**30
"""Bytes of compiled programs that are kept from session to session."""


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pathlib.Path]:
    """Compiles each program once, in this process and in those that tests start, and keeps it for other sessions.

    JAX does not write these files whole, so each worker has a folder of its own: what was kept is copied into it at the
    start, and what is new is kept at the end, when nobody writes any more. A file that a killed process left cut cannot
    be unpacked, and its program is compiled anew.
    """
    folder = tmp_path_factory.mktemp("xla")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")  # they make a program's key that of its folder
    cache = getattr(request.config, "cache", None)
    if cache is None:  # pytest -p no:cacheprovider
        yield folder
        return
    kept = cache.mkdir("xla")
    if sum(path.stat().st_size for path in kept.iterdir()) > KEPT:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(exist_ok=True)
    copy_new(kept, folder)
    yield folder
    copy_new(folder, kept)


def copy_new(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies the files of a folder that are not in another one yet, where each appears whole."""
    for path in source.glob("[!.]*"):  # what another worker has not written to its end begins with a dot
        if not (target / path.name).exists():
            with suppress(FileNotFoundError), whole(target / path.name) as file:
                file.write(path.read_bytes())


def pytest_collection_finish() -> None:
    """Keeps Python from looking through all modules again and again while JAX traces, which allocates much."""
    gc.freeze()
    gc.set_threshold(10_000)


TRAINING = ("learning_test", "trained_classifier_test", "evaluate_test", "judging_test")
"""Files whose programs run long enough to be worth optimising."""


COMPILING = ("models", "networks", "contract_test", "kinds_test", "build_test", "configs_test")
"""Folders and files whose tests compile whole networks, a few seconds each."""

ROWS = 1
"""How many rows of a test that compiles networks are in the default suite; the others are slow tests."""

LONG = {"subprocess", "data_dir", "test_data", "slow", "heavy", *TRAINING, *COMPILING}
"""What no quick test has: a module, a fixture (`launch` and trainings need `data_dir`), a mark, a folder, a file."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as quick the first row of each test that starts no process and trains nothing that takes long.

    A test that is marked quick itself is so with all of its rows.
    """
    taken, rows = set(), Counter[str]()
    for item in (item for item in items if isinstance(item, pytest.Function)):
        test = item.nodeid.partition("[")[0]
        rows[test] += 1
        if rows[test] > ROWS and {"models", "networks"} & set(item.path.relative_to(ROOT / "tests").parts):
            item.add_marker("slow")
        where = item.path.relative_to(ROOT / "tests").with_suffix("").parts
        names = {*item.fixturenames, *item.function.__code__.co_names, *where}
        if test not in taken and not {*names, *(mark.name for mark in item.iter_markers())} & LONG:
            item.add_marker("quick")
            taken.add(test)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Spends less on compiling programs that run a few steps, here and in processes that tests start."""
    quick = request.path.stem not in TRAINING and "metrics" not in request.path.parts
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", str(quick))
        jax.config.update("jax_disable_most_optimizations", quick)
        yield
        jax.config.update("jax_disable_most_optimizations", False)


MAPS = pathlib.Path("/proc/self/maps")
"""On Linux, a line for each piece of memory that this process has mapped."""


SEEN = itertools.count(1)
"""Tests of this process; the pieces of memory are counted after every 16th, which takes longer than many a test."""


@pytest.fixture(autouse=True)
def few_programs() -> Iterator[None]:
    """Forgets compiled programs when there are many: each maps memory, and beyond 65,530 maps Linux lets XLA crash."""
    yield
    if next(SEEN) % 16 == 0 and MAPS.exists() and MAPS.read_bytes().count(b"\n") > 35_000:
        jax.clear_caches()


@pytest.fixture(scope="session")
def test_data() -> pathlib.Path:
    """The folder of canonical raw files that `GENGEN_TEST_DATA` names; tests that need it skip without it."""
    folder = os.environ.get("GENGEN_TEST_DATA")
    if not folder:
        pytest.skip("GENGEN_TEST_DATA is not set")
    return pathlib.Path(folder).resolve()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where data sets are prepared in this test session."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "data"  # which all workers have in common
    folder.mkdir(exist_ok=True)
    return folder


ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="session")
def command(data_dir, compilation_cache):
    """Returns `(*flags, devices=1, **environment) -> (argument list, environment)` of a real `launch.py`."""

    def prepared(*flags, devices=1, **environment):
        settings = {
            **os.environ,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} {os.environ[QUICK]}",
            "JAX_COMPILATION_CACHE_DIR": str(compilation_cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
            "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
            "TFDS_DATA_DIR": str(data_dir),
            **environment,
        }
        return [sys.executable, str(ROOT / "launch.py"), *map(str, flags)], settings

    return prepared


@pytest.fixture(scope="session")
def launch(command):
    """Runs `launch.py` to its end in a process of its own and returns what subprocess.run does."""

    def run(*flags, devices=1, cwd=None, **environment):
        arguments, settings = command(*flags, devices=devices, **environment)
        return subprocess.run(arguments, env=settings, cwd=cwd or ROOT, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture
def answer(data_dir, monkeypatch, capsys):
    """Does what `launch` does, but in this process: most of a command that is refused would be its start."""
    monkeypatch.setattr(entry.machine, "keep_compilations", lambda: None)

    def run(*flags, cwd=None, **environment):
        monkeypatch.chdir(cwd or ROOT)
        for name, value in {"TFDS_DATA_DIR": str(data_dir), **environment}.items():
            monkeypatch.setenv(name, value)
        with jax.numpy_dtype_promotion("standard"):  # Optax raises floats to integer powers
            status = entry.main(["launch.py", *map(str, flags)], ROOT / "configs")
        return subprocess.CompletedProcess(flags, status, *capsys.readouterr())

    return run
