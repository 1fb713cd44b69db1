"""What the README says is what the code does."""

import re
from pathlib import Path

from gengen.tasks.describe import list_experiments

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_experiments_is_what_list_prints(capsys):
    list_experiments(ROOT / "configs")
    assert capsys.readouterr().out.strip() in README


def test_every_file_that_it_names_is_there():
    paths = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(paths) >= 4
    for path in paths:
        assert (ROOT / path).is_file(), path


def test_every_flag_and_key_that_it_names_exists(launch):
    said = launch("--config=configs/wgan.py:tiny", "--dry_run").stdout
    for key in re.findall(r"--config\.[a-z]+\.([a-z_]+)", README):
        assert f"{key}: " in said, key
    defined = (ROOT / "launch.py").read_text(encoding="utf-8")
    for flag in set(re.findall(r"--([a-z_]+)[= `]", README)) - {"xla_gpu_deterministic_ops"}:
        assert f'"{flag}"' in defined, flag
