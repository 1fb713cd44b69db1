"""`--mode=card`: what a run is, as a page that lies in its folder."""

from pathlib import Path

from gengen.api.published import card_of
from gengen.files.whole import write_whole
from gengen.runs.outputs import output_files
from gengen.runs.run import Run


def main(run: Run, *, output: Path | None) -> Path:
    """Writes the model card of a run, Markdown with a front matter that the Hugging Face Hub reads.

    Args:
      run: the run; scores are those of its `evaluation.json`, if it was judged.
      output: the .md to write, with its ending or without; `README.md` in the run folder by default.

    Returns:
      The path of the card.
    """
    (path,) = output_files(output, run.folder / "README.md", ".md")
    write_whole(path, card_of(run))
    return path
