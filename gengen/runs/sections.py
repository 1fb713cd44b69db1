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
    "modes_hit": True,
    "high_quality": True,
    "mode_divergence": True,
    "class_divergence": True,
    "class_confidence": False,
    "label_agreement": True,
    "class_similarity": False,
    "collisions": True,
    "copied": True,
}
"""Names of `gengen.metrics.scores.SCORES`, and whether one of two values of each is better."""

PRECISIONS = ("auto", "float32", "bfloat16")
"""`gengen.build.networks.DTYPES`, and "auto" for the one whose products are faster here."""

KINDS = ("auto", "classifier", "inception", "coordinates", "rotations")
"""Extractors, and "auto" for the one that fits the data."""

FITTED_PRIORS = ("mixture", "gaussian")
"""Names of `gengen.inference.fitted_prior.FITTED_PRIORS`."""

DETECTORS = ("reconstruction", "squared_error", "likelihood", "typicality", "density", "features")
"""Names of `gengen.evaluation.detectors.DETECTORS`."""

DIRECTIONS = ("ab", "ba")
"""From which domain to which; a is `config.data`, b is `config.data.second`."""

WIDEST = 0.28
"""Of an average: one that weighs all steps alike has a width of 1 / sqrt(12), 0.289."""

SEEDS = 2**32
"""JAX's keys tell this many seeds apart."""

Resolution = Annotated[
    tuple[Annotated[int, Range(1, 2**20)], ...],
    Entries(0, 2),
    "height and width of pictures, or one number for both, also for solids; () keeps the pictures' own",
]
Channels = Annotated[int, OneOf((0, 1, 3)), "1 is grey, 3 is colour; 0 keeps the pictures' own"]
Crop = Annotated[str, OneOf(CROPS), "whether pictures are cut to the resolution's aspect before they are resized"]
ManualDir = Annotated[str | None, "a folder of raw files or of pictures, or a file of arrays"]
TestShare = Annotated[
    float,
    Range(0, LARGEST_SHARE),
    "of the examples that is held out of data without a split for testing; 0 is a tenth, of digits a sixth",
]
Length = Annotated[int, Range(1, 2**31 - 1), "how many batches it trains on"]
Batch = Annotated[int, Range(1, 2**20), "images of a step, over all devices"]


Sweep = Annotated[
    str | None,
    "numbers of which each combination is trained, together and for each seed, as one program: keys with their values, "
    "as in optimizers.critic.rate=1e-4,3e-4;model.terms.r1.weight=0.1,1; None is no sweep",
]
"""The key `sweep`, which stands beside the sections."""


class Data(NamedTuple):
    """The section `data`, but for `second`."""

    name: Annotated[str, "digits, mnist, image_folder or another set of docs/data.md, or any name that TFDS knows"]
    kind: Annotated[
        str, OneOf(("auto", *DATA_KINDS)), "what the arrays of array_folder are; auto goes by their axes"
    ] = "auto"
    resolution: Resolution = ()
    channels: Channels = 0
    crop: Crop = "none"
    test_share: TestShare = 0.0
    classes: Annotated[
        tuple[Annotated[int | str, Range(0, 2**31 - 1)], ...],
        Entries(0, 2**16),
        "names or numbers of classes, to which the data are restricted; () is all of them",
    ] = ()
    held_out: Annotated[Decay, "share of the training examples that is set aside, for thresholds of anomalies"] = 0.0
    labelled: Annotated[Count, "training images whose labels a semi-supervised model may see"] = 0
    captions: Annotated[
        bool, "whether digits have captions, of their class, weight and slant; those of scenes are there in any case"
    ] = False
    data_dir: Annotated[str | None, "where prepared data lies; None is TFDS's own place"] = None
    manual_dir: ManualDir = None


class Second(NamedTuple):
    """The section `data.second`."""

    name: Annotated[str, 'as data.name, or "paired" or "edges", which are made of the first data set']
    resolution: Resolution = ()
    channels: Channels = 0
    crop: Crop = "none"
    test_share: TestShare = 0.0
    manual_dir: ManualDir = None


