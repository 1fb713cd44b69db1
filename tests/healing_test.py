"""What the benchmark of healing makes of runs: their modes at the end, and which of them end as healthy ones."""

import json

import pytest

from benchmarks import healing
from benchmarks.healing import WARDS, Outcome
from gengen.runs.check import check_config
from gengen.runs.healed import Healed, write_healed


def of(modes, *has, healed=()):
    return Outcome("collapse", healed, modes, has)


def test_a_run_is_as_healthy_as_the_worst_healthy_one_on_its_data():
    ring, digits = (next(ward for ward in WARDS if ward.on == on) for on in ("ring", "digits"))
    went = (("collapse", 1_500, 1_200),)
    rows = list(
        healing.rows_of(
            {
                (ring, 1): {"ill": of(0.1), "healed": of(0.8, healed=went), "healthy": of(0.8)},
                (ring, 2): {"ill": of(0.1), "healed": of(0.79), "healthy": of(1.0)},
                (ring, 3): {"ill": of(0.1), "healed": of(1.0, "collapse"), "healthy": of(1.0)},
                (digits, 1): {"ill": of(0.1), "healed": of(0.7, "rotating"), "healthy": of(0.7)},
            }
        )
    )
    assert [row["as healthy"] for row in rows] == [True, False, False, True]
    lines = healing.as_table(rows).splitlines()
    assert "| collapse at 1,500, back to 1,200 " in lines[2] and "| 80 % " in lines[2]
    assert "| 2 of 4 " in lines[-1]


def test_what_became_of_a_run_is_read_from_its_folder(tmp_path):
    """Looks at samples that are no numbers count as none of the modes."""
    lines = [{"step": 50 * n, "samples/spread": 1.0, "samples/modes": 1.0} for n in range(1, 20)]
    lines += [{"step": 950 + 50 * n, "samples/finite": 0.0} for n in range(1, 7)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_healed(tmp_path, [Healed(300, "collapse", "seen", 100, (), gone_back=True)])
    assert healing.outcome(tmp_path) == Outcome("diverging", (("collapse", 300, 100),), 0.0, ("diverging",))


@pytest.mark.parametrize("ward", WARDS, ids=lambda ward: f"{ward.what} {ward.on}")
def test_each_run_can_be_trained_in_a_folder_of_its_own(ward, tmp_path):
    cases = ward.cases()
    for case in cases.values():
        check_config(case.config())
    assert [case.config().training.heal for case in cases.values()] == [False, True, False]
    folders = [case.folder(tmp_path, 1) for own in WARDS for case in own.cases().values()]
    assert len(set(folders)) == 2 * len(WARDS) + len({own.on for own in WARDS})
