"""How samples are drawn, of the config section `sampling`."""

from collections.abc import Iterator, Mapping
from typing import Any

from gengen.build.calls import Key, call, check_call, keys_of_call, refusing
from gengen.core.refusal import Refusal
from gengen.models.diffusion.drawing import BESIDE, DRAWINGS, Drawing


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


def build_drawing(section: Mapping[str, Any], path: str = "sampling") -> Drawing:
    """Builds what draws samples.

    Args:
      section: `name`, one of `DRAWINGS`, its arguments, and those of `BESIDE`.
      path: where it stands in the config, for messages.

    Raises:
      Refusal: something in it is unknown or out of range.
    """
    arguments = dict(section)
    own = {name: arguments.pop(name) for name in BESIDE if name in arguments}
    sampler = call(DRAWINGS, arguments, path)
    with refusing(path):
        return Drawing(sampler, **own)
