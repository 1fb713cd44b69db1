"""Settings of every test: four virtual CPU devices, strict dtypes and ranks, warnings as errors, data of its own."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# XLA's older emitters compile in half of the time, and compiling is most of what tests do. A version that does not know
# the flag any more would abort, so one process tries it; those that it starts inherit the answer.
QUICK, FLAG = "GENGEN_TEST_QUICK", "--xla_cpu_use_fusion_emitters=false"
if QUICK not in os.environ:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    program, tried = [sys.executable, "-c", "import jax; jax.devices()"], {**os.environ, "XLA_FLAGS": FLAG}
    status = subprocess.run(program, env=tried, capture_output=True, check=False).returncode
    os.environ[QUICK] = "" if status else FLAG
    os.environ["XLA_FLAGS"] += " " + os.environ[QUICK]

import jax  # noqa: E402 - it reads the flags
import pytest  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Compiles each program once in a session, in this process and in those that tests start."""
    folder = tmp_path_factory.mktemp("xla")  # its files are not written whole, so no two workers share one
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    return folder


TRAINING = ("learning_test", "classifier_test", "evaluate_test", "judge_test")
"""Files whose programs run long enough to be worth optimising."""


@pytest.fixture(scope="module", autouse=True)
def quick_compilation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Spends less on compiling programs that run a few steps, where nearly all of the time would go."""
    quick = request.path.stem not in TRAINING and "metrics" not in request.path.parts
    jax.config.update("jax_disable_most_optimizations", quick)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


MAPS = pathlib.Path("/proc/self/maps")
"""On Linux, a line for each piece of memory that this process has mapped."""


@pytest.fixture(autouse=True)
def few_programs() -> Iterator[None]:
    """Forgets compiled programs when there are many: each maps memory, and beyond 65,530 maps Linux lets XLA crash."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > 40_000:
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
