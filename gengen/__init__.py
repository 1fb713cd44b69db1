"""gengen: generative models as pure functions in JAX and Flax linen.

A run is trained by `python launch.py --config=configs/NAME.py`, or here:

    config = gengen.load_config("configs/cgan.py")
    run = gengen.train(config, "runs/mine")  # or, another day, gengen.open_run("runs/mine")
    images = run.sample(64, seed=0, condition={"label": 3})
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gengen.api.entry import load_config, open_run, train
    from gengen.api.judgement import judge
    from gengen.api.trained import TrainedModel
    from gengen.core.refusal import Refusal

__all__ = ["Refusal", "TrainedModel", "judge", "load_config", "open_run", "train"]

_WHERE = {
    "Refusal": "gengen.core.refusal",
    "TrainedModel": "gengen.api.trained",
    "judge": "gengen.api.judgement",
    "load_config": "gengen.api.entry",
    "open_run": "gengen.api.entry",
    "train": "gengen.api.entry",
}
"""Where each name lies: JAX takes a second to import, so each is imported when it is asked for (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
