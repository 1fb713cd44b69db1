"""Runs of a sweep: each member is the run of its own numbers, all of them are one program, and each has its row."""

import json

import chex
import jax
import numpy as np
import pytest

import gengen
from configs import gan
from gengen.api import train
from gengen.api.ready import ready
from gengen.build.sweep import alone, check_no_sweep, combinations_of
from gengen.cli.dry_run import dry_run
from gengen.core.refusal import Refusal
from gengen.runs import run
from gengen.runs.program import by_combination, members_of
from gengen.runs.run import open_run
from gengen.tasks import compare, diagnose, evaluate, sample
from gengen.training.checkpoint import Checkpoints

STEPS = 20


@pytest.fixture(autouse=True, scope="module")
def standard_promotion():
    """As in a run: whole numbers meet floats."""
    with jax.numpy_dtype_promotion("standard"):
        yield


SWEEP = "optimizers.*.rate=1e-4,1e-3"


def config(sweep=SWEEP, made=gan, **training):
    found = made.get_config("tiny")
    found.evaluation.every = 0
    found.training.update(steps=STEPS, steps_per_dispatch=5, log_every=10, precision="float32", quick_compilation=True)
    found.training.update(checkpoint_every=10, sample_every=0, diagnose_every=10, seed=3, **training)
    found.sweep = sweep
    return found


def arrays_of(folder):
    checkpoints = Checkpoints(folder / "checkpoints", read_only=True)
    arrays = checkpoints.read(STEPS)
    checkpoints.close()
    return arrays


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept") / "run"
    train.run(config(seeds=2), folder)
    return folder


def test_members_are_all_seeds_of_each_combination_under_the_shortest_names_that_tell_them_apart():
    several = config(f"{SWEEP};model.terms.r1.weight=0.3,2", seeds=2)
    assert [member.label for member in members_of(several)][:3] == [
        "rate 0.0001, weight 0.3, seed 3",
        "rate 0.0001, weight 0.3, seed 4",
        "rate 0.0001, weight 2, seed 3",
    ]
    made = config("optimizers.critic.rate=1e-4 , 3e-4; config.optimizers.generator.rate=0.00012345678")
    assert [member.label for member in members_of(made)] == [
        "critic.rate 0.0001, generator.rate 0.00012345678",
        "critic.rate 0.0003, generator.rate 0.00012345678",
    ]
    numbers = {"optimizers.critic.rate": 3e-4, "optimizers.generator.rate": 1.2345678e-4}
    assert combinations_of(made)[1].numbers == numbers
    assert list(by_combination(made).values()) == [[0], [1]]
    assert [member.label for member in members_of(config(""))] == [""]
    older = config("")
    del older["sweep"]
    assert alone(older) is older


def test_a_member_draws_and_measures_what_its_run_alone_does(swept, tmp_path):
    own = alone(config(), 1)
    own.training.seed = 4
    train.run(own, tmp_path / "run")
    one, other = gengen.open_run(swept, member=3), gengen.open_run(tmp_path / "run")
    np.testing.assert_allclose(one.sample(4).astype(int), other.sample(4).astype(int), atol=1)  # of 255
    assert one.config.optimizers.critic.rate == 1e-3
    assert repr(one).endswith(", rate 0.001, seed 4>")
    together, single = (
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (swept, tmp_path / "run")
    )
    np.testing.assert_allclose(together[0]["critic/loss/members"][3], single[0]["critic/loss"], rtol=1e-5)
    assert together[0]["critic/learning_rate/members"] == pytest.approx([1e-4] * 2 + [1e-3] * 2)


def test_a_sweep_goes_on_exactly_and_keeps_its_values(swept, tmp_path):
    first = config(seeds=2)
    first.training.steps = 10
    train.run(first, tmp_path / "run")
    train.run(config(seeds=2), tmp_path / "run")
    chex.assert_trees_all_equal(arrays_of(tmp_path / "run"), arrays_of(swept))
    with pytest.raises(Refusal, match=r"config\.sweep is .* there and .* here"):
        train.run(config(SWEEP.replace("1e-3", "2e-3"), seeds=2), tmp_path / "run")


@pytest.mark.slow
def test_evaluate_and_compare_have_a_row_for_each_combination(swept, tmp_path, capsys):
    path = evaluate.main(open_run(swept), num=100, seed=0, output=None)
    report, said = json.loads(path.read_text()), capsys.readouterr().out
    assert [each["combination"] for each in report["combinations"]] == list(by_combination(config()))
    assert all(each["seeds"] == [3, 4] for each in report["combinations"])
    rows = [line for line in said.splitlines() if line.startswith("| rate 0.001")]
    assert rows
    assert all(" ± " in row for row in rows[:1])
    entry = report["combinations"][1]["scores"]["precision"]["samples"]
    single = evaluate.main(open_run(swept, member=3), num=100, seed=0, output=tmp_path / "one")
    assert entry["members"][1] == json.loads(single.read_text())["scores"]["precision"]["samples"]["value"]
    compared = json.loads(compare.main(swept.parent, output=tmp_path / "compared").read_text())
    assert [row["run"] for row in compared] == [f"run: {name}" for name in by_combination(config())]
    assert {row["seeds"] for row in compared} == {"2"}


