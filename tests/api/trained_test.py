"""The Python face: what the command line gives, in NumPy's arrays and the data's own units."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import gengen
from configs import cvae, vae, wgan
from gengen.api import coding, entry, walks
from gengen.api import trained as face
from gengen.api.checks import checked_data
from gengen.cli import command, machine
from gengen.core.field import Field

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")  # of ml_collections, by Python


@pytest.fixture(scope="module")
def runs(data_dir, tmp_path_factory):
    """Tiny runs by name."""
    folder, made = tmp_path_factory.mktemp("runs"), {}
    for config in (vae, cvae, wgan):
        name = config.__name__.rpartition(".")[2]
        settings = config.get_config("tiny")
        settings.data.data_dir = str(data_dir)
        with jax.numpy_dtype_promotion("standard"):
            made[name] = gengen.train(settings, folder / name)
    return made


@pytest.fixture
def launched(monkeypatch, capsys):
    """Returns `(*flags) -> path` of what a command line made in this process."""
    monkeypatch.setattr(machine, "keep_compilations", lambda: None)

    def run(*flags):
        assert command.main(["launch.py", *map(str, flags)], ROOT / "configs") == 0, capsys.readouterr().err
        return Path(capsys.readouterr().out.splitlines()[-1])

    return run


def folder_of(run):
    return run._run.folder


def test_training_gives_the_run_that_opening_its_folder_gives(runs):
    for name, run in runs.items():
        again = gengen.open_run(str(folder_of(run)))
        assert (run.step, run.config.model.name, run.signature) == (
            again.step,
            again.config.model.name,
            again.signature,
        )
        np.testing.assert_array_equal(run.sample(3), again.sample(3))
        assert repr(run).startswith(f"<{folder_of(run)}, step {run.step}, latest checkpoint"), name


@pytest.mark.parametrize("name", ["wgan", "cvae"])
def test_samples_are_bit_for_bit_those_of_the_command_line(runs, launched, tmp_path, name):
    run = runs[name]
    path = launched(
        "--mode=sample", f"--workdir={folder_of(run)}", "--num=300", "--seed=5", f"--output={tmp_path / name}"
    )
    with np.load(path) as saved:
        np.testing.assert_array_equal(run.sample(300, seed=5), saved["images"])
        np.testing.assert_array_equal(gengen.open_run(folder_of(run)).sample(300, seed=5), saved["images"])
    if name == "cvae":
        path = launched(
            "--mode=sample", f"--workdir={folder_of(run)}", "--num=7", "--label=3", f"--output={tmp_path}/3"
        )
        with np.load(path) as saved:
            for label in (3, "3", np.full(7, 3), np.int64(3)):
                np.testing.assert_array_equal(run.sample(7, condition={"label": label}), saved["images"])


def test_reconstructions_and_paths_are_those_of_the_command_line(runs, launched, tmp_path):
    run = runs["vae"]
    flags = (f"--workdir={folder_of(run)}", "--seed=2")
    with np.load(
        launched("--mode=reconstruct", *flags, "--num=20", f"--output={tmp_path / 'a'}").with_suffix(".npz")
    ) as saved:
        np.testing.assert_array_equal(run.reconstruct(saved["images"], seed=2), saved["reconstructions"])
        images = saved["images"]
    path = run.interpolate(images[:4], images[4:8], steps=5, seed=2)
    np.testing.assert_array_equal(path[:, 0], run.reconstruct(images[:4], seed=2))
    # the second ends share the noise of the first ones of their rows
    codes = run.encode(np.concatenate([images[:4], images[4:8]]), seed=2)
    np.testing.assert_array_equal(path[:, -1], run.decode(codes[4:], seed=2))


def test_walks_are_those_of_the_command_line(runs, launched, tmp_path, sheets):
    run = runs["wgan"]
    flags = (f"--workdir={folder_of(run)}", "--seed=2")
    draws = run.latents(3, seed=2)
    launched("--mode=manifold", *flags, "--num=4", "--spherical", f"--output={tmp_path / 'b'}")
    np.testing.assert_array_equal(sheets[-1].cells[..., None], run.plane(draws, num=4, spherical=True))
    path = launched("--mode=arithmetic", *flags, "--formula=0,1-2+3", f"--output={tmp_path / 'd'}")
    with np.load(path.with_suffix(".npz")) as saved:
        np.testing.assert_array_equal(saved["exemplars"], run.sample(4, seed=2))
        np.testing.assert_array_equal(saved["results"], run.arithmetic("0,1-2+3", seed=2)["results"])


def test_an_example_does_not_depend_on_how_many_there_are(runs):
    run = runs["vae"]
    images = run.sample(300, seed=1)
    np.testing.assert_allclose(run.encode(images[:5]), run.encode(images)[:5], atol=1e-5)
    np.testing.assert_allclose(run.log_likelihood(images[:5]), run.log_likelihood(images)[:5], rtol=1e-5)
    many, one = (run.log_likelihood(images, samples=samples).mean() for samples in (50, 1))
    assert many > one, "the more samples, the tighter the bound"
    assert (run.log_likelihood(images[:5], seed=1) != run.log_likelihood(images[:5])).any()


def test_arrays_of_another_type_are_taken_where_no_value_changes(runs):
    run, images = runs["vae"], runs["vae"].sample(2)
    np.testing.assert_array_equal(run.encode(images.tolist()), run.encode(images))


@pytest.mark.slow
def test_an_evaluation_is_that_of_the_command_line(runs, launched, tmp_path, capsys):
    run = runs["wgan"]
    capsys.readouterr()
    found = run.evaluate(num=100, seed=3)
    assert capsys.readouterr().out == "" and not list(folder_of(run).glob("evaluation*"))
    path = launched(
        "--mode=evaluate", f"--workdir={folder_of(run)}", "--num=100", "--seed=3", f"--output={tmp_path / 'a'}"
    )
    assert json.loads(path.read_text()) == json.loads(json.dumps(found))
    with pytest.raises(gengen.Refusal, match="99 samples are too few"):
        run.evaluate(num=99)


REFUSED = {
    "another shape": (lambda run: run.encode(np.zeros((2, 8, 8, 3), np.uint8)), r"uint8 \['n', 8, 8, 1\]"),
    "floats for bytes": (lambda run: run.encode(np.zeros((2, 8, 8, 1))), "and these are float64"),
    "one example alone": (lambda run: run.encode(np.zeros((8, 8, 1), np.uint8)), r"\[8, 8, 1\]"),
    "text": (lambda run: run.encode("abc"), "and these are <U3"),
    "latents of another width": (
        lambda run: run.decode(np.zeros((2, 3))),
        r"float32 \['n', 32\], and these",
    ),
    "latents of text": (lambda run: run.decode(np.zeros((2, 32), str)), "and these are <U1"),
    "one latent alone": (lambda run: run.decode(np.zeros(32)), r"these are float64 \[32\]"),
    "no latents": (lambda run: run.decode(np.zeros((0, 32))), "at least one of the latents, and not 0"),
    "a seed that would be another one": (lambda run: run.sample(1, seed=2**32), "seed=4294967296 must lie in"),
    "a seed that is no whole number": (lambda run: run.decode(np.zeros((1, 32)), seed=0.5), "seed=0.5 must lie in"),
    "no samples": (lambda run: run.sample(0), "at least one of the samples, and not 0"),
    "no such condition": (lambda run: run.sample(2, condition={"colour": 1}), "cannot be told 'colour'"),
    "no translation": (lambda run: run.translate(np.zeros((1, 8, 8, 1), np.uint8)), "this model cannot translate"),
    "no importance samples": (lambda run: run.log_likelihood(np.zeros((1, 8, 8, 1), np.uint8), samples=0), "at least"),
    "paths of one step": (lambda run: run.interpolate(run.sample(1), run.sample(1), steps=1), "paths of 1 steps"),
    "latents without their other": (lambda run: run.between(run.latents(1), run.latents(2)), "between 1 and 2 latents"),
    "a plane through two latents": (lambda run: run.plane(run.latents(2)), "three latents, and these are 2"),
    "numbers that a latent has not": (lambda run: run.traverse(axes=[32]), "different numbers from 0 to 31"),
    "ends without their other": (lambda run: run.interpolate(run.sample(1), run.sample(2)), "between 1 and 2 examples"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_one_sentence(runs, mistake):
    call, words = REFUSED[mistake]
    with pytest.raises(gengen.Refusal, match=words):
        call(runs["vae"])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_examples_are_finite_numbers_of_the_datas_type(value):
    data = np.array([[0.0, 1.0], [value, 0.0]])
    with pytest.raises(gengen.Refusal, match="example 1 of these holds what is no finite number"):
        checked_data(data, Field((2,), "float32"), Path("run"))


def test_only_experiments_are_trained(tmp_path):
    experiment = str(ROOT / "configs" / "wgan.py")
    with pytest.raises(gengen.Refusal, match="variant 'other' is unknown; leave it out or choose one of tiny"):
        gengen.load_config(f"{experiment}:other")
    for config, kind in ((experiment, "str"), (gengen.load_config(experiment).to_dict(), "dict")):
        with pytest.raises(gengen.Refusal, match=f"as load_config gives it, and this is a {kind}"):
            gengen.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("label", [10, -1, "ten", 1.5, [0, 1], [0, 1, 10], np.zeros((3, 2), int)], ids=str)
def test_a_class_that_there_is_not_is_refused(runs, label):
    with pytest.raises(gengen.Refusal, match="label"):
        runs["cvae"].sample(3, condition={"label": label})


def test_a_model_with_labels_wants_to_know_them(runs):
    images = runs["cvae"].sample(3)
    with pytest.raises(gengen.Refusal, match=r'has to be told the class: condition={"label": CLASS}'):
        runs["cvae"].encode(images)
    codes = runs["cvae"].encode(images, condition={"label": [0, 1, 2]})
    np.testing.assert_array_equal(
        runs["cvae"].decode(codes, condition={"label": [0, 1, 2]}),
        runs["cvae"].reconstruct(images, condition={"label": [0, 1, 2]}),
    )


def test_the_examples_of_the_docstrings_are_true(runs):
    names = {"run": runs["vae"], "folder": folder_of(runs["vae"]), "gengen": gengen}
    names |= {"images": runs["vae"].sample(5), "codes": runs["vae"].encode(runs["vae"].sample(5))}
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    found = [test for module in (entry, coding, walks, face) for test in finder.find(module, extraglobs=names)]
    tried = [test for test in found if test.examples]
    for test in tried:
        assert runner.run(test).failed == 0, test.name
    assert len(tried) >= 11


HEAVY = ("tensorflow", "tensorflow_datasets", "sklearn", "scipy", "matplotlib", "pandas")


def test_a_fresh_interpreter_imports_what_it_needs_and_no_more(runs, request):
    folder = folder_of(runs["wgan"])
    program = (
        "import sys, gengen; assert 'jax' not in sys.modules, 'gengen alone'; "
        f"print(gengen.open_run({str(folder)!r}).sample(2).shape, [name for name in {HEAVY} if name in sys.modules])"
    )
    _, environment = request.getfixturevalue("command")()
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "(2, 8, 8, 1) []\n", done.stderr
    assert "absl" not in done.stderr
