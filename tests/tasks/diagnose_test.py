"""What is said of a finished run."""

import json

import pytest

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.runs.healed import Change, Healed, write_healed
from gengen.tasks import diagnose

SIGNATURE = Signature.of_pictures("few", (4, 4, 1), (), {"train": 8, "test": 8}, "")


def trained(folder, lines, model=None, every=10, **training):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(
        json.dumps(
            {"model": {"name": "fake", **(model or {})}, "training": {"seed": 0, "diagnose_every": every, **training}}
        )
    )
    (folder / "data.json").write_text(json.dumps(SIGNATURE.to_json()))
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"step": n, **line}) + "\n" for n, line in lines))
    return folder


def test_the_sentences_are_printed_and_written(tmp_path, capsys):
    lines = [(n, {"samples/spread": 0.01 if 100 <= n < 200 else 1.0}) for n in range(0, 400, 10)]
    run = trained(tmp_path / "run", lines)
    path = diagnose.main(run, output=None)
    assert path == run / "diagnosis.txt"
    (said,) = path.read_text().splitlines()
    assert "has collapsed: samples/spread 0.01" in said
    assert "since step 100" in said and "over at step 230" in said and "packing" in said
    assert capsys.readouterr().out == said + "\n"


def test_a_healthy_run_is_said_to_be_healthy_and_what_was_not_looked_at_is_said(tmp_path):
    run = trained(tmp_path / "run", [(n, {"critic/jensen_shannon": 0.1, "samples/spread": 1.0}) for n in range(9)])
    assert diagnose.main(run, output=tmp_path / "said").read_text().splitlines() == [
        f"{run} healthy: no sign of a known illness"
    ]
    old = trained(tmp_path / "old", [(n, {"critic/jensen_shannon": 0.1}) for n in range(9)], every=0)
    assert "never looked at itself" in diagnose.main(old, output=None).read_text()


@pytest.mark.parametrize(("training", "more"), [({"seed": 3, "seeds": 1}, 0), ({"seed": 3, "seeds": 4}, 1)])
def test_of_several_seeds_it_is_said_which_was_looked_at(tmp_path, training, more):
    run = trained(tmp_path / "run", [(n, {"samples/spread": 1.0}) for n in range(9)], **training)
    said = diagnose.main(run, output=None).read_text().splitlines()
    assert len(said) == 1 + more
    assert ("looked at seed 3 only" in said[-1] and "the seeds 3 to 6" in said[-1]) == bool(more)


def test_codes_are_counted_by_the_config(tmp_path):
    lines = [(n, {"autoencoder/perplexity": 3.0}) for n in range(9)]
    assert "codes are dead" in diagnose.main(trained(tmp_path / "a", lines, {"codes": 64}), output=None).read_text()
    assert "healthy" in diagnose.main(trained(tmp_path / "b", lines, {"codes": 4}), output=None).read_text()


@pytest.mark.input("Run folders", "one without metrics yet, which is to be diagnosed", "refused", "until it has some")
def test_a_run_without_metrics_is_refused(tmp_path):
    with pytest.raises(Refusal, match="has written no metrics yet"):
        diagnose.main(trained(tmp_path / "run", []), output=None)


def test_a_run_that_was_healed_and_has_no_metrics_since_says_of_what(tmp_path):
    run = trained(tmp_path / "run", [])
    change = Change("optimizers.critic.rate", 1.0, 0.1)
    healed = Healed(1, "diverging", "critic/loss became inf at step 1", 0, (change,), gone_back=True)
    write_healed(run, [healed])
    assert diagnose.main(run, output=None).read_text().splitlines() == [
        f"{run} {healed.line}",
        f"{run} nothing was measured since",
    ]
