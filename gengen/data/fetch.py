"""Raw files: found in the user's folder, else in the cache of downloads, else fetched from a mirror."""

import gzip
import hashlib
import http.client
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterable, Mapping, Sequence

from gengen.core.refusal import Refusal
from gengen.files.whole import sweep, whole

TIMEOUT = 10.0
"""Seconds without an answer after which a mirror counts as out of reach."""


def find(
    dataset: str,
    checksums: Mapping[str, str | None],
    *,
    mirrors: Sequence[str],
    manual_dir: pathlib.Path | None,
    data_dir: pathlib.Path,
) -> dict[str, pathlib.Path]:
    """Finds or downloads the raw files of a data set.

    A file is looked for in `manual_dir` (there also unpacked, without its `.gz`), then among earlier downloads in
    `<data_dir>/downloads/gengen/<dataset>`, then on the mirrors in turn. Every packed file must have its published
    checksum; an unpacked one has none, so its reader must check it.

    Args:
      dataset: name of the data set.
      checksums: SHA-256 of each file, by file name; None where whole copies differ, so that their reader must check.
      mirrors: addresses of folders that hold the files.
      manual_dir: the user's folder of raw files.
      data_dir: root folder of all data sets.

    Returns:
      The path of each file, by its (packed) name.

    Raises:
      Refusal: a file differs from its checksum, or some are neither there nor within reach.
    """
    if manual_dir is not None and not manual_dir.is_dir():
        raise Refusal(f"--config.data.manual_dir={manual_dir} is not a folder, and should hold {_listing(checksums)}.")
    downloads = data_dir / "downloads" / "gengen" / dataset
    found = {}
    for name, checksum in checksums.items():
        path = _manual(name, checksum, manual_dir)
        if path is None and _is_intact(downloads / name, checksum):
            path = downloads / name
        if path is not None:
            found[name] = path
    missing = [name for name in checksums if name not in found]
    for name in missing:
        content = _download(dataset, name, checksums[name], mirrors, missing)
        found[name] = _keep(content, downloads / name)
    return found


def is_reachable(urls: Iterable[str]) -> bool:
    """Says whether any of the first three servers among `urls` answers, be it with an error."""
    hosts = {urllib.parse.urlsplit(url).netloc: url for url in urls}
    for url in list(hosts.values())[:3]:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT):
                return True
        except urllib.error.HTTPError:
            return True
        except (OSError, ValueError, http.client.HTTPException):
            continue
    return False


def unpacked(path: pathlib.Path) -> bytes:
    """Reads a file, and unpacks it if its name ends with `.gz`.

    Raises:
      Refusal: it cannot be unpacked.
    """
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise Refusal(f"{path} cannot be unpacked ({error}): copy or download it again.") from error


def _manual(name: str, checksum: str | None, folder: pathlib.Path | None) -> pathlib.Path | None:
    if folder is None:
        return None
    packed, unpacked = folder / name, folder / name.removesuffix(".gz")
    if packed.is_file():
        if not _is_intact(packed, checksum):
            raise Refusal(
                f"{packed} differs from the published file of that name (its SHA-256 is not {checksum}): it is "
                "damaged or another version, so copy or download it again."
            )
        return packed
    return unpacked if unpacked.is_file() else None


def _is_intact(path: pathlib.Path, checksum: str | None) -> bool:
    if checksum is None or not path.is_file():
        return path.is_file()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == checksum


def _download(dataset: str, name: str, checksum: str | None, mirrors: Sequence[str], missing: Sequence[str]) -> bytes:
    """Fetches one file; a whole file in memory keeps failures of the network apart from those of the disk."""
    reasons = []
    for mirror in mirrors:
        url = mirror.rstrip("/") + "/" + name
        print(f"gengen: downloading {url}", file=sys.stderr)
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                content: bytes = response.read()
        except (OSError, http.client.HTTPException) as error:
            reasons.append(f"{mirror}: {_reason(error)}")
            continue
        if checksum in (None, hashlib.sha256(content).hexdigest()):
            return content
        reasons.append(f"{mirror}: its file differs from the published checksum")
    raise Refusal(
        f"{dataset} needs {_listing(missing)}, and {name} cannot be downloaded ({'; '.join(reasons)}): put the "
        f"{'files' if len(missing) > 1 else 'file'} into a folder and add --config.data.manual_dir=FOLDER, or use the "
        "embedded digits meanwhile with --config.data.name=digits."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _keep(content: bytes, path: pathlib.Path) -> pathlib.Path:
    """Writes a download, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    with whole(path) as file:
        file.write(content)
    return path


def _listing(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
