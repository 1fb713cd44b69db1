"""Runs gengen: `python launch.py --config=configs/NAME.py`. gengen.tasks reads the flags and does the work."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

if __name__ == "__main__":
    if str(ROOT) not in sys.path:  # as in `python -I`, or where another program runs this file
        sys.path.insert(0, str(ROOT))
    from gengen.cli import machine, streams

    streams.open_closed()
    machine.restart_with_huge_pages(__file__)
    from gengen.cli import command

    if status := command.main(sys.argv, ROOT / "configs"):
        sys.exit(status)  # a notebook would show even sys.exit(0) as an exception
