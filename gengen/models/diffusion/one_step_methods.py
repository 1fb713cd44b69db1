"""The table of ways to train a network of one call."""

from collections.abc import Callable, Mapping

from gengen.models.diffusion.consistency import Consistency
from gengen.models.diffusion.drifting import Drifting
from gengen.models.diffusion.mean_flow import MeanFlow
from gengen.models.diffusion.method import Method
from gengen.models.diffusion.shortcut import Shortcut

METHODS: Mapping[str, Callable[..., Method]] = {
    "mean_flow": MeanFlow,
    "shortcut": Shortcut,
    "consistency": Consistency,
    "drifting": Drifting,
}
"""Ways to train a network of one call, by name."""
