"""What a run folder says of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.runs.folder import damaged, read_folder
from gengen.training.checkpoint import Checkpoints


def opened(workdir: Path) -> tuple[ConfigDict, Signature]:
    """Reads the config and the data's signature of a run.

    Raises:
      Refusal: the folder holds no run, or what it holds is damaged.
    """
    config, fields = read_folder(workdir)
    try:
        return config, Signature.from_json(fields)
    except KeyError as error:
        raise damaged(workdir / "data.json", f"it has no {error.args[0]}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(workdir / "data.json", str(error)) from error


@contextmanager
def unchanged(workdir: Path) -> Iterator[None]:
    """Holds a run folder responsible for what cannot be built of its files any more: it could be when it was trained.

    Raises:
      Refusal: something is missing, or of another type.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"what it says cannot be built: {type(error).__name__}, {str(error).strip()}"
        raise damaged(workdir / "config.json", reason) from error


def restore(workdir: Path, *, best: bool = False) -> tuple[GenerativeModel, int, Any]:
    """Builds the model of a run folder and restores its latest state.

    Args:
      workdir: the run folder.
      best: restore the best checkpoint by the run's own scores instead.

    Returns:
      The model, the number of steps it was trained for, and its state.

    Raises:
      Refusal: the folder holds no run or no checkpoint.
    """
    config, signature = opened(workdir)
    with unchanged(workdir):
        model = build_model(config, signature)
        template = jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    folder = workdir / ("best" if best else "checkpoints")
    checkpoints = Checkpoints(folder, read_only=True) if folder.is_dir() else None
    restored = checkpoints.restore_latest(template) if checkpoints else None
    if restored is None and best:
        raise Refusal(f"{workdir} holds no best checkpoint; it is kept where config.evaluation.every is not 0.")
    if restored is None:
        raise Refusal(f"{workdir} holds no checkpoint yet; run its training until the first one.")
    return model, *restored
