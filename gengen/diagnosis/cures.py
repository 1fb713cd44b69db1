"""What is changed of a run that has collapsed or diverged before it goes on from where it was healthy."""

from collections.abc import Mapping

CURED = ("collapse", "diverging")
"""Names of the illnesses that there is a cure of, as `gengen.diagnosis.illnesses` has them."""

MOST = 3
"""How often a run goes back."""

SLOWER = 10.0
"""What a rate is divided by: after three times, one that was a thousand times too high is none of them any more."""

GENERATOR, CRITIC, MOVES = "optimizers.generator.rate", "optimizers.critic.rate", "model.generator_steps"
"""Keys of a config that a cure may change: none of them changes what a checkpoint holds."""


def cure(values: Mapping[str, float], *, finite: bool = True) -> dict[str, float]:
    """The values that take the place of those of a run that fell ill.

    The critic is to keep up with the generator: samples go to where a critic that stands still likes them best, and
    there they are all alike, or run away from the data where nothing bounds them. A generator that moves more often
    than the critic moves as often; then a critic whose rate is lower is given the generator's; then the generator is
    slowed. Where there are numbers no more, both are slowed first, because no critic keeps up with that.

    Args:
      values: of `GENERATOR`, `CRITIC` and `MOVES`, the moves of the generator for one of the critic.
      finite: whether all that was computed was a number.

    Returns:
      The values that change, by key.
    """
    generator, critic = values[GENERATOR], values[CRITIC]
    if not finite:
        return {GENERATOR: generator / SLOWER, CRITIC: critic / SLOWER}
    if values[MOVES] > 1:
        return {MOVES: 1}
    if critic < generator:
        return {CRITIC: generator}
    return {GENERATOR: generator / SLOWER}
