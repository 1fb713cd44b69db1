"""How samples are drawn of a denoiser: by which sampler, and how far it is guided; chosen anew with each command."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from gengen.samplers.sampler import Sampler
from gengen.values import Range, Share


class Drawing(NamedTuple):
    """The section `sampling`, but for the arguments of its sampler.

    Attributes:
      sampler: from noise to data.
      guidance: weight of what a denoiser that is told something says beyond one that is told nothing.
      guided_from: the earliest time, in [0, 1], at which it is guided.
      guided_to: the latest one.
      clip: whether means are cut to [-1, 1], where data have these ends.
    """

    sampler: Sampler
    guidance: float = 1.0
    guided_from: float = 0.0
    guided_to: float = 1.0
    clip: bool = False


BESIDE: Mapping[str, object] = {
    "guidance": Annotated[float, Range(0, 100), "1 is what it is told, 0 is nothing, more is exaggerated"],
    "guided_from": Annotated[Share, "the earliest time at which guidance is heeded; 0 is data, 1 is noise"],
    "guided_to": Annotated[Share, "the latest time at which guidance is heeded"],
    "clip": Annotated[bool, "whether means of data between two bounds are cut to these on the way"],
}
"""Keys of the section `sampling` that belong to no sampler: Kynkaanniemi et al. 2024, arXiv:2404.07724, for times."""
