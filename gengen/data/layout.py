"""What the folders of a user's pictures mean: splits, domains and classes, by their names and how they are nested."""

import collections
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gengen.core.refusal import Refusal

DOMAINS = ("A", "B")
"""The two domains of a translation; alone, these names must be capitals, as a and b are often classes."""

_WORDS = {
    "train": ("train", "training", "trn", "trainval"),
    "test": ("test", "testing", "tst"),
    "val": ("val", "valid", "validation", "validate", "dev", "devel", "eval", "evaluation", "holdout"),
}
_SPLITS = {word: split for split, words in _WORDS.items() for word in words}
_FILLERS = ("set", "split", "data", "dataset", "images", "image", "imgs", "img", "pictures", "folder")
_WORD = re.compile(rf"({'|'.join(_SPLITS)})(?:{'|'.join(_FILLERS)})?([ab]?)")
_SHOWN = 8

_Tails = list[list[str]]


class Role(NamedTuple):
    """What the name of a folder says: a split, a domain, or both, "" where it does not; `rest` is what it says else."""

    split: str
    domain: str
    rest: str = ""


class Place(NamedTuple):
    """Where a picture belongs: split "train", "test", "val" or "" (to be drawn), domain, class, and the class's folder.

    "" stands for none. A class has its folder's name, in the composed form of Unicode: both spellings of an accent are
    one class.
    """

    split: str
    domain: str
    label: str
    folder: str


def role(name: str) -> Role | None:
    """Reads the name of a folder: `Train`, `test_set`, `val2017`, `trainA` or `B`; None where it is of another kind."""
    if name in DOMAINS:
        return Role("", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)", " ", name)
    words = re.split(r"[\W_]+", re.sub(r"\bh[eo]ld[\W_]+out\b", "holdout", spaced.casefold()))
    found = [match for word in words if (match := _WORD.fullmatch(word))]
    if len(found) != 1:
        return None
    split, letter = found[0].groups()
    others = [word for word in words if word and not _WORD.fullmatch(word) and word not in _FILLERS]
    others = [word for word in others if not re.fullmatch(r"\d{4}", word)]  # a year
    letters = [letter] * bool(letter) + [word for word in others if word in ("a", "b")]
    rest = " ".join(word for word in others if word not in ("a", "b"))
    return Role(_SPLITS[split], letters[0].upper() if letters else "", rest)


def places(root: str, paths: Sequence[str]) -> list[Place]:
    """Says where each picture belongs.

    Outer folders that hold all pictures are stepped into. Folders all of whose names say so are splits, domains, or
    both at once; domains may lie below splits, and splits below domains or classes. Of what is left, the outermost
    folders are classes; a single one is none.

    Args:
      root: the folder or zip, for sentences.
      paths: of the pictures, with "/" between folders [N].

    Returns:
      N places.

    Raises:
      Refusal: the names of folders are of both kinds or say the same, pictures lie beside folders, or no class for
        testing is one for training.
    """
    tails = _inside([path.split("/") for path in paths])
    roles = _roles(root, paths, tails)
    given = [Role("", "")] * len(paths)
    if roles:
        given, tails = [roles[tail[0]] for tail in tails], _below(tails)
        if inner := _inner(root, paths, tails, given[0]):
            found = [inner[tail[0]] for tail in tails]
            given = [Role(a.split or b.split, a.domain or b.domain) for a, b in zip(given, found, strict=True)]
            tails = _below(tails)
    folders = _folders(root, paths, tails)
    if not roles and any(folders) and (inner := _roles(root, paths, [tail[1:] for tail in tails], nested=True)):
        given = [inner[tail[1]] for tail in tails]
    # A name of blanks alone is quoted: without them nothing is left, which stands for no class.
    labels = [unicodedata.normalize("NFC", folder).strip() or (folder and repr(folder)) for folder in folders]
    if len(set(labels)) == 1:
        labels, folders = [""] * len(paths), [""] * len(paths)
    zipped = zip(given, labels, folders, strict=True)
    named = [Place(found.split, found.domain, label, folder) for found, label, folder in zipped]
    _check_classes(root, named)
    return named


