"""Files that other packages ship."""

import importlib.util
import pathlib


def path(package: str, file: str) -> pathlib.Path:
    """Where a file inside a package lies; the package is not imported, which takes a second.

    Raises:
      ModuleNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {package!r}")
    return pathlib.Path(spec.submodule_search_locations[0]) / file