class Training(NamedTuple):
    """The section `training`, but for `average`."""

    steps: Length
    epochs: Annotated[float, Range(0, 1e6), "passes over the training data; unless 0, it takes the place of steps"]
    batch_size: Batch
    seed: Annotated[int, Range(0, SEEDS - 1), "of the first parameters, the order of examples and all noise"]
    steps_per_dispatch: Annotated[int, Range(1, 10_000), "steps that are fused into one call of the device"]
    log_every: Annotated[Count, "steps from one line of metrics to the next; 0 is never"]
    checkpoint_every: Annotated[Count, "steps from one checkpoint to the next; 0 is at the end alone"]
    sample_every: Annotated[Count, "steps from one picture of samples to the next; 0 is at the end alone"]
    film_every: Annotated[Count, "steps from one picture of the film to the next; 0 makes none"] = 0
    seeds: Annotated[
        Repeats, "how many seeds are trained together, from seed on, each as a run of its own would be: members"
    ] = 1
    diagnose_every: Annotated[
        Count, "steps from one look for illnesses (docs/diagnosis.md) to the next; 0 is never"
    ] = 0
    heal: Annotated[
        bool,
        "whether a GAN that collapses or diverges goes back to where it was healthy, with other rates, at most three "
        "times (docs/diagnosis.md)",
    ] = False
    init_from: Annotated[
        str | None,
        "a run, or a zip of one, with whose weights as trained a new run begins, where its own have the same path and "
        "shape; None for weights of its own",
    ] = None
    quick_compilation: Annotated[bool, "compiles sooner, and steps are slower: for runs of few steps"] = False
    precision: Annotated[
        str,
        OneOf(PRECISIONS),
        "what the networks' factors of products are rounded to; sums, parameters, losses and scores are float32 either "
        "way; auto is bfloat16 where a new run finds its products faster",
    ] = "float32"


class Average(NamedTuple):
    """The section `training.average`."""

    decay: Annotated[Decay, "what a step keeps of the average of parameters; 0 keeps no average"]
    networks: Annotated[tuple[str, ...], Entries(distinct=True), "names of networks whose average is kept"]
    widths: Annotated[
        tuple[Annotated[float, Range(0, WIDEST, above=True)], ...],
        Entries(0, 4, distinct=True),
        "further averages, which grow with the run, by their widths as shares of its steps, such as (0.05, 0.1); () is "
        "none",
    ] = ()
    width: Annotated[
        float,
        Range(0, WIDEST),
        "of the average by which a run is sampled and judged afterwards, between those of widths; 0 is the average of "
        "decay, or the first of widths",
    ] = 0.0


class Evaluation(NamedTuple):
    """The section `evaluation`; runs of older versions lack those with a default."""

    every: Annotated[Count, "steps from one judgement while training to the next; 0 is never"]
    num: Annotated[int, Range(100, 10**6), "samples judged while training"]
    scores: Annotated[
        tuple[Annotated[str, OneOf(tuple(SCORES))], ...],
        Entries(distinct=True),
        "scores measured while training; () is all",
    ]
    best: Annotated[
        str,
        OneOf(tuple(name for name, ordered in SCORES.items() if ordered)),
        "the score that chooses the checkpoint in best/",
    ]
    features: Annotated[str, OneOf(KINDS), "what most scores see of an example; auto is what fits the data"]
    inception_weights: Annotated[str | None, "a file of the weights of Inception, without which it is not offered"]
    importance_samples: Annotated[
        tuple[Annotated[int, Range(1, 10**6)], ...],
        Entries(1),
        "latents drawn of each example for a bound of its likelihood, one bound each",
    ] = (1,)
    parzen: Annotated[
        bool, "whether the log-likelihood of Parzen windows is measured, as early papers on GANs have it"
    ] = False
    sampler: Annotated[
        str, OneOf(FITTED_PRIORS), "what is fitted to the codes of an autoencoder without a prior, to draw from"
    ] = "mixture"
    components: Annotated[int, Range(1, 10_000), "components of the mixture of evaluation.sampler"] = 10
    anomalies: Annotated[
        bool, "whether the run is to tell anomalies: then data.held_out sets normal examples aside"
    ] = False
    anomaly_score: Annotated[str, OneOf(DETECTORS), "what anomalies are told by"] = "reconstruction"
    false_alarms: Annotated[
        float, Range(0, 1, above=True, below=True), "share of normal examples that may be called anomalies"
    ] = 0.05
    foreign: Annotated[
        str | None,
        "another data set, named as in data.name, whose test examples are the anomalies of --mode=detect; None for the "
        "classes that data.classes leaves out",
    ] = None
    foreign_dir: Annotated[str | None, "of evaluation.foreign, what data.manual_dir is of data.name"] = None


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
