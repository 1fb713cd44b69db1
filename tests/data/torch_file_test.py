"""PyTorch's files: what its own writer wrote, what a hand writes to the same formats, and what must be refused."""

import io
import os
import pathlib
import pickle
import struct
import zipfile

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.torch_file import MAGIC, PROTOCOL, read_state_dict

REFERENCE = pathlib.Path(__file__).parent.parent / "reference"
FORMATS = ("zip", "legacy")
NUMBERS = np.arange(6, dtype=np.float32)


def written(name: str) -> bytes:
    """What PyTorch itself wrote in a format."""
    return (REFERENCE / f"torch_file_{name}.pth").read_bytes()


def fragment(value: object) -> bytes:
    """A value inside a pickle."""
    return pickle.dumps(value, 0).removesuffix(b".")


def storage(kind: bytes = b"torch\nFloatStorage", length: object = 6, rest: bytes = b"") -> bytes:
    return b"(" + fragment("storage") + b"c" + kind + b"\n" + fragment("0") + fragment("cpu") + fragment(length) + rest


def tensor(
    *, offset: object = 0, size: object = (2, 3), stride: object = (3, 1), of: bytes = storage() + b"tQ"
) -> bytes:
    view = fragment(offset) + fragment(size) + fragment(stride) + fragment(False)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + of + view + b"ccollections\nOrderedDict\n(tRtR"


def state(value: bytes) -> bytes:
    """The pickle of an ordered dictionary with one entry."""
    return b"ccollections\nOrderedDict\n(tR(" + fragment("weight") + value + b"u."


def zipped(pickled: bytes, *, method: int = zipfile.ZIP_STORED, order: bytes = b"little") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("any/data.pkl", pickled)
        archive.writestr("any/byteorder", order)
        archive.writestr("any/data/0", NUMBERS.tobytes())
    return file.getvalue()


def streamed(pickled: bytes, first: bytes | None = None) -> bytes:
    head = (pickle.dumps(MAGIC, 2) if first is None else first) + pickle.dumps(PROTOCOL, 2)
    numbers = struct.pack("<q", 6) + NUMBERS.tobytes()
    return head + pickle.dumps({"little_endian": True}, 2) + pickled + pickle.dumps(["0"], 2) + numbers


WRITERS = {"zip": zipped, "legacy": streamed}


def read(content: bytes, folder: pathlib.Path) -> dict[str, np.ndarray]:
    path = folder / "weights.pth"
    path.write_bytes(content)
    return read_state_dict(path)


