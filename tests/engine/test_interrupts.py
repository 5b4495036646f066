"""What a driver hears of signals: how often, whose, and for how long the first one is heeded."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from orchestrator.engine.driving.interrupts import Interrupts


def hear(interrupts: Interrupts, *signals: signal.Signals) -> None:
    """Let signals come while something blocks."""
    with interrupts.listening():
        for one in signals:
            signal.raise_signal(one)
        time.sleep(30)


def test_sigterm_counts_as_said_again_when_its_time_is_over() -> None:
    interrupts = Interrupts(grace=0.05)
    with pytest.raises(KeyboardInterrupt):
        hear(interrupts, signal.SIGTERM)
    assert interrupts.terms == "after 0.05 s it is not waited for"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_person_is_not_hurried() -> None:
    interrupts = Interrupts(grace=0.01)
    with interrupts.listening():
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)
    assert interrupts.asked
    assert "Ctrl-C again" in interrupts.terms


def test_work_that_ends_in_time_is_not_hurt() -> None:
    interrupts = Interrupts(grace=0.05)
    with interrupts.listening():
        signal.raise_signal(signal.SIGTERM)
    for thread in threading.enumerate():
        if thread.name == "interrupts":
            thread.join()


@pytest.mark.parametrize("again", [signal.SIGINT, signal.SIGTERM])
def test_the_second_one_ends_it(again: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        hear(Interrupts(), signal.SIGINT, again)


def test_a_handler_of_somebody_else_stays() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        interrupts = Interrupts()
        with interrupts.listening():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert not interrupts.asked


def test_only_the_main_thread_listens() -> None:
    found = []

    def listen() -> None:
        with Interrupts().listening():
            found.append(signal.getsignal(signal.SIGTERM))

    other = threading.Thread(target=listen)
    other.start()
    other.join()
    assert found == [signal.SIG_DFL]
