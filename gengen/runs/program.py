"""What a run trains as one program: a member for each combination of its sweep and each of its seeds."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch, rebuilt_model
from gengen.build.sweep import alone, combinations_of, with_numbers
from gengen.build.swept import SeveralProgramsError, Swept
from gengen.build.trace import moved_in_stages
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.signature import Signature
from gengen.inference.conditions import in_turn
from gengen.runs.sections import SEEDS
from gengen.training.members import keys_of, seeded
from gengen.training.varied import Models, varied, varied_members


class Member(NamedTuple):
    """One of those that a run trains together.

    Attributes:
      place: of its combination.
      seed: its seed.
      label: what it is called, such as "rate 0.0003, seed 1"; shorter where there is one seed, or no sweep.
    """

    place: int
    seed: int
    label: str


def members_of(config: ConfigDict) -> list[Member]:
    """The members of a run, all seeds of the first combination first; one where it has one of each."""
    seeds, made = seeds_of(config.training), combinations_of(config)
    return [
        Member(place, seed, ", ".join(filter(None, (each.label, f"seed {seed}" if len(seeds) > 1 else ""))))
        for place, each in enumerate(made)
        for seed in seeds
    ]


def by_combination(config: ConfigDict) -> dict[str, list[int]]:
    """The numbers of the members of each combination, by what that is called."""
    members = members_of(config)
    return {
        each.label: [index for index, member in enumerate(members) if member.place == place]
        for place, each in enumerate(combinations_of(config))
    }


def seeds_of(training: ConfigDict) -> tuple[int, ...]:
    """The seeds of a section `training`; runs of older versions have one."""
    return tuple(range(training.seed, training.seed + training.get("seeds", 1)))


def seeds_in_words(seeds: Collection[int]) -> str:
    """Seeds that follow each other, as in "3" or "0 to 7"."""
    return f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else str(*seeds)


def members_in_words(config: ConfigDict) -> str:
    """The members of a run, as in "seeds 0 to 7" or "members 0 to 3 (rate 0.0001, rate 0.0003 and 2 more)"."""
    members, seeds = members_of(config), seeds_of(config.training)
    if len(members) == len(seeds):
        return f"seed{'s' if len(seeds) > 1 else ''} {seeds_in_words(seeds)}"
    first, second, *others = [member.label for member in members]
    more = f" and {len(others)} more" if others else ""
    return f"members 0 to {len(members) - 1} ({first}; {second}{more})"


def chosen_member(folder: Path, config: ConfigDict, seed: int | None, member: int | None) -> int | None:
    """The number of the member that is asked for by its seed or by its number; None where nothing is.

    Args:
      folder: the run folder, for messages.
      config: of the run.
      seed: asked for, of a run without a sweep.
      member: asked for, counted from 0.

    Raises:
      Refusal: there is no such member, a seed alone does not name one, or both are given.
    """
    members = members_of(config)
    if seed is None and member is None:
        return None
    if seed is not None and member is not None:
        raise Refusal(f"seed={seed} and member={member} both name a member of {folder}; give one of them.")
    if seed is not None:
        if len(combinations_of(config)) > 1:
            raise Refusal(
                f"{folder} has a sweep, of which seed={seed} alone names no member; give the number of one of its "
                f"{members_in_words(config)}."
            )
        found = [index for index, each in enumerate(members) if each.seed == seed]
        if not found:
            several = "s" if len(members) > 1 else ""
            known = seeds_in_words(seeds_of(config.training))
            raise Refusal(f"{folder} was trained with the seed{several} {known}, and not with seed {seed}.")
        return found[0]
    for index in range(len(members)):
        if index == member:
            return index  # a Python int, which JSON can hold
    raise Refusal(f"{folder} has {members_in_words(config)}, and no member {member}.")


def check_seeds(training: ConfigDict) -> None:
    """Checks that JAX can tell all seeds of a section `training` apart.

    Raises:
      Refusal: it cannot.
    """
    if seeds_of(training)[-1] >= SEEDS:
        raise Refusal(
            f"config.training.seed={training.seed} and config.training.seeds={training.seeds} go beyond {SEEDS - 1}, "
            f"the last seed that there is; lower one of them."
        )


def member_model(config: ConfigDict, signature: Signature) -> GenerativeModel:
    """The model of a config; where it has a sweep that of a member, as `varied` makes it, for any of its combinations.

    Each value of a sweep is first built as a number of its own, so that what is wrong with one of them is said of it.

    Raises:
      Refusal: as `build_model` does; or the values of a sweep do not make one program.
    """
    first, *others = combinations_of(config)
    model = build_model(alone(config), signature)
    built = [{value} for value in first.numbers.values()]
    for each in others:
        if any(value not in seen for value, seen in zip(each.numbers.values(), built, strict=True)):
            build_model(with_numbers(config, each.numbers), signature)
            for value, seen in zip(each.numbers.values(), built, strict=True):
                seen.add(value)
    if not others:
        return model
    with _one_program(config):
        return varied(_models(config, signature))


def traced(config: ConfigDict, model: GenerativeModel, signature: Signature) -> list[frozenset[str]]:
    """What `moved_in_stages` finds of the model of a config, and that of a sweep one program is enough.

    Raises:
      Refusal: a step cannot be taken, or not of all combinations alike.
    """
    if len(combinations_of(config)) == 1:
        return moved_in_stages(config, model, signature)
    with _one_program(config):
        moved, sample = moved_in_stages(config, model, signature), model.sample
        key = jax.random.key(0)
        if sample:
            state = jax.eval_shape(model.init, key, example_batch(signature))
            told = dict(in_turn(model, 1) or {}) or None
            jax.eval_shape(lambda variables: sample(key, variables, 1, told), state.variables)
        return moved


def template(model: GenerativeModel, key: jax.Array, signature: Signature) -> State:
    """The shapes and types of the state of a model and its root key, or keys [M], as `trained_together` gives them."""
    batch = example_batch(signature)
    if key.ndim:
        batch = jax.tree.map(lambda leaf: np.stack([leaf] * len(key)), batch)
    shapes: State = jax.eval_shape(model.init, key, batch)
    return shapes


def trained_together(
    model: GenerativeModel, config: ConfigDict, signature: Signature
) -> tuple[GenerativeModel, jax.Array]:
    """The model as a run trains it, and its root key: those of members, [M], where there are several.

    Args:
      model: of the config, or of one of its members.
      config: the experiment.
      signature: of the data.
    """
    members = members_of(config)
    if len(members) == 1:
        return model, jax.random.key(members[0].seed)
    keys = keys_of([member.seed for member in members])
    if members[-1].place == 0:
        return seeded(model), keys
    return varied_members(_models(config, signature), [member.place for member in members]), keys


@contextmanager
def _one_program(config: ConfigDict) -> Iterator[None]:
    """Where something of the members of a sweep is traced, each of whose values is fine by itself.

    Raises:
      Refusal: it cannot be traced for all values at once.
    """
    try:
        yield
    except SeveralProgramsError:
        raise
    except (Refusal, TypeError, ValueError) as error:
        paths = list(combinations_of(config)[0].numbers)
        raise Refusal(
            f"config.sweep: {' or '.join(f'config.{path}' for path in paths)} decides what the program is, so that "
            f"there is not one for all of its values; start a run for each of them."
        ) from error


def _models(config: ConfigDict, signature: Signature) -> Models:
    """The models of all combinations, by their places, which may be traced."""
    made = combinations_of(config)

    def model(place: jax.Array | int) -> GenerativeModel:
        numbers = {path: Swept(path, tuple(each.numbers[path] for each in made), place) for path in made[0].numbers}
        return rebuilt_model(with_numbers(config, numbers), signature)

    return model
