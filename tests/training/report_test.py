"""How far a run is, where somebody looks: a bar in a terminal and in a notebook, few plain lines in a log file."""

import importlib
import os
import pty
import re
import select
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gengen.core.mean import Mean
from gengen.training import report as report_module
from gengen.training import screen
from gengen.training.headline import Headline
from gengen.training.report import LINES, Report, stride
from gengen.training.screen import Log, Notebook, Nowhere, in_notebook, screen_of
from gengen.training.status import Status, duration, fitted, number, speed

pytestmark = pytest.mark.quick

CONFIGS = Path(__file__).parents[2] / "configs"

LONG = ("autoencoder/squared_error", "category_critic/jensen_shannon", "critic/jensen_shannon", "generator/against")
"""Names of metrics as long as any that a shipped experiment has."""


class Silent:
    """A writer that nothing comes of."""

    def scalars(self, step, values, members):
        pass


def means(values, steps=8):
    """Metrics of a window, each with its values at every step."""
    return {name: Mean(np.broadcast_to(value, steps), np.ones(steps)) for name, value in values.items()}


def reported(steps=200, log_every=50, window=1, names=("loss",), start=0, **every):
    report = Report(Silent(), start=start, steps=steps, batch_size=4, log_every=log_every, every=every)
    for step in range(start, steps, window):
        last = min(step + window, steps)
        report(step, last, {name: Mean(np.ones(1), np.ones(1)) for name in names})
        for kind, often in every.items():
            if often and last // often > step // often:
                report.say(last, [kind, "x" * 300], often if kind == "drawing" else 0)
    report.close()


def test_the_rate_of_the_last_step_is_written_of_players_that_moved():
    written = []
    writer = SimpleNamespace(scalars=lambda step, values, members: written.append((step, values)))
    rates = {"critic/learning_rate": 0.5, "prior/learning_rate": 9.0, "average/decay": 0.1}
    report = Report(
        writer,
        start=0,
        steps=20,
        batch_size=4,
        log_every=10,
        rates=lambda step: {name: rate * step for name, rate in rates.items()},
    )
    for first in (0, 10):
        report(first, first + 10, means({"critic/loss": 1.0}, 10))
    report.close()
    assert [(step, {name for name in values if "rate" in name}) for step, values in written] == [
        (10, {"critic/learning_rate"}),
        (20, {"critic/learning_rate"}),
    ]
    assert [values["critic/learning_rate"] for _, values in written] == [4.5, 9.5]
    assert [values["average/decay"] for _, values in written] == pytest.approx([0.9, 1.9])


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when a test says so."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(report_module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def test_a_log_file_gets_a_line_now_and_then_and_no_bar(capsys):
    assert not in_notebook()
    reported()
    said = capsys.readouterr().err
    assert "\r" not in said and "\x1b" not in said
    steps = [int(re.match(r"step +(\d+)/200 +\d+%  .*loss 1\.000$", line)[1]) for line in said.splitlines()]
    assert steps == [20 * index for index in range(1, 11)]
    assert "100%" in said.splitlines()[-1] and "took 0:00" in said.splitlines()[-1]


