"""What the sections of a config that no builder takes may hold: data, training, evaluation and adaptation.

They are read where they are needed, key by key; `gengen.runs.check` holds a config to them. A key without a default
must be there. Names of tables whose modules are slow to import stand here in full, and a test compares them.
"""

from typing import Annotated, NamedTuple

from gengen.data.pixels import CROPS
from gengen.data.signature import KINDS as DATA_KINDS
from gengen.data.splits import LARGEST_SHARE
from gengen.values import Count, Decay, Entries, OneOf, Range, Repeats

SCORES = {
    "frechet_distance": True,
    "kernel_distance": True,
    "inception_score": True,
    "precision": True,
    "recall": True,
    "density": False,
    "coverage": True,
    "different_bins": True,
    "class_divergence": True,
    "class_confidence": False,
    "label_agreement": True,
    "class_similarity": False,
    "collisions": True,
    "copied": True,
}
"""Names of `gengen.metrics.scores.SCORES`, and whether one of two values of each is better."""

KINDS = ("auto", "classifier", "inception", "coordinates", "rotations")
"""Extractors, and "auto" for the one that fits the data."""

FITTED_PRIORS = ("mixture", "gaussian")
"""Names of `gengen.inference.fitted_prior.FITTED_PRIORS`."""

DETECTORS = ("reconstruction", "squared_error", "likelihood", "density", "features")
"""Names of `gengen.evaluation.detectors.DETECTORS`."""

DIRECTIONS = ("ab", "ba")
"""From which domain to which; a is `config.data`, b is `config.data.second`."""

SEEDS = 2**32
"""JAX's keys tell this many seeds apart."""

Sides = Annotated[tuple[Annotated[int, Range(1, 2**20)], ...], Entries(0, 2)]
Share = Annotated[float, Range(0, LARGEST_SHARE)]
Length = Annotated[int, Range(1, 2**31 - 1)]
Batch = Annotated[int, Range(1, 2**20)]


class Data(NamedTuple):
    """The section `data`, but for `second`."""

    name: Annotated[str, "one of BUILDERS in gengen.data.sources, or any name that TFDS knows"]
    kind: Annotated[str, OneOf(("auto", *DATA_KINDS)), "of the arrays of array_folder; auto goes by their axes"] = (
        "auto"
    )
    resolution: Annotated[
        Sides, "height and width of pictures, or one number for both, also for solids; () keeps the pictures' own"
    ] = ()
    channels: Annotated[int, OneOf((0, 1, 3)), "1 is grey, 3 is colour; 0 keeps the pictures' own"] = 0
    crop: Annotated[str, OneOf(CROPS), "whether pictures are cut to the resolution's aspect"] = "none"
    test_share: Annotated[
        Share, "of the examples that is held out of data without a split for testing; 0 is a tenth, of digits a sixth"
    ] = 0.0
    classes: Annotated[
        tuple[Annotated[int | str, Range(0, 2**31 - 1)], ...],
        Entries(0, 2**16),
        "names or numbers of classes, to which the data are restricted; () is all of them",
    ] = ()
    held_out: Annotated[Decay, "share of the training images that is set aside"] = 0.0
    labelled: Annotated[Count, "training images whose labels a semi-supervised model may see"] = 0
    data_dir: Annotated[str | None, "where prepared data lies; None is TFDS's own place"] = None
    manual_dir: Annotated[str | None, "a folder of raw files or of pictures, or a file of arrays"] = None


class Second(NamedTuple):
    """The section `data.second`, whose keys mean what they mean in `data`."""

    name: Annotated[str, 'as in data, or "paired" or "edges", made of the first data set']
    resolution: Sides = ()
    channels: Annotated[int, OneOf((0, 1, 3))] = 0
    crop: Annotated[str, OneOf(CROPS)] = "none"
    test_share: Share = 0.0
    manual_dir: str | None = None


class Training(NamedTuple):
    """The section `training`, but for `average`."""

    steps: Annotated[Length, "batches"]
    epochs: Annotated[float, Range(0, 1e6), "stands for steps where it is not 0"]
    batch_size: Annotated[Batch, "images of a step, over all devices"]
    seed: Annotated[int, Range(0, SEEDS - 1), "of the first parameters, the order of images and all noise"]
    steps_per_dispatch: Annotated[int, Range(1, 10_000), "fused into one call of the device"]
    log_every: Annotated[Count, "steps; 0 is never"]
    checkpoint_every: Annotated[Count, "steps; 0 is at the end alone"]
    sample_every: Annotated[Count, "steps; 0 is at the end alone"]


class Average(NamedTuple):
    """The section `training.average`."""

    decay: Annotated[Decay, "0 keeps no average"]
    networks: Annotated[tuple[str, ...], Entries(distinct=True), "whose average is kept"]


class Evaluation(NamedTuple):
    """The section `evaluation`; runs of older versions lack those with a default."""

    every: Annotated[Count, "steps; 0 is never"]
    num: Annotated[int, Range(100, 10**6), "samples judged while training"]
    scores: Annotated[
        tuple[Annotated[str, OneOf(tuple(SCORES))], ...], Entries(distinct=True), "measured while training; () is all"
    ]
    best: Annotated[
        str, OneOf(tuple(name for name, ordered in SCORES.items() if ordered)), "the score that chooses what is best"
    ]
    features: Annotated[str, OneOf(KINDS), "what most scores see"]
    inception_weights: Annotated[str | None, "a file; without it, Inception is not offered"]
    importance_samples: Annotated[
        tuple[Annotated[int, Range(1, 10**6)], ...], Entries(1), "of each image, for bounds of its likelihood"
    ] = (1,)
    parzen: Annotated[bool, "whether the log-likelihood of Parzen windows is measured"] = False
    sampler: Annotated[str, OneOf(FITTED_PRIORS), "fitted to the codes of an autoencoder without a prior"] = "mixture"
    components: Annotated[int, Range(1, 10_000), "of that mixture"] = 10
    anomalies: Annotated[bool, "whether the run is to tell them: then data.held_out sets normal images aside"] = False
    anomaly_score: Annotated[str, OneOf(DETECTORS), "by which anomalies are told"] = "reconstruction"
    false_alarms: Annotated[
        float, Range(0, 1, above=True, below=True), "share of normal images that may be called anomalies"
    ] = 0.05


class Adaptation(NamedTuple):
    """The section `adaptation`, but for the networks, model and optimizers of its `baseline`."""

    seeds: Annotated[Repeats, "how often everything is trained"]
    directions: Annotated[
        tuple[Annotated[str, OneOf(DIRECTIONS)], ...], Entries(1, distinct=True), "from which domain to which"
    ]


class Baseline(NamedTuple):
    """The section `adaptation.baseline`, but for its networks, model and optimizers."""

    steps: Length
    batch_size: Batch
