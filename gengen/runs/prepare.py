"""What every task does first: look whether the config is whole, and load the data."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.domains import OF_FIRST, joined
from gengen.data.image_folder import taken
from gengen.data.layout import DOMAINS
from gengen.data.listing import say, shown
from gengen.data.signature import DataSet, Signature
from gengen.data.sources import UNUSED
from gengen.data.splits import RULES, rule_of
from gengen.runs.folder import unchanged

SECOND = ("name", "resolution", "channels", "crop", "test_share", "manual_dir")
"""Keys of the section `data.second`, which mean what they mean in `data`."""

MOST_STEPS = 2**31
"""Steps are counted in 32 bits."""

_OF_SECOND = re.compile(rf"config\.data\.({'|'.join(SECOND)})\b")


def check_sections(config: ConfigDict, workdir: Path) -> None:
    """Checks that a config has the sections that this version of gengen knows.

    Raises:
      Refusal: one is missing, because the run of the folder was started with an older version.
    """
    missing = [name for name in ("data", "training", "evaluation") if name not in config]
    if missing:
        raise Refusal(
            f"the config in {workdir} is of an older gengen and lacks {', '.join(missing)}; name its experiment, too, "
            f"with --config=configs/NAME.py."
        )


def load_data(config: ConfigDict, rule: str = RULES[0]) -> DataSet:
    """Loads the data of a config, and turns `training.epochs` into steps where it is not 0.

    Where the config has a section `data.second`, the data set that it describes is joined to the first as `second`:
    another one, or one made of the first: with the name "paired" its second pictures, with "edges" its edges. Where
    both are the same folder of pictures, the first is its domain A and the second its domain B.

    Args:
      config: the experiment.
      rule: by which "test" is drawn where a data set has no such split; that of its data.json for a run that goes on.

    Raises:
      Refusal: anything that the user can put right, in one sentence.
    """
    section = dict(config.data)
    second = dict(section.pop("second", None) or {})
    if _is_one_folder(section, second):
        section["domain"], second["domain"] = DOMAINS
        say(f"{shown(section['manual_dir'])}: domain A is the first data set, and domain B the second")
    data = _loaded(section, rule)
    if second:
        data = joined(data, _second(data, second, section.get("data_dir"), rule))
    if config.training.epochs:
        images = config.training.epochs * data.signature.counts["train"]
        steps = math.ceil(images / config.training.batch_size)
        if not (images >= 1 and steps < MOST_STEPS):
            raise Refusal(
                f"config.training.epochs={config.training.epochs} are {images:.3g} images and {steps:,} steps of "
                f"{config.training.batch_size}; a run has at least 1 image and fewer than {MOST_STEPS:,} steps."
            )
        config.training.steps = steps
    return data


def load_again(folder: Path, own: ConfigDict, signature: Signature, given: ConfigDict) -> DataSet:
    """Loads the data that a run was trained on.

    Args:
      folder: the run folder.
      own: its config.
      signature: of its data.
      given: the config in which the places of the data stand.

    Returns:
      The data set, with the splits that the run's config selects.

    Raises:
      Refusal: the data are gone or other ones.
    """
    check_sections(given, folder)
    with unchanged(folder):
        config = ConfigDict(own.to_dict())
        for key in ("data_dir", "manual_dir"):
            config.data[key] = given.data[key] or own.data[key]
        if "second" in own.data and "second" in given.data and given.data.second.get("manual_dir"):
            config.data.second.manual_dir = given.data.second.manual_dir
        data = load_data(config, rule_of(signature.to_json()))
    if data.signature.digest != signature.digest:
        raise Refusal(f"the data of {own.data.name} are not those that {folder} was trained on: their digests differ.")
    return data


def _is_one_folder(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Says whether both data sets are pictures of one folder, which then has to hold two domains."""
    sections = (first, second)
    if any(section.get("name") != "image_folder" or not section.get("manual_dir") for section in sections):
        return False
    return len({Path(section["manual_dir"]).expanduser().resolve() for section in sections}) == 1


def _loaded(section: dict[str, Any], rule: str, name: str = "data") -> DataSet:
    """Loads what a section of a config describes; () and 0 stand for what the pictures have.

    What configs for pictures say of their size is dropped where a data set has none, or one of its own.
    """
    section = {key: value for key, value in section.items() if key not in UNUSED.get(section.get("name", ""), ())}
    resolution = section.pop("resolution", ())
    data = load(
        resolution=resolution[0] if len(resolution) == 1 else resolution or None,
        channels=section.pop("channels", 0) or None,
        rule=rule,
        **section,
    )
    if section["name"] == "image_folder":
        say(taken(shown(section["manual_dir"]), data.signature, name))
    return data


def _second(first: DataSet, section: dict[str, Any], data_dir: str | None, rule: str) -> DataSet:
    """Loads the second data set; its refusals name the keys of its own section."""
    unknown = sorted(section.keys() - {*SECOND, "domain"})
    if unknown or "name" not in section:
        raise Refusal(f"config.data.second should have a name, and of {', '.join(SECOND)} what it changes.")
    try:
        if section["name"] not in OF_FIRST:
            return _loaded({**section, "data_dir": data_dir}, rule, "data.second")
        given = [key for key in SECOND[1:] if section.get(key) and section[key] != "none"]
        if given:
            raise Refusal(f"config.data.{given[0]} cannot be chosen for what is made of the first: leave it empty.")
        return OF_FIRST[section["name"]](first)
    except Refusal as refusal:
        raise Refusal(_OF_SECOND.sub(r"config.data.second.\1", str(refusal))) from refusal
