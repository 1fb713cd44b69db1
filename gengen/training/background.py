"""Work of the host that goes on while the device takes the next steps."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Does one thing after another in a thread of its own, at most one at a time.

    Nothing that is begun is lost by an orderly end: who writes what must not come before it asks to `wait` first.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "gengen-background")
        self._begun: Future[None] | None = None

    def begin(self, work: Callable[[], None]) -> None:
        """Begins something, once what was begun before is done; raises what that has raised."""
        self.wait()
        self._begun = self._thread.submit(work)

    def wait(self) -> None:
        """Waits until all that was begun is done; raises what it has raised, once."""
        begun, self._begun = self._begun, None
        if begun:
            begun.result()

    def close(self) -> None:
        """Waits, and ends the thread; what was raised and not asked for is gone, as where something worse is raised."""
        self._thread.shutdown()
