"""`--mode=train`: starts the run of a folder, or goes on where it stopped."""

from pathlib import Path

from ml_collections import ConfigDict

from gengen.api import train


def main(config: ConfigDict, workdir: Path) -> Path:
    """Trains until `training.steps`, from the latest checkpoint if the folder holds one.

    Args:
      config: the experiment.
      workdir: the run folder.

    Returns:
      The path of the last picture, or that of the metrics where there is none.

    Raises:
      Refusal: the config cannot be run, the folder belongs to another run, or training diverged.
    """
    return train.run(config, workdir)
