"""Weights as safetensors, with what its NumPy side would change in silence."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.export.weights import check_weights, write_weights

pytestmark = pytest.mark.quick

numpy = pytest.importorskip("safetensors.numpy")

TALL = np.arange(6, dtype=np.float32).reshape(3, 2)

VARIABLES = {
    "critic": {"params": {"turned": TALL.T, "sliced": TALL[:, 1], "bfloat16": jnp.array([1.5, -3e38], jnp.bfloat16)}},
    "generator": {"counted": {"steps": np.int32(7)}, "params": {"none": np.zeros((0, 3), np.float32)}},
}


def test_arrays_come_back_as_they_are_whatever_their_layout(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_weights(path, VARIABLES, {"step": 3, "config": "{}"})
    found = numpy.load_file(path)
    np.testing.assert_array_equal(found["critic/params/turned"], [[0, 2, 4], [1, 3, 5]])
    np.testing.assert_array_equal(found["critic/params/sliced"], [1, 3, 5])
    assert found["generator/counted/steps"].shape == ()
    assert found["generator/counted/steps"] == 7
    assert found["generator/params/none"].shape == (0, 3)
    check_weights(path, VARIABLES)


def test_what_safetensors_itself_does_to_a_transposed_array_is_found(tmp_path):
    path = tmp_path / "weights.safetensors"
    numpy.save_file({"critic/params/turned": TALL.T}, path)
    written = {"critic": {"params": {"turned": TALL.T}}}
    if np.array_equal(numpy.load_file(path)["critic/params/turned"], TALL.T):
        pytest.skip("this version writes it as it is")
    with pytest.raises(Refusal, match="changes critic/params/turned of the model"):
        check_weights(path, written)


def test_bfloat16_is_written_as_float32_and_the_metadata_say_so(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "weights.safetensors"
    write_weights(path, VARIABLES, {"step": 3})
    found = numpy.load_file(path)["critic/params/bfloat16"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.asarray(VARIABLES["critic"]["params"]["bfloat16"], np.float32))
    with safe_open(path, "numpy") as file:
        assert json.loads(file.metadata()["widened"]) == {"critic/params/bfloat16": "bfloat16"}
        assert file.metadata()["step"] == "3"


@pytest.mark.parametrize("change", ["bit", "name"])
def test_a_bit_that_changed_and_an_array_that_is_missing_are_found(tmp_path, change):
    path = tmp_path / "weights.safetensors"
    write_weights(path, VARIABLES, {})
    found = dict(numpy.load_file(path))
    if change == "bit":
        found["critic/params/sliced"] = np.nextafter(found["critic/params/sliced"], np.float32(9))
    else:
        del found["critic/params/sliced"]
    numpy.save_file(found, path)
    with pytest.raises(Refusal, match="nothing was written, leave safetensors out"):
        check_weights(path, VARIABLES)