def test_pictures_samples_and_sentences_name_each_member(swept, tmp_path):
    with np.load(sample.main(open_run(swept), num=4, seed=0, output=tmp_path / "s", label=None, dark=False)) as saved:
        assert saved["images"].shape[:2] == (4, 4)
        assert saved["seeds"].tolist() == [3, 4] * 2
        assert saved["keys"].tolist() == list(combinations_of(config())[0].numbers)
        assert saved["numbers"][-1].tolist() == [1e-3, 1e-3]
        last = saved["images"][-1]
    np.testing.assert_array_equal(last, gengen.open_run(swept, member=3).sample(4))
    assert gengen.open_run(swept).members == tuple(member.label for member in members_of(config(seeds=2)))
    assert "4 members" in open_run(swept).title
    assert open_run(swept, member=3).title.endswith(" · rate 0.001, seed 4")
    assert open_run(swept, every=False).title.endswith(" · rate 0.0001, seed 3")
    said = diagnose.main(swept, output=tmp_path / "said").read_text()
    assert "looked at rate 0.0001, seed 3 only" in said


@pytest.mark.input("Run folders", "of a sweep: a seed alone, or no member of it", "refused", "says which it has")
def test_a_member_of_a_sweep_is_named_by_its_number_alone(swept):
    with pytest.raises(Refusal, match=r"has a sweep, of which seed=3 alone names no member; .* members 0 to 3 \(rate"):
        gengen.open_run(swept, seed=3)
    with pytest.raises(Refusal, match=r"has members 0 to 3 .*, and no member 4"):
        gengen.open_run(swept, member=4)
    with pytest.raises(Refusal, match="seed=3 and member=1 both name a member"):
        gengen.open_run(swept, seed=3, member=1)


@pytest.mark.input("Values of a config", "a sweep that cannot be read, or has wrong values", "refused", "names the key")
@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("abc", "must be as in KEY=NUMBER"),
        ("optimizers.critic.rate=a", r"config\.optimizers\.critic\.rate has 'a' among its values, which is no number"),
        ("optimizers.critic.rate=1,inf", "has 'inf' among its values, which must be finite"),
        ("optimizers.critic.rate=1,1.0", r"config\.optimizers\.critic\.rate has the same value twice"),
        ("optimizers.critic.rate=1,2;optimizers.*.rate=3", r"names config\.optimizers\.critic\.rate twice"),
        ("optimizers.critic.rate=-1,2", r"config\.optimizers\.critic\.rate=-1\.0 must be a number in"),
        (
            "optimizers.critic.rte=1,2",
            r"config\.optimizers\.critic\.rte is not an argument of .*did you mean rate",
        ),
        ("optimizers.third.rate=1,2", r"there is no section config\.optimizers\.third"),
        ("optimizers.*.speed=1,2", r"config\.optimizers\.\*\.speed stands for no key"),
        ("model.loss=1,2", r"config\.model\.loss=1 must be one of"),
        ("training.steps=10,20", r"config\.training\.steps is no number of a network, a model, an optimizer"),
        ("optimizers.critic.eps=" + ",".join(map(str, range(1, 1002))), r"1,001 combinations.*a run has at most 1,000"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_by_its_key(sweep, said):
    with pytest.raises(Refusal, match=said):
        ready(config(sweep))


@pytest.mark.input("Values of a config", "a sweep of a key that decides what the program is", "refused", "a run each")
@pytest.mark.parametrize(
    ("sweep", "key"),
    [
        ("model.latent=3,4", "model.latent"),
        ("model.critic_steps=1,2", "model.critic_steps"),
        ("model.terms.r1.weight=0,1", "model.terms.r1.weight"),
        ("optimizers.critic.accumulate=2,3", "optimizers.critic.accumulate"),
    ],
)
def test_a_key_that_decides_what_the_program_is_is_refused_before_there_is_a_folder(tmp_path, sweep, key):
    with pytest.raises(Refusal, match=f"config.sweep: config.{key} decides what the program is.*start a run for each"):
        train.run(config(sweep), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(Refusal, match="decides what the program is"):
        dry_run(config(sweep))


@pytest.mark.input("Values of a config", "a sweep where one run is measured", "refused", "one value of each key")
def test_modes_that_take_one_value_of_each_key_refuse_a_sweep():
    with pytest.raises(Refusal, match="would not be heeded: --mode=adapt takes one value of each key"):
        check_no_sweep(config(), "--mode=adapt")


def test_a_member_that_stopped_being_finite_is_judged_with_a_word_about_it(swept, monkeypatch):
    monkeypatch.setattr(run, "frozen", lambda state: np.asarray([-1, -1, -1, 7]))
    report = gengen.open_run(swept, member=3).evaluate(num=100)
    assert report["stopped"] == 7
    assert report["verdict"][0] == "It stopped being finite, and is judged as it was at step 7."
    assert "stopped" not in gengen.open_run(swept, member=2).evaluate(num=100)
