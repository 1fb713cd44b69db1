"""Examples to be judged, wherever they are: pictures, arrays, samples of a run, a named data set, arrays in memory."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data.arrays import SUFFIXES, find_arrays
from gengen.data.arrays import kept as as_kept
from gengen.data.dataset import load
from gengen.data.listing import list_pictures, shown
from gengen.data.signature import DataSet
from gengen.data.sources import BUILDERS
from gengen.data.survey import Survey, read_all, refit, survey
from gengen.inference.conditions import in_turn
from gengen.inference.sampling import sampler
from gengen.runs.archived import located
from gengen.runs.prior import with_prior
from gengen.runs.run import open_run
from gengen.runs.started import PREFIX

SPLITS = ("test", "train")
"""Of a named data set, the first where none is named."""

Asked = str | Path | np.ndarray
"""How a set is named: a path, a data set as NAME or NAME:SPLIT, or the examples themselves."""


class Choices(NamedTuple):
    """What the user chooses of a judgement.

    Attributes:
      against: the set that copies are looked for in, such as what a model was trained on; None for the second half.
      features: what gives features: one of `sections.KINDS`, a data set whose classifier does, or a file of Inception.
      size: (height, width) at which pictures are compared; None for that of the reference.
      num: samples at most, and how many a run draws.
      seed: of the noise of a run.
      manual_dir: the user's folder of a named data set's raw files.
    """

    against: Asked | None = None
    features: str = "auto"
    size: tuple[int, int] | None = None
    num: int = 10_000
    seed: int = 0
    manual_dir: Path | None = None


class Collection(NamedTuple):
    """A set of examples, in an order that their values alone decide, so that nothing depends on names of files.

    Attributes:
      name: how it is called in sentences.
      kind: of the data, one of `signature.KINDS`.
      data: in the data's units [N, *shape].
      label: the class of each, int32 [N]; None where there are none.
      classes: their names.
      digests: of each example, of which equal ones are the same [N].
      facts: what was found, as JSON holds it.
      lines: the same in sentences.
      source: the data set that it is a split of, and which; None for all others.
    """

    name: str
    kind: str
    data: np.ndarray
    label: np.ndarray | None
    classes: tuple[str, ...]
    digests: np.ndarray
    facts: Mapping[str, Any]
    lines: tuple[str, ...]
    source: tuple[DataSet, str] | None = None

    @property
    def duplicates(self) -> int:
        """How many examples are there already."""
        return len(self.digests) - len(np.unique(self.digests))


class Found(NamedTuple):
    """A set that was found: pictures whose size is still to be said, or a collection.

    Attributes:
      name: how it is called in sentences.
      pictures: a survey of them; None where it is a collection.
      collection: None where it is pictures.
    """

    name: str
    pictures: Survey | None = None
    collection: Collection | None = None


def find(asked: Asked, choices: Choices) -> Found:
    """Finds a set of examples.

    Args:
      asked: how it is named.
      choices: at which size a named data set is taken, and how a run draws.

    Raises:
      Refusal: there is nothing of that name, or what is there cannot be read.
    """
    if isinstance(asked, np.ndarray):
        kind, data, line = as_kept("the array", asked)
        return Found("the array", collection=_sorted("the array", kind, data, lines=(line,) * bool(line)))
    text, path = str(asked), Path(asked).expanduser()
    if text.startswith(PREFIX):
        path = located(path)
    if not path.exists():
        return Found(text, collection=_named(text, choices))
    name = shown(path)
    if (path / "config.json").exists() and (path / "data.json").exists():
        return Found(name, collection=_drawn(path, choices))
    arrays = [file for file in (path.iterdir() if path.is_dir() else [path]) if file.suffix.lower() in SUFFIXES]
    if arrays and (path.is_file() or not list_pictures(path).files):
        return Found(name, collection=_arrays(path))
    return Found(name, pictures=survey(path))


def collected(found: Found, shape: tuple[int, ...]) -> Collection:
    """The examples of a set, pictures at one shape.

    Args:
      found: the set.
      shape: of an example; pictures (height, width, channels) are brought to it.

    Raises:
      Refusal: they are of another shape and no pictures, or cannot be read.
    """
    if found.pictures:
        height, width, channels = shape
        read = read_all(found.pictures, (height, width, channels))
        return _sorted(found.name, "picture", read.data, read.label, read.classes, read.facts, read.lines)
    one = found.collection
    assert one is not None
    if one.data.shape[1:] == shape:
        return one
    if one.kind != "picture" or len(shape) != 3:
        raise Refusal(
            f"{one.name} holds {one.kind} of the shape {list(one.data.shape[1:])} and the reference some of "
            f"{list(shape)}: only pictures are brought to another size."
        )
    data, line = refit(one.data, (shape[0], shape[1], shape[2]))
    facts = {**one.facts, "resized": len(data)}
    return _sorted(one.name, one.kind, data, one.label, one.classes, facts, (*one.lines, line))


def shape_for(reference: Found, other: Found, size: tuple[int, int] | None) -> tuple[int, ...]:
    """The shape at which two sets are compared: that of the reference, in colour where either has it.

    Args:
      reference: to whose size pictures are brought.
      other: the set that is judged.
      size: (height, width) that the user asks for instead; None for none.

    Raises:
      Refusal: the reference has pictures of several sizes, and none was asked for.
    """
    if reference.collection:
        own = reference.collection.data.shape[1:]
        return (*size, own[-1]) if size and reference.collection.kind == "picture" else own
    assert reference.pictures is not None
    sizes = reference.pictures.sizes
    if len(sizes) > 1 and size is None:
        (height, width), count = sizes.most_common(1)[0]
        raise Refusal(
            f"{reference.name} has pictures of {len(sizes):,} sizes, of which {height}x{width} is the most frequent "
            f"({count:,}): say at which both are judged, as in --resolution={height}x{width}."
        )
    theirs = other.pictures.coloured if other.pictures else False
    if other.collection and other.collection.kind == "picture":
        theirs = other.collection.data.shape[-1] == 3
    return (*(size or next(iter(sizes))), 3 if reference.pictures.coloured or theirs else 1)


def _sorted(
    name: str,
    kind: str,
    data: np.ndarray,
    label: np.ndarray | None = None,
    classes: tuple[str, ...] = (),
    facts: Mapping[str, Any] | None = None,
    lines: tuple[str, ...] = (),
    source: tuple[DataSet, str] | None = None,
) -> Collection:
    """A collection, in the order of its examples' digests; of equal ones, in that of their classes."""
    digests = np.array([hashlib.sha256(np.ascontiguousarray(each).tobytes()).hexdigest()[:32] for each in data])
    order = np.lexsort((digests,) if label is None else (label, digests))
    made = Collection(
        name, kind, data[order], None if label is None else label[order], classes, digests[order], {}, lines, source
    )
    facts = {"examples": len(data), "duplicates": made.duplicates, **(facts or {})}
    if made.duplicates:
        lines = (*lines, f"{made.duplicates:,} are there already: the same numbers again")
    return made._replace(facts=facts, lines=lines)


