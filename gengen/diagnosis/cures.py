"""What is changed of a run that has collapsed or diverged before it goes on from where it was healthy."""

from collections.abc import Mapping

CURED = ("collapse", "diverging")
"""Names of the illnesses that there is a cure of, as `gengen.diagnosis.illnesses` has them."""

MOST = 3
"""How often a run goes back."""

SLOWER, MUCH_SLOWER = 2.0, 4.0
"""What rates are divided by: where samples collapse or run away, and where something stopped being a number."""


def cure(rates: Mapping[str, float], *, finite: bool = True) -> dict[str, float]:
    """The learning rates, by player, that take the place of those of a run that fell ill.

    A critic slower than the generator is given the generator's rate: who moves to where a critic that stands still
    likes samples best collapses, or runs away from the data where samples have no bounds. Otherwise the generator is
    slowed, so that the critic can keep up. Where there are numbers no more, both are slowed, whatever came first.

    Args:
      rates: of the players "critic" and "generator".
      finite: whether all that was computed was a number.

    Returns:
      The rates that change; that of nobody else.
    """
    generator, critic = rates["generator"], rates["critic"]
    if not finite:
        return {"generator": generator / MUCH_SLOWER, "critic": critic / MUCH_SLOWER}
    if critic < generator:
        return {"critic": generator}
    return {"generator": generator / SLOWER}
