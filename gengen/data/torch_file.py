"""PyTorch's files of weights, read without PyTorch and without trust.

`torch.save` writes a pickle, which may run any code when it is read, beside the numbers that it describes. Here the
pickle may name dictionaries, tensors and the types of their numbers, and nothing else, so reading a file runs nothing
of its own. Both formats are known: the zip archive (since PyTorch 1.6, 2020) and the one before it.
"""

import io
import pathlib
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gengen.core.refusal import Refusal

MAGIC = 0x1950A86A20F9469CFC6C
"""Number that the older format begins with."""

PROTOCOL = 1001
"""Version of the older format."""

_DTYPES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


def read_state_dict(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the arrays that `torch.save(module.state_dict(), path)` wrote.

    Args:
      path: the file.

    Returns:
      Arrays by name. They are read-only views of the file's content, with the strides that the tensors had.

    Raises:
      Refusal: the file cannot be read, is no such file, is cut or damaged, or asks for anything but arrays.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return _read_zip(content) if content.startswith(b"PK") else _read_stream(content)
    except _Forbidden as error:
        raise Refusal(f"{path} asks for {error}, which a state dict has no need of: nothing of it was run.") from error
    except Exception as error:  # damaged pickles and archives raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Refusal(
            f"{path} is no state dict of PyTorch, or it was cut or damaged ({reason}): copy or download it again."
        ) from error


class _Forbidden(Exception):  # noqa: N818 - the file did it
    """A pickle asks for what only code needs."""


class _Storage(NamedTuple):
    """A line of `length` numbers, which tensors are views of; `kind` is one of `_DTYPES`."""

    kind: str
    key: str
    length: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count numbers."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    """Knows dictionaries, tensors and storages. A storage is noted here, and its numbers are read later.

    What stands for a storage's type is a string: a pickle may call or change what it has named, and can do neither
    with a string.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if module == "torch" and name in _DTYPES:
            return name
        raise _Forbidden(ascii(f"{module}.{name}"))

    def persistent_load(self, pid: Any) -> _Storage:
        tag, kind, key, _, length, *view = pid
        if tag != "storage" or kind not in _DTYPES or any(item is not None for item in view):
            raise ValueError("a storage of an unknown kind")
        storage = _Storage(kind, str(key), int(length))
        if self.storages.setdefault(storage.key, storage) != storage:
            raise ValueError(f"storage {key!r} is described in two ways")
        return storage

    def _tensor(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> _Tensor:
        """Checks that every element of a tensor lies within its storage."""
        numbers = [offset, *size, *stride]
        if not isinstance(storage, _Storage) or not all(isinstance(n, int) and n >= 0 for n in numbers):
            raise ValueError("a tensor of no numbers")
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if 0 not in size and last >= storage.length:
            raise ValueError("a tensor goes beyond its storage")
        return _Tensor(storage, offset, tuple(size), tuple(stride))


def _read_zip(content: bytes) -> dict[str, np.ndarray]:
    """Reads an archive: the pickle as NAME/data.pkl, and the numbers of storage K as NAME/data/K."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its entries are compressed, and PyTorch's are not")
        (root,) = (name.removesuffix("data.pkl") for name in archive.namelist() if name.endswith("/data.pkl"))
        if root + "byteorder" in archive.namelist() and archive.read(root + "byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        unpickler = _Unpickler(io.BytesIO(archive.read(root + "data.pkl")))
        state = unpickler.load()
        lines = {}
        for key, storage in unpickler.storages.items():
            lines[key] = np.frombuffer(archive.read(f"{root}data/{key}"), _DTYPES[storage.kind])
            if len(lines[key]) != storage.length:
                raise ValueError(f"storage {key!r} should hold {storage.length} numbers, but holds {len(lines[key])}")
    return _arrays(state, lines.__getitem__)


def _read_stream(content: bytes) -> dict[str, np.ndarray]:
    """Reads the older format: five pickles (the fourth is the state), then every storage's count and numbers."""
    file = io.BytesIO(content)
    if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
        raise ValueError("its first numbers are wrong")
    _Unpickler(file).load()  # sizes of C's types on the machine that wrote it
    unpickler = _Unpickler(file)
    state = unpickler.load()
    lines = {}
    for key in _Unpickler(file).load():
        storage = unpickler.storages[str(key)]
        dtype = _DTYPES[storage.kind]
        if struct.unpack("<q", file.read(8)) != (storage.length,):
            raise ValueError(f"storage {key!r} has another length than stated")
        lines[str(key)] = np.frombuffer(content, dtype, storage.length, file.tell())
        file.seek(storage.length * dtype.itemsize, io.SEEK_CUR)
    return _arrays(state, lines.__getitem__)


def _arrays(state: Any, line: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
    """Makes views of storages, `line(key)`, of what a pickle described."""
    if not isinstance(state, dict):
        raise ValueError("it holds no dictionary")
    arrays = {}
    for name, tensor in dict.items(state):  # a pickle may have put another `items` over the dictionary's own
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise ValueError(f"its entry {name!r} is no array")
        numbers = line(tensor.storage.key)[tensor.offset :]
        strides = [step * numbers.itemsize for step in tensor.stride]
        arrays[name] = np.lib.stride_tricks.as_strided(numbers, tensor.size, strides, writeable=False)
    return arrays
