"""TFDS called politely: its announcements are held back, and its failures become one sentence."""

import contextlib
import difflib
import io
from collections.abc import Collection, Iterator

from absl import logging

from gengen.core.refusal import Refusal


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back TFDS's announcements; its errors stay."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(before)


@contextlib.contextmanager
def explained(name: str, own: Collection[str]) -> Iterator[None]:
    """Turns TFDS's failures into one sentence, except for gengen's `own` data sets, which refuse by themselves."""
    if name in own:
        yield
        return
    import tensorflow_datasets as tfds

    listed = ", ".join(own)
    try:
        yield
    except Refusal:
        raise
    except tfds.core.registered.DatasetNotFoundError as error:
        close = difflib.get_close_matches(name, own, n=1)
        hint = f"did you mean {close[0]}? gengen's own are {listed}" if close else f"gengen's own are {listed}"
        raise Refusal(f"--config.data.name={name} is known neither to gengen nor to TFDS; {hint}.") from error
    except ImportError as error:
        raise Refusal(
            f"--config.data.name={name} is prepared by TFDS with packages that are not installed ({_first(error)}): "
            f"install them, or use one of gengen's own ({listed})."
        ) from error
    except Exception as error:  # TFDS and its downloads raise anything; the user needs the sentence, not the trace
        raise Refusal(f"TFDS cannot prepare --config.data.name={name}: {_first(error)}") from error


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
