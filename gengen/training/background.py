"""Work that goes on beside the steps, on a copy of what they change."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import jax


class Background:
    """Does one thing after another in a thread of its own, at most one at a time.

    Nothing that is begun is lost by an orderly end: who writes what must not come before it asks to `wait` first. What
    is done in the thread may begin something itself, which is then a part of it.

    Args:
      paused: what steps enter that wait for something, given what that is.
    """

    def __init__(self, paused: Callable[[str], AbstractContextManager[Any]] = nullcontext) -> None:
        self._thread = ThreadPoolExecutor(1, "gengen-background", initializer=self._enter)
        self._own: threading.Thread | None = None
        self._begun: Future[None] | None = None
        self._paused, self._what = paused, ""
        self._allowed: bool | None = None

    def _enter(self) -> None:
        self._own = threading.current_thread()

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Names what is done now, in the thread or while the steps wait."""
        self._what = what
        with nullcontext() if self._inside() else self._paused(what):
            yield

    def begin(self, work: Callable[[], None]) -> None:
        """Begins something, once what was begun before is done; raises what that has raised."""
        if self._inside():
            work()
        else:
            self.wait()
            self._begun = self._thread.submit(work)

    def wait(self) -> None:
        """Waits until all that was begun is done; raises what it has raised, once."""
        if self._begun and not self._inside():
            begun, self._begun = self._begun, None
            with self._paused(self._what):
                begun.result()

    def check(self) -> None:
        """Raises what has been raised, once, and waits for nothing."""
        if self._begun and self._begun.done() and self._begun.exception():
            self.wait()

    def aside(self, tree: Any) -> Any:
        """Copies a tree of arrays for what is begun next; they may still be computed, and may be donated afterwards.

        What was begun before is waited for, so that there is one copy at a time.

        Returns:
          The copy, on the first device that holds the arrays; None where nothing may go on beside the steps, for want
          of memory or because several processes must start what they have in common in one order.
        """
        self.wait()
        if self._allowed is None:
            self._allowed = jax.process_count() == 1 and roomy(tree)
        if not self._allowed:
            return None
        own = jax.tree.map(lambda array: array.addressable_data(0), tree)
        return jax.device_put(own, jax.tree.map(lambda array: array.sharding, own), may_alias=False)

    def close(self) -> None:
        """Waits, and ends the thread; what was raised and not asked for is gone, as where something worse is raised."""
        self._thread.shutdown()

    def _inside(self) -> bool:
        return threading.current_thread() is self._own


def roomy(tree: Any) -> bool:
    """Whether the devices have as much memory left as was in use at most until `tree` was computed.

    That is enough for a copy of a state and for drawing samples while a step is taken. A CPU does not count its memory.
    """
    counting = [device for device in jax.local_devices() if device.memory_stats()]
    if counting:
        jax.block_until_ready(tree)
    counted = [device.memory_stats() for device in counting]
    return all(2 * each["peak_bytes_in_use"] <= each["bytes_limit"] for each in counted)
