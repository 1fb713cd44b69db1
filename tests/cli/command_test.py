"""What a user sees: mistakes get one sentence and status 2 and leave nothing behind; each mode makes what it says."""

import errno
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gengen.cli import command as main
from gengen.cli.tasks import TASKS

ROOT = Path(__file__).parents[2]
TINY = "--config=configs/wgan.py:tiny"


def check_refused(done, *words):
    """One sentence on the last line of stderr, no traceback, status 2."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("launch.py: ")
    for word in words:
        assert word in said, said


@pytest.fixture(scope="module")
def trained(launch, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("trained") / "run"
    done = launch(TINY, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir, done


MISTAKES = {
    "unknown key": ([TINY, "--config.model.clop=1"], ["config.model.clop", "not a key"]),
    "unknown key after a known one": (
        [TINY, "--config.training.steps=5", "--config.evaluation.bset=x"],
        ["launch.py: config.evaluation.bset is not a key", "did you mean best?"],
    ),
    "a key that is another now": (
        [TINY, "--config.networks.critic.dtype=bfloat16"],
        ["config.networks.critic.dtype is not a key any more: --config.training.precision is that of all networks."],
    ),
    "unknown section": ([TINY, "--config.modle.clip=1"], ["config.modle.clip", "not a key"]),
    "wrong type": ([TINY, "--config.training.steps=many"], ["config.training.steps", "many"]),
    "negative clip": ([TINY, "--config.model.clip=-1"], ["config.model.clip=-1", "(0, 1e+09]"]),
    "no steps": ([TINY, "--config.training.steps=0"], ["config.training.steps=0", "from 1"]),
    "unknown loss": (
        [TINY, "--config.model.loss=mean"],
        ["'mean'", "minimax, non_saturating, least_squares, wasserstein"],
    ),
    "unknown network": (
        [TINY, "--config.networks.critic.name=vgg"],
        ["config.networks.critic.name='vgg'", "mlp, dcgan"],
    ),
    "no truth value": ([TINY, "--config.training.heal=maybe"], ["--config.training.heal=maybe must be True or False."]),
    "foreign argument": ([TINY, "--config.networks.critic.name=dcgan"], ["config.networks.critic.frequency", "width"]),
    "unknown optimizer": ([TINY, "--config.optimizers.critic.name=adma"], ["'adma'", "adam, adamw, rmsprop, sgd"]),
    "unknown schedule": ([TINY, "--config.optimizers.critic.schedule=up"], ["'up'", "constant, linear, cosine"]),
    "out of reach": (["--config=configs/dcgan.py:tiny", "--config.data.resolution=30"], ["30 x 30", "try 32 x 32"]),
    "unknown variant": (["--config=configs/wgan.py:big"], ["'big' is unknown", "tiny"]),
    "unknown config": (["--config=configs/wagn.py"], ["no such experiment", "wagn"]),
    "not a config": (["--config=configs/base/gans.py"], ["not an experiment"]),
    "unknown flag": ([TINY, "--confg.model.clip=1"], ["confg.model.clip"]),
    "half a cluster": ([TINY, "--processes=2", "--process=1"], ["--coordinator", "all three"]),
    "no width": (["--config=configs/dcgan.py:tiny", "--config.networks.critic.width=0"], ["width=0", "from 1"]),
    "no units": ([TINY, "--config.networks.generator.widths=-3"], ["widths=(-3,)", "-3 is not", "from 1"]),
    "endless epochs": ([TINY, "--config.training.epochs=inf"], ["config.training.epochs=inf"]),
    "seed out of range": ([TINY, "--config.training.seed=4294967296"], ["config.training.seed", "4294967296"]),
    "rate out of range": ([TINY, "--config.optimizers.critic.rate=inf"], ["config.optimizers.critic.rate=inf"]),
    "b1 out of range": (["--config=configs/gan.py:tiny", "--config.optimizers.critic.b1=1.0"], ["b1=1.0", "[0, 1)"]),
    "key without config": (["--config.training.steps=9"], ["need --config=configs/NAME.py"]),
    "no samples": (["--mode=sample", "--num=0"], ["--num=0"]),
    "unknown mode": ([TINY, "--mode=smaple"], ["mode", "|".join(TASKS)]),
    "stray word": ([TINY, "train"], ["'train' is not a flag"]),
    "unknown data": ([TINY, "--config.data.name=mnsit"], ["mnsit", "mnist"]),
    "sample before training": (["--mode=sample", "--workdir={empty}"], ["holds no run"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(answer, tmp_path, mistake):
    flags, words = MISTAKES[mistake]
    workdir = tmp_path / "run"
    done = answer(*(flag.format(empty=workdir) for flag in flags), f"--workdir={workdir}")
    check_refused(done, *words)
    assert not workdir.exists()


def test_a_mistake_is_the_status_of_its_process(launch, tmp_path):
    """What each mistake is told is tested in this process, which takes no start."""
    flags, words = MISTAKES["unknown key"]
    check_refused(launch(*flags, f"--workdir={tmp_path / 'run'}"), *words)
    assert not list(tmp_path.iterdir())


def test_a_process_without_a_cluster_says_so(launch, tmp_path):
    check_refused(launch(TINY, "--distributed", f"--workdir={tmp_path / 'run'}"), "cannot join the others")
    assert not list(tmp_path.iterdir())


def test_no_flags_at_all_are_answered_with_what_to_write(launch):
    check_refused(launch(), "--config=configs/NAME.py", "--list")


def test_a_batch_that_devices_cannot_share_is_refused_with_ones_that_they_can(answer, tmp_path):
    done = answer(TINY, "--config.training.batch_size=6", f"--workdir={tmp_path / 'run'}")
    check_refused(done, "batch_size=6", "4 devices", "4 or 8")


def test_another_experiment_in_the_folder_is_refused_with_the_keys_that_differ(answer, trained):
    workdir, _ = trained
    before = (workdir / "config.json").read_text()
    done = answer(TINY, "--config.model.clip=0.5", "--config.training.log_every=3", f"--workdir={workdir}")
    check_refused(done, "config.model.clip is 0.01 there and 0.5 here")
    assert "log_every" not in done.stderr
    assert (workdir / "config.json").read_text() == before


def test_other_data_in_the_folder_is_refused(answer, trained, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(12):
        Image.fromarray(np.full((8, 8), number * 20, np.uint8)).save(pictures / f"{number:02}.png")
    folder = (
        TINY,
        "--config.data.name=image_folder",
        f"--config.data.manual_dir={pictures}",
        f"--workdir={tmp_path / 'run'}",
    )
    assert answer(*folder).returncode == 0
    Image.fromarray(np.full((8, 8), 99, np.uint8)).save(pictures / "03.png")
    check_refused(answer(*folder, "--config.training.steps=30"), "data.digest is")


def test_a_folder_without_a_checkpoint_has_nothing_to_sample_from(answer, trained, tmp_path):
    workdir = tmp_path / "run"
    workdir.mkdir()
    for name in ("config.json", "data.json"):
        (workdir / name).write_bytes((trained[0] / name).read_bytes())
    check_refused(answer("--mode=sample", f"--workdir={workdir}"), "no checkpoint")
    assert sorted(path.name for path in workdir.iterdir()) == ["config.json", "data.json"]


def test_a_workdir_that_is_a_file_is_named(answer, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    check_refused(answer(TINY, f"--workdir={file}"), str(file), "cannot be used")
    assert file.read_text() == "mine"


def test_a_folder_in_use_is_refused_and_its_run_is_left_alone(command, answer, tmp_path):
    workdir = tmp_path / "run"
    flags = (TINY, "--config.training.steps=100000", f"--workdir={workdir}")
    arguments, environment = command(*flags)
    with subprocess.Popen(
        arguments, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as first:
        limit = time.monotonic() + 100
        while not (workdir / "metrics.jsonl").exists() and time.monotonic() < limit:
            time.sleep(0.05)
        check_refused(answer(*flags), str(workdir), "another process")
        first.send_signal(signal.SIGINT)
        first.wait(timeout=100)
        assert first.returncode == 0


def test_a_damaged_run_folder_is_refused_by_name(answer, trained, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(trained[0], workdir)
    (workdir / "data.json").unlink()
    check_refused(answer("--mode=sample", f"--workdir={workdir}"), "data.json", "missing or damaged")
    (workdir / "config.json").unlink()
    check_refused(answer(TINY, f"--workdir={workdir}"), "no config.json")


def test_a_config_may_be_corrected_until_there_is_a_checkpoint(answer, tmp_path):
    critic = ("--config.optimizers.critic.name=sgd", "--config.optimizers.critic.rate=1e6")
    wrong = (TINY, "--config.model.clip=None", *critic, f"--workdir={tmp_path / 'run'}")
    check_refused(answer(*wrong), "no checkpoint was written yet")
    done = answer(TINY, f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr


def test_what_is_left_at_the_end_of_a_run_is_logged_too(answer, tmp_path):
    workdir = tmp_path / "run"
    assert answer(TINY, "--config.training.steps=15", f"--workdir={workdir}").returncode == 0
    assert [json.loads(line)["step"] for line in (workdir / "metrics.jsonl").read_text().splitlines()] == [10, 15]


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(answer, tmp_path):
    workdir = tmp_path / "run"
    flags = ("name=sgd", "rate=1e3")
    good = answer(
        *("--config=configs/wgan.py:tiny", "--config.model.clip=None", f"--workdir={workdir}"),
        *(f"--config.optimizers.{player}.{flag}" for player in ("critic", "generator") for flag in flags),
        *("--config.training.steps_per_dispatch=1", "--config.training.checkpoint_every=1"),
    )
    check_refused(good, " became ", "at step", "checkpoint of step", "is kept")
    step, kept = map(int, re.search(r"at step (\d+) .* checkpoint of step (\d+)", good.stderr).groups())
    assert kept <= step
    assert (workdir / "checkpoints" / str(kept)).is_dir()


def test_no_network_for_mnist_says_where_to_put_which_file_and_what_to_use_meanwhile(answer, tmp_path):
    flags = (
        "--config=configs/wgan.py:mnist",
        f"--workdir={tmp_path / 'run'}",
        f"--config.data.data_dir={tmp_path / 'data'}",
    )
    # A proxy where nobody listens: also on a machine that has a network.
    proxy = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    check_refused(
        answer(*flags, **proxy),
        "train-images-idx3-ubyte.gz",
        "--config.data.manual_dir=FOLDER",
        "--config.data.name=digits",
    )


@pytest.mark.parametrize("megabytes", [pytest.param(3, marks=pytest.mark.slow), 24])
def test_a_full_disk_is_one_sentence(command, tmp_path, megabytes):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk], check=False).returncode:
        pytest.skip("only root may make a small disk")
    try:
        arguments, environment = command(TINY, f"--workdir={disk / 'run'}")
        done = subprocess.run(arguments, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200)
        check_refused(done, str(disk / "run" / "checkpoints"), "full")
        written = [path.name for path in (disk / "run" / "checkpoints").iterdir()]
        assert written == ([] if megabytes == 3 else ["10"])
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.input(
    "Environment", "prepared data below a folder that cannot be written", "refused", "and it does not hang"
)
def test_errors_that_are_chained_in_a_circle_are_looked_at_once(monkeypatch, capsys):
    error, other = PermissionError(errno.EACCES, "Permission denied", "/data"), ValueError()
    error.__context__, other.__context__ = other, error

    def fail(*given):
        raise error

    monkeypatch.setattr(main.experiments, "list_experiments", fail)
    assert main.main(["launch.py", "--list"], ROOT / "configs") == 2
    assert capsys.readouterr().err == "launch.py: /data cannot be used: Permission denied.\n"


def test_training_leaves_a_complete_folder(trained):
    workdir, done = trained
    names = {path.name for path in workdir.iterdir()}
    assert {"config.json", "data.json", "versions.json", "metrics.jsonl", "checkpoints", "samples", "events"} <= names
    last = Path(done.stdout.splitlines()[-1])
    assert last == workdir / "samples" / "step_00000020.png"
    with Image.open(last) as shown:
        assert shown.size[0] > 8 * 48
    assert "critic/wasserstein" in done.stderr
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20]
    assert json.loads((workdir / "config.json").read_text())["model"]["clip"] == 0.01
    assert json.loads((workdir / "data.json").read_text())["fields"]["data"]["shape"] == [8, 8, 1]


def test_samples_come_from_the_folder_alone(launch, answer, trained, tmp_path):
    workdir, _ = trained
    made = []
    for run, name, seed, number in (
        *((launch, name, 0, 10) for name in "ab"),  # two processes
        (answer, "c", 1, 10),
        (answer, "d", 0, 4),
    ):
        output = tmp_path / f"{name}.npz"
        done = run(
            *("--mode=sample", f"--workdir={workdir}", f"--num={number}", f"--seed={seed}", f"--output={output}"),
            TFDS_DATA_DIR=str(tmp_path / "nothing here"),
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == str(output)
        with Image.open(output.with_suffix(".png")) as shown:
            assert shown.size[0] > 48
        with np.load(output) as saved:
            made.append(saved["images"])
    assert made[0].shape == (10, 8, 8, 1)
    assert made[0].dtype == np.uint8
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()
    assert np.abs(made[0][:4].astype(int) - made[3]).max() <= 1  # rounding of another batch size


def test_steps_may_grow_later(answer, tmp_path):
    workdir = tmp_path / "run"
    assert answer(TINY, "--config.training.steps=10", f"--workdir={workdir}").returncode == 0
    more = answer(TINY, "--config.training.epochs=0.5", f"--workdir={workdir}")
    assert more.returncode == 0, more.stderr
    steps = -(-1497 // 2 // 16)
    assert more.stdout.splitlines()[-1].endswith(f"step_{steps:08d}.png")


def test_a_dry_run_tells_everything_and_writes_nothing(answer, tmp_path):
    done = answer(TINY, "--dry_run", f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    for words in ("clip: 0.01", "Network critic", "params/Dense_0/kernel", "data: uint8 [8, 8, 1]", "digits"):
        assert words in done.stdout
    assert not (tmp_path / "run").exists()


def test_help_names_the_flags(answer):
    done = answer("--help")
    assert done.returncode == 0
    for flag in ("--config", "--mode", "--workdir", "--num", "--list", "--keys", "--grep"):
        assert flag in done.stdout


def test_the_list_names_every_experiment(answer):
    done = answer("--list")
    assert done.returncode == 0
    for name in ("dcgan", "gan", "wgan"):
        assert re.search(rf"^{name} +\w+.* +[\d.]", done.stdout, re.MULTILINE)


def test_the_default_folder_is_named_after_the_experiment_and_its_variant(answer, tmp_path):
    done = answer(f"--config={ROOT}/configs/wgan.py:tiny", "--config.training.steps=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "runs/wgan-tiny/samples/step_00000002.png"


def test_help_and_lists_do_without_jax():
    program = "import sys; from gengen.cli import command; from pathlib import Path\n"
    for flag in ("--help", "--list", "--list=wgan"):
        program += f"assert command.main(['launch.py', {flag!r}], Path('configs')) == 0\n"
    program += "assert not {'jax', 'numpy', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
