"""`--mode=embed`: the codes of held-out images, as numbers and as a map."""

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.inference.conditions import Conditions, shown_to
from gengen.inference.latents import Latents, label_condition
from gengen.pictures.maps import Map, save_maps
from gengen.runs.data import held_out
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

NEIGHBOURS_OF = 2_000
"""The most codes that t-SNE lays out: its time grows with them."""

PERPLEXITY = 30.0
"""Neighbours that t-SNE reckons with, about; a third of the codes where there are few."""


def main(run: Run, *, num: int, seed: int, output: Path | None) -> Path:
    """Writes the codes of held-out images as an .npz and a map of them, coloured by class, as a .png beside it.

    The .npz holds `codes`, float32 [N, L], `places`, int [N], where the images lie in the held-out split, and `labels`,
    int32 [N], where there are any. Codes of two numbers are their own map, with draws of the prior in grey behind
    where the model has one. Wider codes are shown by their first two principal components and, beside them, by t-SNE
    (van der Maaten and Hinton 2008, https://jmlr.org/papers/v9/vandermaaten08a.html), which keeps neighbours together
    and says nothing by how far apart groups lie or how large they are. The height of codes of one number is noise.

    Args:
      run: the run.
      num: number of images; there are no more of them than held-out images.
      seed: of the choice of the images, and of what the model draws.
      output: the .npz to write, its ending added if it has none; `codes.npz` in the run folder by default.

    Returns:
      The path of the .npz.

    Raises:
      Refusal: the model cannot encode, its data are gone or other ones, or all codes are alike.
    """
    model = run.model
    require(model, "encode")
    data = shown_to(model, run.data())
    path, picture = output_files(output, run.folder / "codes.npz", ".npz", ".png")
    latents = Latents(model, run.signature.units, run.variables, seed)
    shown = held_out(data, num, seed)
    condition, indices = label_condition(model, shown.labels), np.arange(len(shown.images))
    codes = latents.encode(shown.images, indices, condition)
    codes = codes.reshape(len(codes), -1).astype(np.float32)
    if not codes.std(axis=0).any():
        raise Refusal(f"all codes of {shown.title} are alike, so there is no map of them.")
    labels = {} if shown.labels is None else {"labels": shown.labels}
    save_npz(path, {"codes": codes, **labels, "places": shown.indices})
    title = f"{run.folder.name}, step {run.step}: {codes.shape[1]} numbers for each of {shown.title}"
    save_maps(
        picture, title, maps(codes, shown.labels, _prior(model, latents, codes, condition)), data.signature.classes
    )
    print(title)
    print(picture)
    return path


def maps(codes: np.ndarray, labels: np.ndarray | None, prior: np.ndarray | None = None) -> list[Map]:
    """Finds maps of codes.

    Args:
      codes: float32 [N, L], not all alike.
      labels: their classes [N], or None.
      prior: draws of the prior [M, 2] to put behind codes of two numbers, or None.

    Returns:
      Codes of two numbers as they are; of one number with a height that is noise; wider ones by their first two
      principal components, and by t-SNE with a fixed seed that starts from them, of at most `NEIGHBOURS_OF` codes.
    """
    if codes.shape[1] == 1:
        height = np.random.default_rng(0).uniform(-0.1, 0.1, len(codes)) * np.ptp(codes)
        return [Map("the one number of a code, to the right; the height is noise", np.c_[codes, height], labels)]
    if codes.shape[1] == 2:
        behind = "" if prior is None else ", before draws of the prior (grey)"
        return [Map(f"the two numbers of a code{behind}", codes, labels, prior)]
    pca = PCA(2, random_state=0).fit(codes)
    share = f"{pca.explained_variance_ratio_.sum():.0%} of the variance"
    few = codes[:NEIGHBOURS_OF]
    found = [Map(f"principal components 1 and 2 ({share})", pca.transform(codes), labels)]
    if few.std(axis=0).any():
        tsne = TSNE(perplexity=min(PERPLEXITY, (len(few) - 1) / 3), init="pca", random_state=0)
        title = f"t-SNE of {len(few):,} codes"
        with threadpool_limits(1):  # its many short loops spend their time waiting for each other where cores are busy
            points = tsne.fit_transform(few)
        found.append(Map(title, points, None if labels is None else labels[: len(few)]))
    return found


def _prior(model: GenerativeModel, latents: Latents, codes: np.ndarray, condition: Conditions) -> np.ndarray | None:
    """As many draws of the prior as there are codes of two numbers; None where that is not possible."""
    if model.prior is None or codes.shape[1] != 2:
        return None
    draws = latents.draw(len(codes), condition)
    return draws.reshape(len(draws), -1)
