"""`--mode=interpolate`: what lies between two images."""

from pathlib import Path

import numpy as np

from gengen.core.nouns import counted
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.inference.conditions import LABEL, Conditions, classes_of, names_of
from gengen.inference.domains import names_of_domains
from gengen.inference.latents import Latents
from gengen.inference.shown import paths
from gengen.pictures.captions import Block, save_sheet
from gengen.runs.coded import Coded, asked_of, check_walkable, drawn, encoded, label_of, shown_of
from gengen.runs.data import Shown
from gengen.runs.limits import check_room
from gengen.runs.outputs import output_files
from gengen.runs.run import Run


def main(
    run: Run,
    *,
    num: int,
    seed: int,
    output: Path | None,
    source: Path | None,
    label: str | None,
    steps: int,
    spherical: bool,
    dark: bool,
) -> Path:
    """Writes a picture with a row for each path between the codes of two images.

    The images themselves stand at both sides of their row, and between them what is decoded from the first code, from
    the second one and from those between. They are pairs of held-out images, or each picture of the user and the next
    one. The two images of a row have one class if the model takes labels, which all of the row is told. A model that
    cannot encode goes from the latent of sample i to that of sample i + num. One of two domains shows every path twice.

    Args:
      run: the run.
      num: number of paths.
      seed: of the choice of the images, and of what the model draws.
      output: the .png to write, its ending added if it has none; `interpolations.png` in the run folder by default.
      source: a folder of the user's pictures, in the place of held-out images.
      label: name or number of the class of all paths, for a model that takes labels; each class in turn by default.
      steps: latents on a path, both ends among them.
      spherical: go on arcs (`slerp`), not on straight lines (`lerp`).
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: there are no latents with something between them, or no two images, or no room for so many; the data are
        gone or other ones, or there is no such class.
    """
    check_walkable(run, source)
    kind, signature = label_of(run, label), run.signature
    most = num if run.model.encode is None else min(num, signature.counts["test"])
    check_room(most * steps, signature, f"--num={num} --steps={steps}")
    latents = Latents(run.model, signature.units, run.variables, seed)
    (picture,) = output_files(output, run.folder / "interpolations.png", ".png", source=source)
    ends = _ends(run, latents, num, seed, source, kind)
    rows = len(ends.codes) // 2
    condition = {name: values[:rows] for name, values in ends.condition.items()}
    shown = latents.between(ends.codes[:rows], ends.codes[rows:], condition, steps=steps, spherical=spherical)
    how = "spherical" if spherical else "straight"
    save_sheet(picture, [_block(signature, ends, condition, shown)], f"{run.title} · {how} paths", dark=dark)
    print(f"{rows} {how} paths of {steps} steps between {ends.title}, step {run.step}")
    return picture


def _block(signature: Signature, ends: Coded, condition: Conditions, shown: np.ndarray) -> Block:
    """The paths [domains, rows, steps, *shape], with what they go between at both sides if these are images."""
    rows = shown.shape[1]
    along = [f"{share:.2g}" for share in np.linspace(0, 1, shown.shape[2])]
    if ends.images is not None:
        sides = ends.images[:rows], ends.images[rows:]
        first, last = (np.broadcast_to(side[:, None], (len(shown), rows, 1, *side.shape[1:])) for side in sides)
        shown, along = np.concatenate([first, shown, last], axis=2), ["image", *along, "image"]
    named = names_of(condition[LABEL], signature.classes) if LABEL in condition else [""] * rows
    domains = names_of_domains(signature) if len(shown) > 1 else ("",)
    titles = [f"{domain} {name}".strip() for name in named for domain in domains]
    everything = shown.swapaxes(0, 1).reshape(-1, *shown.shape[2:])
    return paths(signature, everything, rows=titles if any(titles) else (), across=along)


def _ends(run: Run, latents: Latents, num: int, seed: int, source: Path | None, label: int | None) -> Coded:
    """Where at most num paths begin, and then where they end."""
    if run.model.encode is not None:
        return encoded(run, latents, _images(run, latents, num, seed, source, label))
    told = {name: np.tile(values, 2) for name, values in asked_of(run, num, label).items()}
    return drawn(run, latents, 2 * num, told)


def _images(run: Run, latents: Latents, num: int, seed: int, source: Path | None, label: int | None) -> Shown:
    """The first ends of at most num paths, and then the second ones."""
    count = num + 1 if source is not None else run.signature.counts["test"]
    shown = shown_of(run, latents, count, seed, source, label)
    if source is None:
        indices = pairs(shown.labels if classes_of(run.model) else None, len(shown.images))[:num]
    else:
        indices = np.stack([np.arange(len(shown.images) - 1), np.arange(1, len(shown.images))], axis=1)
    if not len(indices):
        alike = " of one class" if classes_of(run.model) and source is None else ""
        raise Refusal(f"in {shown.title} there are no two{alike} to go between.")
    order = indices.T.ravel()
    title = shown.title
    if source is None:
        title = f"{counted(run.signature.kind, len(order), 'held-out')} of {run.signature.name}"
    return Shown(shown.images[order], None if shown.labels is None else shown.labels[order], order, title)


def pairs(labels: np.ndarray | None, number: int) -> np.ndarray:
    """Joins images in pairs, each image in one pair at most, and both of one class if there are labels.

    Args:
      labels: classes of the images [number], or None.
      number: of images.

    Returns:
      Indices of the images, int [P, 2]; the classes take turns.
    """
    labels = np.zeros(number, np.int32) if labels is None else labels
    found = []
    for kind in np.unique(labels):
        indices = np.flatnonzero(labels == kind)
        found += list(enumerate(indices[: len(indices) // 2 * 2].reshape(-1, 2).tolist()))
    return np.array([pair for _, pair in sorted(found, key=lambda turn: turn[0])], int).reshape(-1, 2)