def _named(text: str, choices: Choices) -> Collection:
    name, _, split = text.partition(":")
    if name not in BUILDERS and "/" in text:
        raise Refusal(f"{text} does not exist: name a folder, a zip, a file of arrays, a run or a data set.")
    if split not in ("", *SPLITS):
        raise Refusal(f"{text} names no split of a data set: write {name}:test or {name}:train.")
    split = split or SPLITS[0]
    data = load(name=name, resolution=choices.size, manual_dir=choices.manual_dir)
    arrays, kind = data.splits[split], data.signature.kind
    label = arrays["label"] if data.signature.classes else None
    return _sorted(f"{name}:{split}", kind, arrays["data"], label, data.signature.classes, source=(data, split))


def _drawn(folder: Path, choices: Choices) -> Collection:
    run = with_prior(open_run(folder, every=False))
    draw, num, seed = sampler(run.model, run.signature.units), choices.num, choices.seed
    drawn = draw(run.variables, seed, num, in_turn(run.model, num))
    if not np.isfinite(drawn).all():
        raise Refusal(f"samples of {shown(folder)} hold values that are not finite, so that they cannot be judged.")
    line = f"{num:,} samples of step {run.step:,}, weights {run.origin['weights']}, seed {seed}"
    return _sorted(shown(folder), run.signature.kind, drawn, facts=dict(run.origin), lines=(line,))


def _arrays(path: Path) -> Collection:
    read = find_arrays(path, "auto").read()
    parts = list(read.splits.values())
    data = np.concatenate([examples for examples, _ in parts])
    labels = [label for _, label in parts if label is not None]
    label = np.concatenate(labels).astype(np.int32) if labels else None
    return _sorted(shown(path), read.kind, data, label, read.classes, lines=read.lines)
