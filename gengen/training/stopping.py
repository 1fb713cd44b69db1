"""Ctrl-C and SIGTERM as a question that the training loop asks: is it time to save and go?"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import jax
import numpy as np
from jax.experimental import multihost_utils

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Catches the first signal of `SIGNALS`; a second one acts as it always does.

    Python catches signals in its main thread alone; in another one, such as a notebook's, nothing is caught.

    Yields:
      A function that tells whether a signal has come, to this process or to another of the run: all processes get
      the same answer, or those that go on would wait for the others for ever.
    """
    caught: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in SIGNALS} if main else {}
    if not main:
        print("gengen: Ctrl-C will not save first, because this is not the main thread.", file=sys.stderr)

    def catch(number: int, frame: FrameType | None) -> None:
        del frame
        caught.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop() -> bool:
        if jax.process_count() == 1:
            return bool(caught)
        return bool(np.any(multihost_utils.process_allgather(np.asarray(bool(caught)))))

    for number in before:
        signal.signal(number, catch)
    try:
        yield stop
    finally:
        restore()
