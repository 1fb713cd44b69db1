"""The tables that density estimators are compared on: POWER, GAS, HEPMASS, MINIBOONE and BSDS300.

They are prepared as Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057, section 4.2 and appendix D, publish it,
so that nats of an example may be compared with theirs and with those of who followed them. Their files are an archive,
https://zenodo.org/records/1161203. The rows for validation, a tenth of those that are not for testing, are in neither
split here.
"""

import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data import room
from gengen.data.listing import shown
from gengen.data.raw import Found, Place, listed

ARCHIVE = "https://zenodo.org/records/1161203"
"""Where data.tar.gz lies, which holds the files of all five."""

Splits = dict[str, np.ndarray]
"""Of "train" and "test" the rows, float32 [N, D]."""

_SHARE = 0.1
_FEATURES = 27  # of HEPMASS, behind the label; what comes after them is no feature
_SENSORS = 16
_CONVERSION = (
    "python -c \"import numpy, pandas; table = pandas.read_pickle('ethylene_CO.pickle'); "
    "numpy.save('ethylene_CO.npy', table.drop(columns=['Time', 'Meth', 'Eth']).to_numpy())\""
)


class Tabular(NamedTuple):
    """One of the tables.

    Attributes:
      description: in a sentence.
      files: of the archive.
      numbers: of a row, D.
      counts: rows of each split, as published.
      read: rows of each split from the places of the files, by their names.
    """

    description: str
    files: tuple[str, ...]
    numbers: int
    counts: Mapping[str, int]
    read: Callable[[Mapping[str, Place]], Splits]


def find(name: str, root: pathlib.Path | None) -> Found:
    """Finds the files of a table in the folder of the archive, in the one above it, or in that of the table alone.

    Args:
      name: of `TABLES`.
      root: the folder; None where the user named none.

    Returns:
      The files by their names in the archive, and a digest of where they lie and of when they were written: they are
      too large to be read at every start.

    Raises:
      Refusal: a file is missing; the sentence says where it is published.
    """
    files = TABLES[name].files
    where = f"unpack data.tar.gz of {ARCHIVE}, and add --config.data.manual_dir=FOLDER, the one that holds"
    if root is None:
        raise Refusal(f"{name} needs {listed(files)}: {where} {pathlib.Path(files[0]).parts[0]}.")
    if not root.is_dir():
        raise Refusal(f"--config.data.manual_dir={shown(root)} is no folder with {listed(files)}: {where} them.")
    found: dict[str, Place] = {}
    for file in files:
        places = (root / file, root / "data" / file, root / pathlib.Path(file).name)
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            pickled = [place.with_suffix(".pickle") for place in places if place.with_suffix(".pickle").is_file()]
            if pickled:
                raise Refusal(
                    f"{shown(pickled[0])} is a pickle, which may run any code and is not opened; if you trust it, make "
                    f"the table that gengen reads of it, in its folder, by pandas: {_CONVERSION}"
                )
            raise Refusal(f"{shown(root)} does not hold {file}, which {name} needs: {where} it.")
        found[file] = place
    states = [(path.resolve(), path.stat()) for path in found.values() if isinstance(path, pathlib.Path)]
    state = "\n".join(f"{path}\t{stat.st_size}\t{stat.st_mtime_ns}" for path, stat in states)
    return Found(found, hashlib.sha256(os.fsencode(state)).hexdigest()[:16], ())


def read_rows(name: str, files: Mapping[str, Place]) -> tuple[Splits, str]:
    """Reads a table, and prepares it as published.

    Args:
      name: of `TABLES`.
      files: as `find` gives them.

    Returns:
      The rows, and a sentence that says how many there are and whether these are as many as published.

    Raises:
      Refusal: a file is damaged, or holds something else than the table.
    """
    table = TABLES[name]
    room.check_memory(name, sum(place.stat().st_size for place in files.values() if isinstance(place, pathlib.Path)))
    splits = table.read(files)
    where = listed([shown(place) for place in files.values() if isinstance(place, pathlib.Path)])
    for split, rows in splits.items():
        if rows.shape[1] != table.numbers:
            raise Refusal(
                f"{where} leaves rows of {rows.shape[1]} numbers, and those of {name} have {table.numbers}: this is "
                "another table."
            )
        if not np.isfinite(rows).all():
            place = np.argwhere(~np.isfinite(rows))[0].tolist()
            raise Refusal(f"{where} holds what is no finite number, at {place} of {split}: copy or download it again.")
    found = {split: len(rows) for split, rows in splits.items()}
    said = " and ".join(f"{count:,} to {split}" for split, count in found.items())
    if found == table.counts:
        return splits, f"{name}: {said}, as published"
    published = " and ".join(f"{count:,}" for count in table.counts.values())
    return splits, f"{name}: {said}, where {published} are published: what is measured here compares with no paper"


def _power(files: Mapping[str, Place]) -> Splits:
    """Without the reactive power and the current; noise as wide as a digit of the others keeps densities finite.

    The order and the noise come from NumPy's generator of 2006, which no version may change, in the published order.
    """
    rows = _numbers(files["power/data.npy"], 8)
    random = np.random.RandomState(42)
    rows = np.delete(rows[random.permutation(len(rows))], (1, 3), axis=1)
    for columns, width in ((slice(1, 2), 0.01), (slice(0, 1), 0.001), (slice(2, 5), 1.0)):
        rows[:, columns] += width * random.rand(*rows[:, columns].shape)
    train, validation, test = _split(rows)
    seen = np.concatenate([train, validation])
    return _standardised(train, test, seen.mean(0), seen.std(0))


