"""Settings of every test: four virtual CPU devices, strict dtypes and ranks, warnings as errors, data of its own."""

import os
import pathlib

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


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
    return tmp_path_factory.mktemp("data")
