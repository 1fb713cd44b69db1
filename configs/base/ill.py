"""Failure variants: what makes an experiment reliably ill, so that the illness can be seen and named."""

from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from configs.base.sections import optimizer


def small(config: ConfigDict, name: str, width: int = 128) -> None:
    """Makes an adversarial experiment one of some data, such as points in the plane, that takes seconds."""
    config.data.name = name
    for network in ("generator", "critic"):
        config.networks[network].update(widths=(width, width), norm="none")
    config.model.latent = 2 if name == "ring" else 16
    _rates(config, 1e-3, 1e-3)
    config.evaluation.every = 0


def looked_at(config: ConfigDict, steps: int = 2_000) -> None:
    """Makes a run short, and looks at it often."""
    config.training.update(steps=steps, log_every=50, diagnose_every=50, sample_every=250, precision="float32")


def _rates(config: ConfigDict, generator: float, critic: float, b1: float = 0.5) -> None:
    config.optimizers.generator = optimizer("adam", generator, b1=b1)
    config.optimizers.critic = optimizer("adam", critic, b1=b1)


def _vanishing(config: ConfigDict) -> None:
    """The loss of the value function, and a critic far ahead of the generator."""
    config.model.update(loss="minimax", critic_steps=10)
    _rates(config, 1e-5, 3e-3, b1=0.9)


def _rotating(config: ConfigDict) -> None:
    """The generator moves three times for every move of the critic, with momentum."""
    config.model.generator_steps = 3
    _rates(config, 1e-3, 1e-3, b1=0.9)


def _collapse(config: ConfigDict) -> None:
    """The critic hardly moves, and all samples go where it likes them best."""
    _rates(config, 1e-3, 1e-6)


def _diverging(config: ConfigDict) -> None:
    """A critic that hardly moves, and has no highest place: samples without bounds run up its slope for ever."""
    config.networks.critic.widths, config.model.loss = (), "wasserstein"
    _rates(config, 1e-3, 1e-6)


def _saturated(config: ConfigDict) -> None:
    """Each step of the critic would carry its parameters from one bound to the other."""
    config.model.update(loss="wasserstein", critic_steps=5, clip=0.01)
    config.optimizers.generator = optimizer("rmsprop", 2e-4)
    config.optimizers.critic = optimizer("rmsprop", 1e-2)


def _collapsed(config: ConfigDict) -> None:
    """Bits of latents cost so much that none is worth it."""
    config.model.objective.beta = 200.0


def _dead(config: ConfigDict) -> None:
    """No code is restarted, and those that nobody chose at first are never chosen."""
    config.model.update(restart=0.0, commitment=0.0)
    config.optimizers.autoencoder = optimizer("adam", 1e-2)


ILL: Mapping[str, Callable[[ConfigDict], None]] = {
    "vanishing": _vanishing,
    "rotating": _rotating,
    "collapse": _collapse,
    "diverging": _diverging,
    "saturated": _saturated,
    "collapsed": _collapsed,
    "dead": _dead,
}
"""What each variant changes of an experiment."""


def sicken(config: ConfigDict, variant: str, data: str = "", steps: int = 2_000) -> None:
    """Makes an experiment ill, and looks at it often.

    Args:
      config: the experiment.
      variant: one of `ILL`.
      data: of which an adversarial experiment is made, with small networks; "" for others, which stay as they are.
      steps: of its training.
    """
    if data:
        small(config, data)
    ILL[variant](config)
    looked_at(config, steps)
