"""`--mode=publish`: a run as one file to send."""

from itertools import groupby
from pathlib import Path

from gengen.api.published import CARD, card_of, published, without_places
from gengen.files.archive import pack
from gengen.files.whole import write_whole
from gengen.reports.tables import table
from gengen.runs.outputs import output_files
from gengen.runs.run import Run


def main(run: Run, *, output: Path | None) -> Path:
    """Packs what a run needs to be used and gone on with into a zip, with a card and the digest of each file.

    Of the checkpoints the one that was asked for goes, with the state of its optimizers. Where the data lie on this
    machine does not. A card that is there stays, as somebody may have written in it.

    Args:
      run: the run.
      output: the .zip to write, with its ending or without; that of the run folder's name, beside it, by default.

    Returns:
      The path of the zip, which `gengen.open_run` and `--workdir` take.
    """
    folder = run.folder.absolute()
    (path,) = output_files(output, folder.with_name(f"{folder.name}.zip"), ".zip")
    if not (folder / CARD).exists():
        write_whole(folder / CARD, card_of(run))
    files = published(run)
    rows = []
    for part, group in groupby(sorted(files), lambda file: file.partition("/")[0]):
        sizes = [(folder / file).stat().st_size for file in group]
        rows.append([part, len(sizes), f"{sum(sizes) / 1e3:,.0f}"])
    print(table(rows, ("what goes", "files", "kB")))
    return pack(folder, files, path, without_places(run, files))
