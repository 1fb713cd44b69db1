"""The standard streams of a command as they are found: closed, of few characters, or read by nobody any more."""

import io
import os
import select
import sys
from typing import TextIO

UNREAD = 141
"""Exit status of a command whose output nobody reads any more: what a shell says of a process that SIGPIPE ended."""


def open_closed() -> None:
    """Opens the null device in the place of every standard stream that is closed.

    Otherwise the next file that anything opens would get its number, and what libraries have to say would be written
    into a run.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # which takes the lowest free number
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as we live


def make_readable() -> None:
    r"""Lets a stream say characters that it does not have, and names that are not text, as `\xe9` or `\udcff`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def finish() -> bool:
    """Writes what was printed and not written yet.

    Returns:
      Whether somebody can still read what is printed. What could not be written, and what may still come, goes to the
      null device, or Python would try once more at its end and print a traceback.
    """
    heard = True
    for stream in (sys.stdout, sys.stderr):
        unread = _is_unread(stream)
        try:
            stream.flush()
            lost = unread
        except OSError:
            lost = True
        heard = heard and not unread
        if lost:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
    return heard


def _is_unread(stream: TextIO) -> bool:
    """Whether the other end of a pipe is closed; a stream that is no file of the system is always read."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(number, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
