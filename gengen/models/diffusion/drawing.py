"""How samples are drawn of a denoiser: by which sampler, and how far it is guided; chosen anew with each command."""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.model import Batch, Denoising, SampleFn
from gengen.core.state import Variables
from gengen.samplers.guidance import guided, limited
from gengen.samplers.jumps import Jumps, jumps
from gengen.samplers.sampler import Denoise, Sampler, Trajectory
from gengen.samplers.samplers import SAMPLERS
from gengen.values import Range, Share


class Drawing(NamedTuple):
    """The section `sampling`, but for the arguments of its sampler.

    Attributes:
      sampler: from noise to data; leaps are of networks that know how, all others of denoisers.
      guidance: weight of what a denoiser that is told something says beyond one that is told nothing, or that is worse.
      guided_from: the earliest time, in [0, 1], at which it is guided.
      guided_to: the latest one.
      clip: whether means are cut to [-1, 1], where data have these ends.
      likelihood: whether the likelihood of data is to be had, which takes hundreds of calls for each example.
      worse: a weaker model of the same data on the same path, whose variables are those of the name `WORSE`; guidance
        goes away from it in the place of the denoiser that is told nothing. None for none.
    """

    sampler: Sampler | Jumps
    guidance: float = 1.0
    guided_from: float = 0.0
    guided_to: float = 1.0
    clip: bool = False
    likelihood: bool = False
    worse: Denoising | None = None


WORSE = "worse"
"""Where the variables of a run hold those of a weaker one."""

DRAWINGS: Mapping[str, Callable[..., Sampler | Jumps]] = {**SAMPLERS, "jumps": jumps}
"""Ways to draw samples, by name."""


def sampler_of(drawing: Drawing) -> Sampler:
    """The sampler of a denoiser.

    Raises:
      ValueError: samples would be drawn by leaps.
    """
    if isinstance(drawing.sampler, Jumps):
        raise ValueError("sampling.name='jumps' is of networks that leap, model.name='one_step'")
    return drawing.sampler


Solved = Callable[..., Trajectory]
"""`(key, variables, n, condition=None)` -> from noise to n samples; each depends on its place and condition alone."""


def ends(solved: Solved) -> SampleFn:
    """What draws data [n, *shape]."""
    return lambda key, variables, n, condition=None: solved(key, variables, n, condition).end


def trajectories(solved: Solved) -> SampleFn:
    """What shows samples before the first step and after each, [n, steps + 1, *shape]; the last are those of `ends`."""

    def shown(key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        end, states = solved(key, variables, n, condition)
        return jnp.moveaxis(states.at[-1].set(end), 0, 1)

    return shown


def led(
    mean_of: Callable[[Variables, Batch], Denoise],
    variables: Variables,
    told: Batch,
    nothing: Batch,
    drawing: Drawing,
    *,
    bounded: bool,
) -> Denoise:
    """The mean of the data that a sampler is given: guided, and cut, as the section `sampling` says.

    A weaker model is told the same as the better one: Karras et al. 2024, arXiv:2406.02507, section 3.

    Args:
      mean_of: the mean of a network with its variables, that is told something, or nothing.
      variables: of the network, and under `WORSE` those of a weaker one, if there is one.
      told: what samples are told.
      nothing: what it is told of samples of which nothing is said.
      drawing: how samples are drawn.
      bounded: whether data lie in [-1, 1].
    """
    mean, weaker = mean_of(variables, told), drawing.worse
    if (told or weaker) and drawing.guidance != 1:
        worse = _weaker_mean(weaker, variables[WORSE], told) if weaker else mean_of(variables, nothing)
        mean = guided(mean, worse, drawing.guidance, (drawing.guided_from, drawing.guided_to))
    return limited(mean, -1, 1) if drawing.clip and bounded else mean


def _weaker_mean(model: Denoising, variables: Variables, told: Batch) -> Denoise:
    return lambda x, time: model.mean(variables, x, time, told or None)


def jumps_of(drawing: Drawing) -> Jumps:
    """The leaps of a network that knows how.

    Raises:
      ValueError: samples would be drawn as of a denoiser, which it is not.
    """
    if not isinstance(drawing.sampler, Jumps):
        raise ValueError("this network leaps from noise to data: sampling.name must be 'jumps'")
    if drawing.guidance != 1:
        raise ValueError(
            f"sampling.guidance={drawing.guidance} is of denoisers and must be 1: what leaps is guided when it is "
            "trained, where its method has model.method.guidance"
        )
    if drawing.likelihood:
        raise ValueError("sampling.likelihood=True is of denoisers: of a leap, no density is known")
    return drawing.sampler


BESIDE: Mapping[str, object] = {
    "guidance": Annotated[float, Range(0, 100), "1 is what it is told, 0 is nothing, more is exaggerated"],
    "guided_from": Annotated[Share, "the earliest time at which guidance is heeded; 0 is data, 1 is noise"],
    "guided_to": Annotated[Share, "the latest time at which guidance is heeded"],
    "clip": Annotated[bool, "whether means of data between two bounds are cut to these on the way"],
    "worse": Annotated[
        str | None,
        "the folder of a run on the same data whose network is smaller or was trained for fewer steps, from which "
        "guidance goes away (autoguidance); None goes away from what is told nothing",
    ],
    "likelihood": Annotated[
        bool, "whether --mode=evaluate says how likely held-out data are, which takes hundreds of calls for each"
    ],
}
"""Keys of the section `sampling` that belong to no sampler.

Kynkaanniemi et al. 2024, arXiv:2404.07724, for times; Karras et al. 2024, arXiv:2406.02507, for a worse network.
"""
