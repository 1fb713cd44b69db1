"""Runs gengen: `python launch.py --config=configs/NAME.py`. Flags are read here; gengen.tasks does the work."""

import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from gengen.tasks import machine

config_flags.DEFINE_config_file("config", None, "The experiment: configs/NAME.py, or configs/NAME.py:VARIANT.")
flags.DEFINE_enum("mode", "train", ("train", "sample", "traverse", "evaluate", "compare", "benchmark"), "What to do.")
flags.DEFINE_string("workdir", None, "The run folder, runs/NAME[-VARIANT] by default; the folder of all to compare.")
flags.DEFINE_integer("num", None, "Number of samples: 64 to look at, 10,000 to evaluate.")
flags.DEFINE_integer("seed", 0, "Seed of the samples.")
flags.DEFINE_string("label", None, "Name or number of the class of all samples; each class in turn by default.")
flags.DEFINE_bool("best", False, "Take the best checkpoint by config.evaluation.best, not the latest.")
flags.DEFINE_bool("raw", False, "Take the weights as trained, not their average.")
flags.DEFINE_string("output", None, "File to write instead of the one in the run folder; a folder to traverse into.")
flags.DEFINE_bool("list", False, "List the experiments.")
flags.DEFINE_bool("dry_run", False, "Print the config, the networks and the data; train nothing.")
flags.DEFINE_bool("distributed", False, "Join the other processes that the cluster's environment names.")
flags.DEFINE_string("coordinator", None, "host:port of process 0, where the cluster names none.")
flags.DEFINE_integer("processes", None, "Number of processes, where the cluster names none.")
flags.DEFINE_integer("process", None, "Number of this process, where the cluster names none.")

if __name__ == "__main__":
    machine.restart_with_huge_pages()
    from gengen.tasks import command  # imports JAX, so only after the restart

    sys.exit(command.main(sys.argv, Path(__file__).parent / "configs"))
