"""`--mode=diagnose`: what went wrong in a run, from what was measured while it trained."""

from pathlib import Path

from gengen.core.refusal import Refusal
from gengen.diagnosis.course import Finding, diagnosed
from gengen.files.whole import write_whole
from gengen.runs.folder import opened
from gengen.runs.healed import read_healed
from gengen.runs.outputs import output_files
from gengen.runs.program import members_in_words, members_of
from gengen.training.writer import read_lines


def main(folder: Path, *, output: Path | None) -> Path:
    """Prints what a run was healed of and its illnesses, those that are over too, and writes the same sentences.

    A run whose config says `training.diagnose_every=0`, or that is older than the key, has only the numbers that each
    step gives away: nothing is known of its samples. Of several seeds, samples and updates are the first one's.

    Args:
      folder: the run folder.
      output: the .txt to write; `diagnosis.txt` in the run folder by default.

    Returns:
      The path of the text.

    Raises:
      Refusal: there is no run there, or it has written no metrics yet and was healed of nothing.
    """
    config, _ = opened(folder)
    lines, healed = read_lines(folder / "metrics.jsonl"), read_healed(folder)
    if not lines and not healed:
        raise Refusal(f"{folder} has written no metrics yet; train it until config.training.log_every.")
    (path,) = output_files(output, folder / "diagnosis.txt", ".txt")
    found = diagnosed(lines, config.model.get("codes", 0))
    said = [one.line for one in healed]
    healthy = "healthy: no sign of a known illness" if lines else "nothing was measured since"
    said += [_line(finding) for finding in found] or [healthy]
    if not config.get("training", {}).get("diagnose_every", 0):
        said.append("it never looked at itself: train with config.training.diagnose_every above 0 to know more")
    elif len(members := members_of(config)) > 1:
        said.append(
            f"it looked at {members[0].label} only; what each step measures is the mean over the "
            f"{members_in_words(config)}"
        )
    text = "\n".join(f"{folder} {sentence}" for sentence in said)
    write_whole(path, text + "\n")
    print(text)
    return path


def _line(finding: Finding) -> str:
    over = "" if finding.until is None else f" (over at step {finding.until:,})"
    return finding.sentence + over