def refusal(content: bytes, folder: pathlib.Path, match: str) -> str:
    with pytest.raises(Refusal, match=match) as refused:
        read(content, folder)
    sentence = str(refused.value)
    assert sentence.startswith(f"{folder / 'weights.pth'} ")
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("name", FORMATS)
def test_what_pytorch_wrote_is_read(name: str, tmp_path: pathlib.Path) -> None:
    arrays = read(written(name), tmp_path)
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    expected = {
        "weight": np.ones(2, np.float32),
        "bias": np.zeros(2, np.float32),
        "running_mean": np.zeros(2, np.float32),
        "running_var": np.ones(2, np.float32),
        "num_batches_tracked": np.array(0),
        "whole": whole,
        "transposed": whole.T,
        "corner": np.array([[5, 7], [9, 11]], np.float32),
        "row": np.array([[1.5, -2.0, 0.25]] * 2, np.float16),
        "mask": np.array([True, False, True]),
        "none": np.zeros((0, 3)),
    }
    assert list(arrays) == list(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(arrays[key], array, strict=True)
        assert not arrays[key].flags.writeable


@pytest.mark.parametrize("name", FORMATS)
def test_views_go_by_their_offsets_and_strides(name: str, tmp_path: pathlib.Path) -> None:
    plain = read(WRITERS[name](state(tensor())), tmp_path)["weight"]
    np.testing.assert_array_equal(plain, NUMBERS.reshape(2, 3), strict=True)
    turned = read(WRITERS[name](state(tensor(offset=1, size=(2, 2), stride=(1, 3)))), tmp_path)["weight"]
    np.testing.assert_array_equal(turned, [[1, 4], [2, 5]])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("code", "asked"),
    [
        (b"cos\nsystem\n(Vtouch TOUCHED\ntR", "os.system"),
        (b"cbuiltins\nopen\n(VTOUCHED\nVw\ntR", "builtins.open"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93(VTOUCHED\ntR", "os.system"),
        (b"(Vtouch TOUCHED\nios\nsystem\n", "os.system"),
        (b"ccollections\nOrderedDict.fromkeys\n(tR", "OrderedDict.fromkeys"),
        (b"ctorch.nn.modules.linear\nLinear\n(tR", "torch.nn.modules.linear.Linear"),
        (b"ctorch._utils\n_rebuild_parameter\n(tR", "torch._utils._rebuild_parameter"),
    ],
)
def test_code_is_refused_and_not_run(name: str, code: bytes, asked: str, tmp_path: pathlib.Path) -> None:
    trace = tmp_path / "trace"
    code = code.replace(b"TOUCHED", os.fsencode(trace))
    for content in (WRITERS[name](state(code)), streamed(state(tensor()), first=code + b".")):
        assert asked in refusal(content, tmp_path, "nothing of it was run")
        assert not trace.exists()


def test_that_code_would_run_in_another_reader(tmp_path: pathlib.Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(state(b"cos\nsystem\n(Vtouch TOUCHED\ntR".replace(b"TOUCHED", os.fsencode(trace))))
    assert trace.exists()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (tensor(size=(2, 4)), "beyond its storage"),
        (tensor(offset=1), "beyond its storage"),
        (tensor(stride=(4, 1)), "beyond its storage"),
        (tensor(offset=-1), "no numbers"),
        (tensor(offset=5, stride=(-3, -1)), "no numbers"),
        (tensor(stride=(3,)), "damaged"),
        (tensor(size=(2.0, 3.0)), "no numbers"),
        (tensor(of=fragment("storage")), "no numbers"),
        (tensor(of=storage(length=7) + b"tQ"), "storage '0'"),
        (tensor(of=storage(length=-1) + b"tQ", size=(0,), stride=(1,)), "storage '0'"),
        (tensor(of=storage(b"torch\nDoubleStorage") + b"tQ"), "damaged"),
        (tensor(of=storage(rest=fragment(("view", 0, 6))) + b"tQ"), "unknown kind"),
        (tensor(of=storage(b"collections\nOrderedDict") + b"tQ"), "damaged"),
        (storage() + b"tQ", "'weight' is no array"),
        (fragment({"weight": 1}) + tensor() + b"\x86", "'weight' is no array"),
        (tensor() + b"0N", "'weight' is no array"),
    ],
)
def test_entries_that_describe_no_array_are_refused(
    name: str, value: bytes, reason: str, tmp_path: pathlib.Path
) -> None:
    refusal(WRITERS[name](state(value)), tmp_path, reason)


@pytest.mark.parametrize("name", FORMATS)
def test_a_list_is_no_state_dict(name: str, tmp_path: pathlib.Path) -> None:
    refusal(WRITERS[name](b"(" + tensor() + b"l."), tmp_path, "no dictionary")


@pytest.mark.parametrize("name", FORMATS)
def test_a_pickle_cannot_change_what_reads_the_next_one(name: str, tmp_path: pathlib.Path) -> None:
    change = fragment({"__code__": None, "__call__": None, "__init__": None, "items": None})
    targets = (b"torch._utils\n_rebuild_tensor_v2", b"collections\nOrderedDict", b"torch\nFloatStorage")
    for build in (b"c%s\n(N" + change + b"tb", b"c%s\n" + change + b"b"):
        for target in targets:
            refusal(WRITERS[name](state(tensor() + b"0" + build % target)), tmp_path, "damaged")
        np.testing.assert_array_equal(read(WRITERS[name](state(tensor())), tmp_path)["weight"], NUMBERS.reshape(2, 3))
    shadowed = state(tensor()).removesuffix(b".") + change + b"b."
    np.testing.assert_array_equal(read(WRITERS[name](shadowed), tmp_path)["weight"], NUMBERS.reshape(2, 3))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_anywhere_is_refused(name: str, tmp_path: pathlib.Path) -> None:
    content = written(name)
    for length in [*range(0, len(content), 31), *range(len(content) - 40, len(content))]:
        refusal(content[:length], tmp_path, "cut or damaged")


def test_a_changed_number_in_an_archive_is_refused(tmp_path: pathlib.Path) -> None:
    content = zipped(state(tensor()))
    assert content.count(NUMBERS.tobytes()) == 1
    refusal(content.replace(NUMBERS.tobytes(), NUMBERS[::-1].tobytes()), tmp_path, "CRC")


def test_archives_that_pytorch_does_not_write_are_refused(tmp_path: pathlib.Path) -> None:
    refusal(zipped(state(tensor()), method=zipfile.ZIP_DEFLATED), tmp_path, "compressed")
    refusal(zipped(state(tensor()), order=b"big"), tmp_path, "big-endian")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("picture.png", b"")
    refusal(file.getvalue(), tmp_path, "no state dict")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"weights", pickle.dumps({"weight": 1})])
def test_other_files_are_refused(content: bytes, tmp_path: pathlib.Path) -> None:
    refusal(content, tmp_path, "no state dict of PyTorch")


def test_a_missing_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refusal, match=r"absent.pth cannot be read: No such file or directory\."):
        read_state_dict(tmp_path / "absent.pth")
