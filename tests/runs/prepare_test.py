"""Data of a config: what configs for pictures say of their size is dropped where the data are none."""

import pathlib

import numpy as np
import pytest

from configs.base.sections import defaults
from gengen.data import solids
from gengen.runs.prepare import load_data


@pytest.mark.parametrize(("name", "shape"), [("ring", (2,)), ("sines", (24, 5)), ("solids", (6, 6, 6, 1))])
def test_a_config_for_pictures_loads_every_kind(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(solids, "COUNTS", {"train": 8, "test": 4})
    config = defaults()
    config.data.update(name=name, data_dir=str(tmp_path), resolution=(6, 6), channels=3, crop="center")
    assert load_data(config).signature.shape == shape
    assert config.data.resolution == (6, 6)  # the config stays as it was given


def test_arrays_of_a_users_own_have_the_size_that_they_have(tmp_path: pathlib.Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((9, 4)))
    config = defaults()
    config.data.update(name="array_folder", data_dir=str(tmp_path), manual_dir=str(tmp_path / "x.npy"), kind="series")
    assert load_data(config).signature.shape == (4, 1)
