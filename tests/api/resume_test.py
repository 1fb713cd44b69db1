"""Runs that are killed, interrupted, damaged or spread over processes end as a straight run ends: real processes."""

import json
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import chex
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from gengen.api import ready
from gengen.training.checkpoint import Checkpoints

STEPS = 40
TINY = (
    "--config=configs/wgan.py:tiny",
    f"--config.training.steps={STEPS}",
    "--config.training.steps_per_dispatch=2",
    "--config.training.checkpoint_every=4",
    "--config.training.log_every=2",
    "--config.training.sample_every=4",
    "--config.training.film_every=4",
)
SGD = (
    *("--config=configs/wgan.py:tiny", "--config.training.steps=20", "--config.model.clip=1.0"),
    *(
        f"--config.optimizers.{player}.{setting}"
        for player in ("generator", "critic")
        for setting in ("name=sgd", "rate=0.01")
    ),
)


def arrays_of(workdir, step):
    """Reads the checkpoint of a step as a plain reader would."""
    checkpoints = Checkpoints(Path(workdir) / "checkpoints", read_only=True)
    arrays = checkpoints.read(step)
    checkpoints.close()
    return arrays


def lines_of(workdir):
    path = Path(workdir) / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def straight(launch, tmp_path_factory):
    """A run that nothing happened to."""
    workdir = tmp_path_factory.mktemp("straight") / "run"
    done = launch(*TINY, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir


def check_same(workdir, straight):
    chex.assert_trees_all_equal(arrays_of(workdir, STEPS), arrays_of(straight, STEPS))
    timeless = [
        [{**line, "images_per_second": 0, "seconds": 0} for line in lines_of(folder)] for folder in (workdir, straight)
    ]
    assert timeless[0] == timeless[1]
    assert len(timeless[0]) == STEPS // 2


def start_and_stop(command, workdir, number):
    """Starts a run and sends it a signal at a random moment after its first lines."""
    arguments, environment = command(*TINY, f"--workdir={workdir}")
    process = subprocess.Popen(
        arguments,
        env=environment,
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    wanted, limit = random.SystemRandom().randint(1, STEPS // 2 - 4), time.monotonic() + 120
    while len(lines_of_growing(workdir)) < wanted and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.001)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def lines_of_growing(workdir):
    path = Path(workdir) / "metrics.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def events_of(workdir):
    """What TensorBoard shows of a run, but for speeds: {(step, tag): value or picture}."""
    kept = {}
    for path in sorted((workdir / "events").iterdir()):
        content = path.read_bytes()
        while len(content) >= 16 + (length := int.from_bytes(content[:8], "little")):  # the last one may be cut
            event = Event.FromString(content[12 : 12 + length])
            if event.HasField("session_log"):
                kept = {key: value for key, value in kept.items() if key[0] < event.step}
            for value in event.summary.value:
                kept[event.step, value.tag] = value.image.encoded_image_string or value.simple_value
            content = content[16 + length :]
    return {key: value for key, value in kept.items() if "second" not in key[1]}


def files_of(workdir):
    """The paths of all files, but for events and for what Orbax names at random."""
    paths = [path.relative_to(workdir) for path in workdir.rglob("*") if path.is_file()]
    return sorted(path for path in paths if not {"events", "d"} & set(path.parts))


@pytest.mark.input(
    "Kills", "a run that is killed at a random moment and started again", "taken", "ends as if it was not"
)
@pytest.mark.input(
    "Paths", "`--workdir=run [a-z]` and other patterns", "taken", "trained, killed and resumed as any other"
)
def test_a_run_killed_at_a_random_moment_ends_bit_for_bit_like_a_straight_one(command, launch, straight, tmp_path):
    workdir = tmp_path / "run [a-z] \\ *" / "run"  # pictures are titled by the last part
    code, _, _ = start_and_stop(command, workdir, signal.SIGKILL)
    assert code == -signal.SIGKILL
    done = launch(*TINY, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    check_same(workdir, straight)
    assert files_of(workdir) == files_of(straight)
    assert events_of(workdir) == events_of(straight)
    assert {key[0] for key in events_of(workdir) if key[1] == "samples"} == set(range(4, STEPS + 1, 4))


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_and_the_same_command_goes_on(command, launch, straight, tmp_path, number):
    code, output, errors = start_and_stop(command, tmp_path / "run", number)
    assert code == 0, errors
    assert "stopped and saved at step" in output
    stopped = int(output.split("at step ")[1].split()[0])
    assert arrays_of(tmp_path / "run", stopped)["step"] == stopped < STEPS
    done = launch(*TINY, f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    check_same(tmp_path / "run", straight)


@pytest.fixture(scope="module")
def begun(launch, tmp_path_factory):
    """A run that was stopped at step 20."""
    workdir = tmp_path_factory.mktemp("begun") / "run"
    done = launch(*TINY, f"--workdir={workdir}", "--config.training.steps=20")
    assert done.returncode == 0, done.stderr
    return workdir


@pytest.mark.slow  # the checkpoints' own tests have these and eight more, without a process
@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_newest_checkpoint_is_set_aside_and_the_one_before_is_used(launch, tmp_path, begun, straight, damage):
    workdir = tmp_path / "run"
    shutil.copytree(begun, workdir)
    data = max((workdir / "checkpoints" / "20").rglob("d/*"), key=lambda path: path.stat().st_size)
    content = data.read_bytes()
    if damage == "missing":
        data.unlink()
    else:
        half = len(content) // 2
        data.write_bytes(
            content[:half]
            if damage == "truncated"
            else content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        )
    sampled = launch("--mode=sample", f"--workdir={workdir}", "--num=2")
    assert sampled.returncode == 0, sampled.stderr
    done = launch(*TINY, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    for errors in (sampled.stderr, done.stderr):
        assert "checkpoint 20" in errors
        assert "damaged" in errors
        assert "Traceback" not in errors
    assert list((workdir / "checkpoints").glob("damaged-20-*"))
    check_same(workdir, straight)


def test_the_same_command_again_says_that_the_run_is_complete(answer, straight, monkeypatch):
    monkeypatch.setattr(ready, "traced", None)  # nothing is traced for steps that are not taken
    before = lines_of(straight)
    again = answer(*TINY, f"--workdir={straight}")
    assert again.returncode == 0
    assert f"is complete at step {STEPS}" in again.stdout
    assert Path(again.stdout.splitlines()[-1]).is_file()
    assert lines_of(straight) == before


def test_devices_and_processes_agree(command, launch, answer, tmp_path):
    for run, devices in ((launch, 1), (answer, 4)):
        done = run(*SGD, f"--workdir={tmp_path / str(devices)}")
        assert done.returncode == 0, done.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for index in range(2):
        flags = (
            f"--coordinator=127.0.0.1:{port}",
            "--processes=2",
            f"--process={index}",
            f"--workdir={tmp_path / 'two'}",
        )
        arguments, environment = command(*SGD, *flags, devices=2)
        processes.append(
            subprocess.Popen(
                arguments,
                env=environment,
                cwd=Path(__file__).parents[2],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        _, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
    one = arrays_of(tmp_path / "1", 20)
    started = {name: array for name, array in one.items() if array.dtype == np.float32}
    assert len(started) > 20
    for other in ("4", "two"):
        chex.assert_trees_all_close(arrays_of(tmp_path / other, 20), one, atol=1e-5, rtol=0)
        for line, expected in zip(lines_of(tmp_path / other), lines_of(tmp_path / "1"), strict=True):
            assert line["critic/wasserstein"] == pytest.approx(expected["critic/wasserstein"], abs=1e-5)
