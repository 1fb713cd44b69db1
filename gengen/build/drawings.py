"""How samples are drawn, of the config section `sampling`."""

from collections.abc import Iterator, Mapping
from typing import Any

from gengen.build.calls import Key, call, check_call, keys_of_call, refusing
from gengen.core.model import Denoising
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.models.diffusion.drawing import BESIDE, DRAWINGS, WORSE, Drawing


def check_drawing(section: Any, path: str, *, needed: bool) -> None:
    """Checks every value of the section `sampling`.

    Args:
      section: the section; None if there is none.
      path: where it stands in the config, for messages.
      needed: whether the model draws its samples as it says.

    Raises:
      Refusal: there is none and it is needed, or the other way round; something in it is unknown or out of range.
    """
    if section is None:
        if needed:
            raise Refusal(f"config.{path} is missing: it says how samples are drawn, such as {{'name': 'heun'}}.")
        return
    if not needed:
        raise Refusal(f"config.{path} would not be heeded: this model has one way to draw samples; leave it out.")
    check_call(DRAWINGS, section, path, beside=BESIDE)
    build_drawing(section, path)


def keys_of_drawing(section: Mapping[str, Any], path: str) -> Iterator[Key]:
    """The keys of a section that `check_drawing` holds to be fine."""
    return keys_of_call(DRAWINGS, section, path, beside=BESIDE)


def build_drawing(section: Mapping[str, Any], path: str = "sampling", worse: Denoising | None = None) -> Drawing:
    """Builds what draws samples.

    Args:
      section: `name`, one of `DRAWINGS`, its arguments, and those of `BESIDE`.
      path: where it stands in the config, for messages.
      worse: what the run of the key `worse` knows, opened; None where there is none.

    Raises:
      Refusal: something in it is unknown or out of range.
    """
    arguments = dict(section)
    own = {name: arguments.pop(name) for name in BESIDE if name in arguments} | {WORSE: worse}
    sampler = call(DRAWINGS, arguments, path)
    with refusing(path):
        return Drawing(sampler, **own)


def with_worse(variables: Variables, worse: Variables) -> Variables:
    """The variables of a run, beside them those of the weaker one that its samples are guided away from."""
    return {**variables, WORSE: worse}
