"""Raw files that the user has not got: found in the cache of downloads, else fetched from a mirror."""

import hashlib
import http.client
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence

from gengen.core.refusal import Refusal
from gengen.data.raw import Place, listed
from gengen.files.whole import sweep, whole

TIMEOUT = 10.0
"""Seconds without an answer after which a mirror counts as out of reach."""


def find(
    dataset: str,
    checksums: Mapping[str, str | None],
    *,
    mirrors: Sequence[str],
    given: Mapping[str, Place],
    data_dir: pathlib.Path,
) -> dict[str, Place]:
    """Finds or downloads the raw files of a data set.

    A file that the user has not got is looked for among earlier downloads in `<data_dir>/downloads/gengen/<dataset>`,
    then on the mirrors in turn. It must have its published checksum.

    Args:
      dataset: name of the data set.
      checksums: SHA-256 of each file, by file name; None where whole copies differ, so that their reader must check.
      mirrors: addresses of folders that hold the files.
      given: files that the user has got, by name.
      data_dir: root folder of all data sets.

    Returns:
      The path of each file, by its (packed) name.

    Raises:
      Refusal: some files are neither there nor within reach.
    """
    downloads = data_dir / "downloads" / "gengen" / dataset
    found = dict(given)
    for name, checksum in checksums.items():
        if name not in found and _is_intact(downloads / name, checksum):
            found[name] = downloads / name
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
        f"{dataset} needs {listed(missing)}, and {name} cannot be downloaded ({'; '.join(reasons)}): put the "
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
