"""How far a run is, shown where somebody looks: a bar in a terminal and in a notebook, plain lines in a log file."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from gengen.core.mean import Mean
from gengen.training.report import Report, in_notebook


class Silent:
    """A writer that nothing comes of."""

    def scalars(self, step, values):
        pass


def reported(steps=200, log_every=50):
    report = Report(Silent(), start=0, steps=steps, batch_size=4, log_every=log_every)
    for step in range(steps):
        report(step, step + 1, {"loss": Mean(np.ones(1), np.ones(1))})
    report.close()


@pytest.fixture
def notebook(monkeypatch):
    """A kernel of a notebook in which no widgets are installed."""
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace()))
    for name in ("IPython.display", "ipywidgets"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_a_log_file_gets_a_line_now_and_then_and_no_bar(capsys):
    assert not in_notebook()
    reported()
    said = capsys.readouterr().err
    assert "\r" not in said
    assert [line.split(",")[0] for line in said.splitlines()] == [f"step {step}/200" for step in (50, 100, 150, 200)]


@pytest.mark.filterwarnings("error")
def test_a_notebook_without_widgets_has_a_bar_of_characters(notebook, capsys):
    assert in_notebook()
    reported()
    said = capsys.readouterr().err
    assert "200/200" in said and "loss 1" in said and "\r" in said
    assert "step 50/200" not in said
    assert said.count("\r") < 40, "it is drawn a few times a second, and not at every step"