def lengths():
    """Steps, and how often pictures are drawn and samples judged, of every shipped run."""
    found = set()
    for path in CONFIGS.glob("*.py"):
        module = importlib.import_module(f"configs.{path.stem}")
        for variant in ("", *getattr(module, "VARIANTS", ())) if path.stem != "__init__" else ():
            config = module.get_config(variant)
            training, often = config.training, config.evaluation.every
            epochs = training.epochs * 60_000 / training.batch_size  # of MNIST; the digits are fewer
            for steps in {training.steps if not epochs else int(epochs), *([int(epochs) // 40] if epochs else [])}:
                found.add((steps, training.sample_every, often))
    return sorted(found)


def test_no_shipped_run_prints_more_than_forty_lines(capsys):
    found = lengths()
    assert max(steps for steps, *_ in found) == 9_840_000
    for steps, pictures, scores in found:
        reported(steps, 100, max(min(pictures, scores or steps, steps), steps // 400), drawing=pictures, judging=scores)
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) <= 40 - 3, "the objective, the end and the last path, on standard output, are three more"
        if steps // pictures <= LINES:
            assert sum("drawing" in line for line in lines) == steps // pictures, "each picture has a line"
        assert sum("judging" in line for line in lines) == (steps // scores if scores else 0)


@pytest.mark.parametrize("steps", [1, 16, 17, 30_000, 99_999])
def test_lines_are_at_round_steps_and_neither_many_nor_few(steps):
    assert steps // stride(steps) <= LINES
    assert stride(steps) == 1 or steps // stride(steps) >= LINES // 2.5 - 1
    assert str(stride(steps)).rstrip("0") in ("1", "2", "5")


def noise(seed, steps=8):
    return np.random.default_rng(seed).normal(1.4, 1e-3, steps).astype(np.float32)


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ({"critic/loss": -noise(0), "critic/wasserstein": noise(0), "generator/loss": noise(1)},
         ["critic/wasserstein", "generator/loss"]),
        ({"critic/gradient_norm": noise(3), "critic/jensen_shannon": np.float32(np.log(2)) - noise(0) / 2,
          "critic/loss": noise(0), "generator/gradient_norm": noise(4), "generator/loss": noise(1)},
         ["critic/jensen_shannon", "generator/loss"]),
        ({"critic/gradient_penalty": noise(2), "critic/loss": 10 * noise(2) - noise(0), "critic/wasserstein": noise(0),
          "generator/loss": noise(1)}, ["critic/loss", "generator/loss"]),
        ({"vae/bound": 9 - noise(0), "vae/divergence": noise(1), "vae/learning_rate": 1e-3, "vae/loss": noise(8) - 9,
          "vae/reconstruction": noise(2), "vae/zero": 0.0}, ["vae/bound", "vae/divergence", "vae/reconstruction"]),
        ({f"{player}/loss": noise(index) for index, player in enumerate("abcd")}, ["a/loss", "b/loss", "c/loss"]),
        ({"early/light": noise(0)}, ["early/light"]),
    ],
)  # fmt: skip
def test_two_or_three_numbers_are_shown_and_none_with_two_signs(metrics, shown):
    headline = Headline()
    halves = [{name: values[part] if np.ndim(values) else values for name, values in metrics.items()}
              for part in (slice(0, 2), slice(2, 8))]  # fmt: skip
    for half in halves:
        found = headline(means(half, len(next(iter(half.values())))))
    assert found == shown
    assert headline(means({name: noise(9) for name in metrics})) == shown, "they stay"
    assert headline(means({"prior/loss": noise(0)})) == ["prior/loss"], "of a stage with other metrics"


def test_the_time_left_knows_what_is_still_to_be_judged_and_compiled_steps_are_not_the_speed(clock):
    """A thousand steps of 0.1 s, 20 s of judging every 250 and at the end, and 60 s of compiling, twice."""
    steps, off = 1000, []
    report = Report(Silent(), start=0, steps=steps, batch_size=4, log_every=50, every={"judging": 250})
    for first in range(0, steps, 10):
        if first in (0, 500):  # where a stage begins
            with report.compiling(first):
                clock.now += 60
        clock.now += 1
        report(first, first + 10, means({"loss": 1.0}))
        last = first + 10
        if last % 250 == 0:
            with report.paused("judging"):
                clock.now += 20
        if first:
            assert report._pace.rate == pytest.approx(10)
        if last >= 250:
            truth = 0.1 * (steps - last) + 20 * (4 - last // 250)
            off.append(report._pace.left(last) - truth)
    np.testing.assert_allclose(off, 0, atol=1e-9)


def test_steps_that_were_taken_while_something_was_compiled_are_no_speed(clock):
    """One dispatch is in flight: the last, shorter one is compiled while the device takes the steps before it."""
    report = Report(Silent(), start=0, steps=74, batch_size=4, log_every=50)
    for first in (0, 25):
        clock.now += 5
        report(first, first + 25, means({"loss": 1.0}))
    with report.compiling(50):
        clock.now += 8
    clock.now += 1e-4
    report(50 - 10, 50, means({"loss": 1.0}))
    clock.now += 5
    report(50, 74, means({"loss": 1.0}))
    assert report._pace.rate == pytest.approx(5)


def test_the_speed_follows_a_machine_that_slows_down(clock):
    report = Report(Silent(), start=0, steps=10_000, batch_size=4, log_every=50)
    for index in range(200):
        clock.now += 1 if index < 100 else 2
        report(10 * index, 10 * index + 10, means({"loss": 1.0}))
    assert report._pace.rate == pytest.approx(5, rel=1e-3)


@pytest.fixture
def terminal(monkeypatch):
    """Returns `columns -> read`: standard error is a pseudo terminal of so many columns; `read` is what it was sent."""
    opened = []

    def build(columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm-256color")
        leader, follower = pty.openpty()
        stream = os.fdopen(follower, "w", encoding="utf-8")
        opened.extend([leader, stream])
        monkeypatch.setattr(sys, "stderr", stream)

        def read():
            stream.flush()
            sent = b""
            while select.select([leader], [], [], 0)[0]:
                sent += os.read(leader, 1 << 16)
            return sent.decode()

        return read

    yield build
    for leader, stream in zip(opened[::2], opened[1::2], strict=True):
        stream.close()
        os.close(leader)


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_nothing_is_wider_than_the_terminal_and_what_others_print_comes_above(terminal, columns):
    read = terminal(columns)
    report = Report(Silent(), start=0, steps=20_000, batch_size=4, log_every=0)
    report(0, 10_000, means(dict.fromkeys(LONG, 1e-5)))
    report.say(10_000, ["frechet_distance 3.210", "the best so far", "real data 0.4580"])
    report.say(10_000, [f"/a/folder{'/deep' * 50}/samples/step_00010000.png", "another"])
    print("a warning", file=sys.stderr)
    report.close()
    sent = read()
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent).rstrip())
    assert max(map(len, lines)) < columns
    assert "step 10,000  frechet_distance 3.210" in "\n".join(lines)
    assert any(re.fullmatch(r"step 10,000  \S+/step_00010000.png", line) for line in lines)
    assert "a warning" in lines
    shown = {40: 1, 80: 2, 100: 2, 200: 3}[columns]
    assert lines[-1].split("   ") == [f"{name} 1.000e-05" for name in LONG[:shown]]
    assert ("━" in lines[-2]) == (columns > 40) and "10,000/20,000   50%" in lines[-2]
    assert sent.rstrip().endswith("\x1b[?25h"), "the cursor comes back"


def test_colours_are_left_out_where_nobody_wants_them(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    read = terminal(80)
    reported(steps=1)
    assert not re.search(r"\x1b\[[0-9;]*m", read())


def test_where_nothing_can_be_drawn_there_are_lines_or_nothing(terminal, monkeypatch):
    terminal(80)
    assert not isinstance(screen_of(watched=True), Log)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(screen_of(watched=True), Log)
    assert isinstance(screen_of(watched=False), Nowhere), "another process shows it"
    monkeypatch.setattr(sys, "stderr", None)
    assert isinstance(screen_of(watched=True), Nowhere)


def test_a_notebook_without_widgets_has_a_bar(monkeypatch, capsys):
    drawn = []
    handle = SimpleNamespace(update=lambda shown, raw: drawn.append(shown))
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    display = SimpleNamespace(display=lambda shown, raw, display_id: (drawn.append(shown), handle)[1])
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert isinstance(screen_of(watched=True), Notebook)
    monkeypatch.setattr(screen, "REDRAWN", 3600)
    reported(drawing=100)
    said = capsys.readouterr()
    assert not said.err and said.out.splitlines() == ["step 100  drawing", "step 200  drawing"]
    assert len(drawn) == 2, "it is drawn a few times a second, and not at every step"
    assert '<progress max="200" value="200">' in drawn[-1]["text/html"]
    assert "200/200  100%" in drawn[-1]["text/plain"] and "loss 1.000" in drawn[-1]["text/plain"]


def test_words_for_numbers():
    numbers = [("coder/loss", 1.0), ("coder/bits", 0.5), ("critic/loss", 2.0)]
    assert Status(1, 2, numbers=numbers).readings() == ["coder/loss 1.000", "bits 0.5000", "critic/loss 2.000"]
    assert [duration(seconds) for seconds in (0.4, 7, 59.6, 3723, 100_000)] == [
        *("0:00", "0:07", "1:00", "1:02:03", "27:46:40")
    ]
    assert [speed(rate) for rate in (0.25, 3.21, 1234.5)] == ["4.0 s/step", "3.2 steps/s", "1,234 steps/s"]
    assert [number(value) for value in (0.03, -1.5, 12345.6)] == ["0.03000", "-1.500", "12,346"]
    assert fitted(["abcdef", "gh"], 8, " ") == "abcdef"
    assert fitted(["abcdefghijk"], 8, " ") == "...ghijk"
    assert fitted([], 8, " ") == ""
