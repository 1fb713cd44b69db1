"""How good translations of held-out images are: as images of their domain, there and back, against their targets."""

from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gengen.data.signature import DataSet
from gengen.evaluation.domain_scores import as_images, pairs_of_samples, see, survival
from gengen.evaluation.judging import Section, Subject, pick
from gengen.inference.conditions import DOMAIN
from gengen.inference.domains import aligned, domains
from gengen.inference.sampling import sampler
from gengen.inference.translation import Gallery, Translations
from gengen.metrics.pairs import absolute_error, mean_error, measure, retrieve
from gengen.pictures.captions import captioned, contact
from gengen.pictures.grid import without_alpha

SHOWN = 16
"""Images that are shown above their translations in each direction, or pairs."""

COLUMNS = 8
"""Images beside each other."""


def translation(subject: Subject) -> Section | None:
    """Judges the translations of held-out images in each direction that a model can take, or samples in pairs.

    As images of their domain they are compared with its held-out images, through the extractor of that domain, beside
    training images of the domain (the floor) and the inputs as they are, where these have its shape. Where the inputs
    are paired with the reference, a perfect translation has a Fréchet distance of 0, below the floor. Where pairs are
    known, translations are compared with their targets, beside what two trivial answers reach: the target of the
    training input that is nearest, and the input itself, without an alpha and with grey repeated as colour, where it
    then has the right shape. Sharpness says whether a small error was bought with blur. Where both domains have the
    same classes, a classifier of the target's says how many labels survive. All is measured on pixels of 8 bits. A
    model that does not translate, but whose samples are told their domain, is judged by `pairs_of_samples`.

    Returns:
      By direction, "ab" or "ba": "images", how many were translated, no more than training images of the target's
      domain; "domain", the name of the data set that they are compared with; "scores", by the names of `SCORES` the
      estimates of `SETS`, with the "extractor", the size of the "reference" and from how many images the distance is
      "meaningful_from", or "unfit", a sentence that says why there are none; "cycle", the mean absolute error of a
      pixel in [0, 1] after the way back, None where there is none; "pairs", by answer the scores of
      `metrics.pairs.measure`, empty where no pairs are known; and "survival", as the function of that name has it. By
      domain where `pairs_of_samples` judges. None where the model can do neither.
    """
    model = subject.run.model
    if model.translate is None and DOMAIN not in model.conditions:
        return None
    found = pairs_of_samples(subject) if model.translate is None else _directions(subject)
    return Section(found, lambda: picture(subject))


def picture(subject: Subject) -> np.ndarray:
    """Held-out images above their translations in each direction; or samples of domain a above their halves of b.

    Returns:
      One picture, uint8 [H, W, C].
    """
    run, seed = subject.run, subject.seed
    if run.model.translate:
        gallery = Gallery(run.model, subject.data, number=SHOWN, seed=seed, columns=COLUMNS)
        return captioned(gallery.blocks(run.variables), run.title)
    draw, names = sampler(run.model, run.signature.units), run.signature.domains
    halves = [draw(run.variables, seed, SHOWN, {DOMAIN: np.full(SHOWN, index, np.int32)}) for index in (0, 1)]
    return captioned(contact(dict(zip(names, halves, strict=True)), COLUMNS), run.title)


def _directions(subject: Subject) -> dict[str, dict[str, Any]]:
    run, data = subject.run, subject.data
    translations, both = Translations(run.model, data.signature, subject.seed), domains(data, run.model)
    known = aligned(data, run.model)
    report = {}
    for way in translations.directions:
        source, target = (both[name] for name in way)
        indices, inputs = pick(source.splits["test"]["data"], min(subject.num, len(target.splits["train"]["data"])))
        outputs, back = translations.there_and_back(run.variables, way, inputs, indices)
        report[way] = {
            **_against_real(source, target, run.settings, indices, outputs),
            "cycle": None if back is None else mean_error(absolute_error(back, inputs))._asdict(),
            "pairs": _against_targets(source, target, indices, outputs) if known else {},
        }
    return report


def _against_real(
    source: DataSet, target: DataSet, settings: ConfigDict, indices: np.ndarray, outputs: np.ndarray
) -> dict[str, Any]:
    """What translations uint8 [N, H, W, C] are as images of the target, and how many of their labels survived."""
    inputs = without_alpha(source.splits["test"]["data"][indices])
    shown = {"outputs": outputs} | ({"inputs": np.asarray(inputs)} if inputs.shape == outputs.shape else {})
    seen = see(target, settings, shown)
    return {
        "images": len(outputs),
        "domain": target.signature.name,
        **as_images(seen),
        "survival": survival(seen, source, target, indices),
    }


def _against_targets(
    source: DataSet, target: DataSet, indices: np.ndarray, outputs: np.ndarray
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of translations and of trivial answers, each uint8 [N, H, W, C], against their targets."""
    pairs = (domain.splits["test"]["data"][indices] for domain in (source, target))
    inputs, targets = (np.asarray(without_alpha(images)) for images in pairs)
    near = retrieve(inputs, without_alpha(source.splits["train"]["data"]))
    found = {"outputs": outputs, "retrieval": np.asarray(target.splits["train"]["data"][near])}
    trivial = _as_it_is(inputs, targets.shape)
    if trivial is not None:
        found["fill"] = trivial
    scores = {name: measure(images, targets) for name, images in found.items()}
    return {name: {score: estimate._asdict() for score, estimate in each.items()} for name, each in scores.items()}


def _as_it_is(inputs: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Inputs as answers, grey repeated as colour; None where they have another shape all the same."""
    laid = inputs.repeat(shape[-1], axis=-1) if inputs.shape[-1] == 1 else inputs
    return laid if laid.shape == shape else None
