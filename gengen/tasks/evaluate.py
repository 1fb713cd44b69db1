"""`--mode=evaluate`: how good a run is, and how far each number can be trusted."""

import json
from pathlib import Path

from gengen.evaluation.evaluate_run import judged
from gengen.files.whole import write_whole
from gengen.pictures.grid import save_png
from gengen.reports.combinations import said_of_sweep
from gengen.reports.evaluations import said
from gengen.runs.outputs import output_files
from gengen.runs.run import Run


def main(run: Run, *, num: int, seed: int, output: Path | None) -> Path:
    """Measures all that can be measured of a run; prints it, and writes it as JSON with a picture beside it.

    That is above all how good its samples are; of a model that translates or makes pairs of samples, how good these
    are; and of one that only recognises, how many examples it names right. Of a run of several seeds all are judged,
    unless one is asked for: numbers are then means over seeds, and the picture shows the first. Of a sweep each
    combination has a row.

    Args:
      run: the run.
      num: number of samples or held-out examples; there are no more of them than training examples.
      seed: of the noise.
      output: the .json to write, with its ending or without; `evaluation.json` in the run folder by default.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: a number is out of range, the data of the run are gone or other ones, a score or an extractor cannot be
        had, or there is nothing to judge.
    """
    path, picture = output_files(output, run.folder / "evaluation.json", ".json", ".png")
    report, found = judged(run, num=num, seed=seed)
    fewer = report.get("combinations", [report])[0].get("sizes", {}).get("samples", num) < num
    print((said_of_sweep if "combinations" in report else said)(report) + "\n")
    if fewer:
        print(f"There are no more training examples to set beside --num={num:,} samples.\n")
    for section in found.values():
        if section.picture:
            file = picture.with_stem(f"{picture.stem}-{section.name}") if section.name else picture
            save_png(file, section.picture())
            print(file)
    write_whole(path, json.dumps(report, indent=2))
    return path