def _gas(files: Mapping[str, Place]) -> Splits:
    """Of sensors that correlate by more than 0.98 with another one, the first is left out until there is none.

    All rows, those for testing among them, are standardised by the moments of all, as published.
    """
    rows = _numbers(files["gas/ethylene_CO.npy"], _SENSORS)
    while True:
        twins = (np.corrcoef(rows.T) > 0.98).sum(0) > 1
        if not twins.any():
            break
        rows = np.delete(rows, int(twins.argmax()), axis=1)
    train, _, test = _split(rows)
    return _standardised(train, test, rows.mean(0), rows.std(0, ddof=1))


def _hepmass(files: Mapping[str, Place]) -> Splits:
    """Collisions that made a particle of mass 1000; features with more than 5 of their least value go."""
    signal, test = (_signal(files[name]) for name in TABLES["hepmass"].files)
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant feature is left out below
        splits = _standardised(signal, test, signal.mean(0), signal.std(0, ddof=1), np.float64)
    kept = (splits["train"] == splits["train"].min(0)).sum(0) <= 5
    kept &= np.isfinite(splits["train"]).all(0)
    rows = splits["train"][:, kept]
    train = rows[: len(rows) - int(_SHARE * len(rows))]
    return {"train": train.astype(np.float32), "test": splits["test"][:, kept].astype(np.float32)}


def _miniboone(files: Mapping[str, Place]) -> Splits:
    train, validation, test = _split(_numbers(files["miniboone/data.npy"], 43))
    seen = np.concatenate([train, validation])
    return _standardised(train, test, seen.mean(0), seen.std(0))


def _bsds300(files: Mapping[str, Place]) -> Splits:
    """Pieces of 8x8 pixels without their mean and without the last pixel, which follows; the file holds the splits."""
    try:
        import h5py  # few need it
    except ImportError as error:
        raise Refusal(
            "bsds300 is a file of HDF5, and the package h5py, which reads it, is not installed: pip install h5py, or "
            "gengen with the extra `tables`."
        ) from error
    place = files["BSDS300/BSDS300.hdf5"]
    try:
        with h5py.File(place, "r") as file:
            return {split: np.asarray(file[split][:], np.float32) for split in ("train", "test")}
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise Refusal(f"{place} is no such table as BSDS300 ({error}): copy or download it again.") from error


def _split(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows for training, for validation and for testing: a tenth at the end, and a tenth of the others."""
    held_out = int(_SHARE * len(rows))
    validation = int(_SHARE * (len(rows) - held_out))
    train = len(rows) - held_out - validation
    return rows[:train], rows[train : train + validation], rows[train + validation :]


def _standardised(
    train: np.ndarray,
    test: np.ndarray,
    mean: np.ndarray,
    deviation: np.ndarray,
    dtype: type[np.floating] = np.float32,
) -> Splits:
    return {"train": ((train - mean) / deviation).astype(dtype), "test": ((test - mean) / deviation).astype(dtype)}


def _numbers(place: Place, columns: int) -> np.ndarray:
    """The rows of a .npy file, float64 [N, columns]."""
    try:
        with place.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise Refusal(f"{place} cannot be read as NumPy's array ({error}): copy or download it again.") from error
    if array.ndim != 2 or array.shape[1] != columns or array.dtype.kind not in "fiu" or len(array) < 2 / _SHARE:
        raise Refusal(
            f"{place} holds {array.dtype} of the shape {array.shape}, and should hold rows of {columns} numbers, "
            f"{2 / _SHARE:.0f} or more: it is another table."
        )
    return array.astype(np.float64)


def _signal(place: Place) -> np.ndarray:
    """The features of HEPMASS's rows of class 1, float64 [N, 27]; a line of names comes first."""
    try:
        with place.open("r", encoding="utf-8") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of no rows, which are refused below
            rows = np.loadtxt(file, delimiter=",", skiprows=1, usecols=range(1 + _FEATURES), comments=None, ndmin=2)
    except (OSError, ValueError, IndexError) as error:
        raise Refusal(f"{place} cannot be read as a table of HEPMASS ({error}): copy or download it again.") from error
    signal = rows[rows[:, 0] == 1, 1:] if rows.size else rows
    if len(signal) < 1 / _SHARE or not np.isin(rows[:, 0], (0, 1)).all():
        raise Refusal(f"{place} should hold rows of the classes 0 and 1, {1 / _SHARE:.0f} of the latter or more.")
    return signal


TABLES: Mapping[str, Tabular] = {
    "power": Tabular(
        "Electric power that a household took, minute by minute, 6 numbers (Papamakarios et al., 2017).",
        ("power/data.npy",),
        6,
        {"train": 1_659_917, "test": 204_928},
        _power,
    ),
    "gas": Tabular(
        "Sensors in mixtures of two gases, 8 numbers (Papamakarios et al., 2017).",
        ("gas/ethylene_CO.npy",),
        8,
        {"train": 852_174, "test": 105_206},
        _gas,
    ),
    "hepmass": Tabular(
        "Collisions that made a particle, 21 numbers (Papamakarios et al., 2017).",
        ("hepmass/1000_train.csv", "hepmass/1000_test.csv"),
        21,
        {"train": 315_123, "test": 174_987},
        _hepmass,
    ),
    "miniboone": Tabular(
        "Neutrinos and what looks like them, 43 numbers (Papamakarios et al., 2017).",
        ("miniboone/data.npy",),
        43,
        {"train": 29_556, "test": 3_648},
        _miniboone,
    ),
    "bsds300": Tabular(
        "Pieces of 8x8 pixels of photographs, 63 numbers (Papamakarios et al., 2017).",
        ("BSDS300/BSDS300.hdf5",),
        63,
        {"train": 1_000_000, "test": 250_000},
        _bsds300,
    ),
}
"""The tables, by `config.data.name`."""
