"""The illnesses of generative models: by which measures each is told, and what usually helps."""

import math
from typing import NamedTuple


class Sign(NamedTuple):
    """A measure out of its range.

    Attributes:
      measure: its name in metrics.jsonl.
      low: from this value on, it is a sign.
      high: up to this one.
      relative: whether the value is taken relative to the largest that the measure has had in the run.
    """

    measure: str
    low: float = -math.inf
    high: float = math.inf
    relative: bool = False

    @property
    def beside(self) -> str:
        """What a value is relative to, and the bound that it has crossed, in words."""
        bound = f"at least {self.low:g}" if self.low > -math.inf else f"at most {self.high:g}"
        return f"{' of its largest' if self.relative else ''} (ill {bound})"


class Illness(NamedTuple):
    """What can be wrong with a run.

    Attributes:
      name: in a word or two.
      title: what happens, in a clause.
      signs: measures that are all out of range; the last one sets the pace at which it is looked for.
      looks: how many times; it is over once the signs have been gone as many times in a row.
      cure: keys of a config that usually help, with what they cost, after "since step N; ".
      among: of so many looks, the last ones; 0 for times in a row.
      hidden_by: names of illnesses that have the same signs and more; while one of these is seen, this one is not.
    """

    name: str
    title: str
    signs: tuple[Sign, ...]
    looks: int
    cure: str
    among: int = 0
    hidden_by: tuple[str, ...] = ()


ILLNESSES = (
    Illness(
        "diverging",
        "the generator diverges",
        (Sign("samples/spread", low=4.0),),
        3,
        "lower optimizers.generator.rate and optimizers.generator.b1 (slower, and some tempo is lost for good), or let "
        "the critic keep up with a higher optimizers.critic.rate or model.critic_steps (each step costs as much more)",
    ),
    Illness(
        "diverging",
        "the generator diverges",
        (Sign("samples/finite", high=0.5),),
        1,
        "lower optimizers.generator.rate and optimizers.critic.rate, or set clip_norm of both (slower)",
    ),
    Illness(
        "vanishing",
        "the critic has won and the gradient vanishes",
        (Sign("critic/accuracy", low=0.98), Sign("generator/gradient_norm", high=0.03, relative=True)),
        3,
        "take model.loss=non_saturating, whose gradient lives where the critic has won, or lower model.critic_steps or "
        "optimizers.critic.rate (a critic that knows less), or add model.terms.r1 (a step costs half as much again)",
    ),
    Illness(
        "saturated",
        "clipping saturates the critic",
        (Sign("critic/update", low=0.6), Sign("critic/flipped", low=0.2)),
        3,
        "lower optimizers.critic.rate, or raise model.clip (more steps until the critic is near its best), or replace "
        "clipping by model.terms.gradient_penalty (a step costs half as much again)",
    ),
    Illness(
        "rotating",
        "the samples rotate from mode to mode",
        (Sign("samples/modes", high=0.5), Sign("samples/exchanged", low=0.65)),
        6,
        "lower optimizers.generator.rate or model.generator_steps and take b1=0.5 or 0 (slower), or add model.terms.r1 "
        "(a step costs half as much again), or look at the average of training.average (which hides it)",
        among=10,
    ),
    Illness(
        "collapse",
        "the generator has collapsed",
        (Sign("samples/spread", high=0.1),),
        4,
        "raise optimizers.critic.rate or model.critic_steps (slower), or set model.views.packing.size=2 or "
        "networks.critic.deviation=True (the critic sees several samples at once)",
        hidden_by=("rotating", "diverging", "vanishing", "saturated", "posterior collapse", "dead codes"),
    ),
    Illness(
        "dropped",
        "the generator has dropped modes",
        (Sign("samples/modes", high=0.6, relative=True),),
        6,
        "set model.views.packing.size=2 (half as many verdicts a batch), or add model.terms.r1 (a step costs half as "
        "much again), or lower both rates (slower)",
        hidden_by=("rotating", "diverging", "vanishing", "saturated", "collapse", "posterior collapse", "dead codes"),
    ),
    Illness(
        "memorising",
        "the model knows its examples by heart",
        (Sign("samples/copied", low=0.5),),
        3,
        "train on more data, or stop sooner at a lower training.steps, or take smaller networks (blurrier samples), or "
        "set model.views.augmentation.probability (the samples may learn the augmentation)",
        hidden_by=("collapse",),
    ),
    Illness(
        "posterior collapse",
        "the latents are not used",
        (Sign("codes/active", high=0.05),),
        3,
        "lower model.objective.beta (samples of the prior get worse), or raise model.objective.warmup or "
        "model.objective.free_bits (the bound is no longer what is minimised)",
    ),
    Illness(
        "dead codes",
        "most codes are dead",
        (Sign("codes/used", high=0.2),),
        4,
        "raise model.restart, lower model.decay (codes follow less steadily), or take fewer model.codes (less can be "
        "said)",
    ),
)
"""The illnesses, the gravest first."""
