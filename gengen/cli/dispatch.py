"""What a command line asks for, handed over to the mode that does it."""

from pathlib import Path

from absl.flags import FlagValues
from ml_collections import ConfigDict, config_flags

from gengen.cli import describe, machine
from gengen.cli.dry_run import dry_run
from gengen.cli.measure_all import measure_all
from gengen.cli.tasks import TASKS, given_to, main_of
from gengen.core.refusal import Refusal
from gengen.files.places import place
from gengen.runs.archived import located
from gengen.runs.check import check_evaluation, check_values
from gengen.runs.folder import check_config, read_folder
from gengen.runs.prepare import check_sections
from gengen.runs.run import open_run

MEASURED = "benchmark.json"
"""The file of a benchmark of every experiment, in the folder of runs."""

FILES = ("workdir", "output", "input", "without", "reference", "against", "manual_dir")
"""Flags that name a file or a folder."""


def carry_out(flag: FlagValues, configs: Path) -> Path | None:
    """Does what the flags say.

    Args:
      flag: the flags, all of which the mode heeds.
      configs: the folder of experiments.

    Returns:
      The path of what was made last; None where something was printed.

    Raises:
      Refusal: it cannot be done.
    """
    if flag.keys is not None:
        describe.show_keys(configs, flag.keys, flag.grep or "")
        return None
    machine.keep_compilations()
    if flag.distributed or any(value is not None for value in (flag.coordinator, flag.processes, flag.process)):
        machine.join_processes(flag.coordinator, flag.processes, flag.process)
    task, places = TASKS[flag.mode], {name: _place(flag, name) for name in FILES}
    given = given_to(flag.mode, {name: places.get(name, flag[name].value) for name in task.flags})
    folder = places["workdir"] or Path("runs")
    if task.takes == "folder":
        return main_of(flag.mode)(folder, **given)
    if "all" in task.flags and flag.all is not None:
        return measure_all(configs, flag.all, places["output"] or folder / MEASURED, flag.seconds)
    machine.check_devices()
    if task.takes == "nothing":
        return main_of(flag.mode)(**given)
    workdir = places["workdir"] or _default_workdir(flag)
    if task.takes == "run":
        workdir = located(workdir)
        config = flag.config if task.keys else None  # all else is that of the run
        if config is not None:
            check_values(config)
            check_evaluation(config.evaluation)
        chosen = {"best": flag.best, "raw": flag.raw, "given": config, "every": task.members}
        of = "member" if flag.member is not None and read_folder(workdir)[0].get("sweep") else "seed"
        run = open_run(workdir, **chosen, **{of: flag.member})
        return main_of(flag.mode)(run, **given)
    config = _config(flag, workdir)
    if flag.dry_run:
        dry_run(config, workdir)
        return None
    return main_of(flag.mode)(config, workdir, **given)


def _place(flag: FlagValues, name: str) -> Path | None:
    text = flag[name].value
    return None if text is None else place(f"--{name}", text)


def _config(flag: FlagValues, workdir: Path) -> ConfigDict:
    """The config that the flags name, or else the one of the run folder."""
    config = flag.config
    if config is None:
        config = read_folder(workdir)[0]
        check_config(workdir, config)
    check_sections(config, workdir)
    return config


def _default_workdir(flag: FlagValues) -> Path:
    if flag.config is None:
        raise Refusal("name an experiment with --config=configs/NAME.py, or a run with --workdir; --list names them.")
    file, _, variant = config_flags.get_config_filename(flag["config"]).partition(":")
    return Path("runs") / "-".join(filter(None, (Path(file).stem, variant)))
