"""What commands that train named rows are asked for: their own flags, and those that they hand to each training."""

import argparse
from collections.abc import Collection, Sequence


def asked(
    commands: argparse.ArgumentParser, arguments: Sequence[str], known: Collection[str], what: str, least: int = 1
) -> tuple[argparse.Namespace, list[str], list[str]]:
    """Reads the flags of a command; a mistake ends the program with a sentence and status 2.

    Args:
      commands: the command, with the flags --only, names by comma, and --seeds.
      arguments: what it was given.
      known: the names that there are.
      what: one of them is, as in "row".
      least: the fewest seeds.

    Returns:
      Its own flags, the names of --only, and the flags that begin with --config., which are each training's.
    """
    flags, settings = commands.parse_known_args(arguments)
    if strange := [flag for flag in settings if not flag.startswith("--config.")]:
        commands.error(f"{strange[0]} is no flag of this command, nor one of a training's, which begin with --config.")
    names = flags.only.split(",")
    if unknown := set(names) - set(known):
        commands.error(f"--only names no {what} {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    if flags.seeds < least:
        commands.error(f"--seeds must be at least {least}")
    return flags, names, settings
