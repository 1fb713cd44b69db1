"""Signals as a question: asked in the main thread, and left alone in others."""

import signal
import threading

import pytest

from gengen.training.stopping import stopping


def test_the_first_signal_is_an_answer_and_the_second_acts_as_before():
    before = signal.getsignal(signal.SIGTERM)
    with stopping() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGTERM)
        assert stop()
        assert signal.getsignal(signal.SIGTERM) is before
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.input(
    "Notebooks", "a training in another thread", "guessed", "a line says that Ctrl-C will not save first"
)
def test_in_another_thread_no_signal_is_caught(capsys):
    answers = []

    def train():
        with stopping() as stop:
            answers.append(stop())

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert answers == [False]
    assert capsys.readouterr().err == "gengen: Ctrl-C will not save first, because this is not the main thread.\n"
