"""Runs gengen: `python launch.py --config=configs/NAME.py`. Flags are read here; gengen.tasks does the work."""

import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from gengen.tasks import machine

config_flags.DEFINE_config_file("config", None, "The experiment: configs/NAME.py, or configs/NAME.py:VARIANT.")
LOOK = ("sample", "traverse", "reconstruct", "translate", "interpolate", "manifold", "embed", "detect")
flags.DEFINE_enum("mode", "train", ("train", *LOOK, "evaluate", "compare", "adapt", "benchmark"), "What to do.")
flags.DEFINE_string("workdir", None, "The run folder, runs/NAME[-VARIANT] by default; the folder of all to compare.")
flags.DEFINE_integer("num", None, "Samples, images, rows or cells in a row: as many as a mode takes by default.")
flags.DEFINE_integer("seed", 0, "Seed of the samples, and of the choice of held-out images.")
flags.DEFINE_string("label", None, "Name or number of the class of all samples; each class in turn by default.")
flags.DEFINE_string("input", None, "Your picture, or a folder of them, in the place of held-out ones.")
flags.DEFINE_string("direction", None, "To translate: ab, the default, or ba, back from the second domain.")
flags.DEFINE_integer("steps", None, "To interpolate: images on a path, both ends among them; 10 by default.")
flags.DEFINE_bool("spherical", False, "To interpolate: go on arcs around the origin, not on straight lines.")
flags.DEFINE_string("axes", None, "For a manifold of wide latents: which two numbers of them, as in 0,1.")
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
