"""`--keys`: what can be changed of an experiment, and what it means."""

import textwrap
from pathlib import Path

from gengen.cli.experiments import WIDTH, config_of
from gengen.core.refusal import Refusal
from gengen.runs.check import check_values
from gengen.runs.keys import keys_of
from gengen.values import described


def show_keys(folder: Path, asked: str, word: str = "") -> None:
    """Prints every key of a config with its value, its type and range, and its meaning, in `WIDTH` columns.

    Args:
      folder: of configs.
      asked: which one, as in `read_config`.
      word: only keys that have it, in small letters or capitals, in their path, value or meaning.

    Raises:
      Refusal: there is no such config, it cannot be run, or none of its keys has the word.
    """
    config = config_of(folder, asked)
    check_values(config)
    keys = [key for key in keys_of(config) if word.lower() in f"{key.path} {key.value!r} {key.meaning}".lower()]
    if not keys:
        raise Refusal(f"no key of {asked} says {word!r}; leave --grep out for all of them.")
    for key in keys:
        head, kind = f"config.{key.path} = {key.value!r}", described(key.kind) if key.kind else "not said"
        beside = f"{head}{' ' * max(WIDTH - len(head) - len(kind), 2)}{kind}"
        lines = [beside, key.meaning] if len(beside) <= WIDTH else [head, kind, key.meaning]
        print(lines[0])
        for line in lines[1:]:
            print(textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False))
    several = f"{len(keys)} keys" if len(keys) > 1 else "1 key"
    print(f"\n{several} of {asked}, each set as in --config.{keys[0].path}={keys[0].value}")
