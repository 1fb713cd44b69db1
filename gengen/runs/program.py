"""The model that a run trains, and the members that it trains of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch, rebuilt_model
from gengen.build.swept import SeveralProgramsError, Swept
from gengen.build.trace import moved_in_stages
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.inference.conditions import by_class
from gengen.runs.sweep import alone, combinations_of, members_of, with_numbers
from gengen.training.members import keys_of, seeded
from gengen.training.varied import Models, varied, varied_members


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
            jax.eval_shape(lambda variables: sample(key, variables, 1, by_class(model, 1)), state.variables)
        return moved


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