def seen(heads: Iterable[str]) -> str:
    """Lists folders, with how many pictures each holds."""
    counts = sorted(collections.Counter(heads).items())
    listed = ", ".join(f"{name} ({count:,})" for name, count in counts[:_SHOWN])
    return listed + (f" and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else "")


def _inside(tails: _Tails) -> _Tails:
    """Steps into the outer folders that hold all pictures between them."""
    while len({tail[0] for tail in tails}) == 1 and all(len(tail) > 1 for tail in tails):
        tails = [tail[1:] for tail in tails]
    return tails


def _below(tails: _Tails) -> _Tails:
    """Steps into folders that have been read; into two at once where a name is repeated, as in train/train/cat."""
    repeated = all(len(tail) > 2 and tail[0] == tail[1] for tail in tails)
    return _inside([tail[1 + repeated :] for tail in tails])


def _roles(root: str, paths: Sequence[str], tails: _Tails, *, nested: bool = False) -> Mapping[str, Role]:
    """Reads the outermost folders: their roles by name, or nothing where they are classes or there are none.

    Where they are `nested` below classes, only splits have a meaning, and one name among others is a coincidence.
    """
    heads = [tail[0] for tail in tails if len(tail) > 1]
    roles = {name: found for name in heads if (found := role(name)) and (found.split or not nested)}
    splits = {found.split for found in roles.values() if found.split}
    plain = {found.split for found in roles.values() if found.split and not found.rest}
    kinds = {(bool(found.split), bool(found.domain), found.rest) for found in roles.values()}
    if set(heads) == set(roles) and len(kinds) == 1 and (plain or "train" in splits or set(roles) == set(DOMAINS)):
        _check_roles(root, heads, roles)
        for path, tail in zip(paths, tails, strict=True):
            if len(tail) == 1:
                raise Refusal(f"{root} holds {path} beside {seen(heads)}: move it into one of these folders.")
        one = len({found.domain for found in roles.values()}) == 1
        return {name: found._replace(domain="") if one else found for name, found in roles.items()}
    trained = {found.rest for found in roles.values() if found.split == "train"}
    if len(plain) > nested or any(found.rest in trained and found.split in ("test", "val") for found in roles.values()):
        raise Refusal(
            f"{root} holds {seen(heads)}, of which not all have names of splits, or not of the same kind: leave only "
            f"folders such as train, test and val beside each other, or rename those that are classes."
        )
    return {}


def _inner(root: str, paths: Sequence[str], tails: _Tails, outer: Role) -> Mapping[str, Role]:
    """Reads the folders below splits or domains: they may be the other of both."""
    if outer.split:
        both = not outer.domain and {tail[0] for tail in tails} == set(DOMAINS)
        return {name: Role("", name) for name in DOMAINS} if both else {}
    return _roles(root, paths, tails)


def _check_roles(root: str, heads: Sequence[str], roles: Mapping[str, Role]) -> None:
    splits = {found.split for found in roles.values()}
    if len(set(roles.values())) < len(roles):
        raise Refusal(f"{root} holds {seen(heads)}, of which two mean the same: leave one of them, or rename it.")
    if splits != {""} and "train" not in splits:
        raise Refusal(f"{root} holds {seen(heads)}, and none is named train: add it, or rename what is a class.")


def _folders(root: str, paths: Sequence[str], tails: _Tails) -> list[str]:
    """The class folder of each picture: its outermost one, where there are several; "" where there are none."""
    folders = [tail[0] for tail in tails if len(tail) > 1]
    if len(set(folders)) < 2:
        return [""] * len(tails)
    for path, tail in zip(paths, tails, strict=True):
        if len(tail) == 1:
            raise Refusal(f"{root}/{path} lies beside class folders ({seen(folders)}): move it into one.")
    return folders


def _check_classes(root: str, found: Sequence[Place]) -> None:
    """Refuses splits that have no class in common; anomalies are tested alone, and rare classes may not be tested."""
    classes = collections.defaultdict(set)
    for place in found:
        classes[(place.domain, place.split)].add(place.label)
    for (domain, split), labels in classes.items():
        if split in ("test", "val") and not labels & classes[(domain, "train")]:
            inside = {split: seen(place.label for place in found if place.split == split) for split in _WORDS}
            listed = "; ".join(f"{split} holds {labels}" for split, labels in inside.items() if labels)
            raise Refusal(f"{root} has other classes in each split ({listed}): call a class the same in all of them.")
