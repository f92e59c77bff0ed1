"""Ctrl-C waits for a safe place, threads included, and is never waited for in vain."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
import weakref

import numpy as np
import pytest

import unseen
from unseen import Gaussian, MaxIterations, Mixture
from unseen.core.interrupt import check, interruptible
from unseen.core.workers import Workers


@pytest.fixture(autouse=True)
def heard():
    """A shell that starts commands in the background tells them to ignore Ctrl-C; these tests are about hearing it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(number=signal.SIGINT):
    """What a terminal does; Python has called its handler when this returns."""
    os.kill(os.getpid(), number)
    time.sleep(0)


def test_a_note_waits_for_the_question():
    with pytest.raises(KeyboardInterrupt), interruptible():
        press()
        done = "and nothing was torn apart"
        check()
    assert done
    check()  # told once
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_nobody_asked_for_comes_out_at_the_end_of_the_outermost_block():
    reached = []
    with pytest.raises(KeyboardInterrupt), interruptible():
        with interruptible():
            press()
        reached.append("inner")
    assert reached == ["inner"]
    check()


def test_pressed_twice_it_waits_no_longer():
    with pytest.raises(KeyboardInterrupt), interruptible():
        press()
        press()
        pytest.fail("still here")
    check()


def test_another_error_takes_the_note_with_it():
    with pytest.raises(ZeroDivisionError), interruptible():
        press()
        raise ZeroDivisionError
    check()


def test_a_handler_of_someone_else_stays():
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with interruptible():
            press()
            check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_other_threads_change_no_handler_and_sigterm_is_left_alone():
    kept = []

    def look():
        with interruptible():
            kept.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    with interruptible():
        kept.append(signal.getsignal(signal.SIGTERM))
    assert kept == [signal.default_int_handler, signal.SIG_DFL]


@pytest.mark.parametrize("how", [{"engine": "memory"}, {"workers": 2}, {"engine": "outofcore", "workers": 3}])
@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_fit_keeps_what_it_has(how, at):
    x = np.random.default_rng(0).normal(size=(4000, 3))

    def observe(event):
        if event.name == "iteration" and event.facts["iteration"] == at:
            press()

    options = {"seed": 0, "restarts": 1, "block_rows": 500, "stop": MaxIterations(50), **how}
    fit = unseen.fit(Mixture(Gaussian("full"), 3), x, observers=(observe,), **options)
    assert fit.outcome.name == "interrupted" and fit.iterations == at and np.isfinite(fit.loglik)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again = unseen.fit(Mixture(Gaussian("full"), 3), x, **options)
    assert again.outcome.name == "hit the cap"


# ---- threads


class Slow:
    """A number that takes its time."""

    def __init__(self, running):
        self.running = running

    def __call__(self, i):
        self.running.append(i)
        time.sleep(0.01)
        self.running.remove(i)
        return i


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_after_an_error_nobody_goes_on_working(error):
    running, workers = [], Workers(3)

    def f(i):
        if i == 4:
            raise error
        return Slow(running)(i)

    with pytest.raises(error):
        workers.sum(f, range(100))
    assert running == []
    assert workers.sum(lambda i: i, range(100)) == 4950


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that send signals")
def test_an_exception_out_of_nowhere_leaves_nobody_waiting():
    """As Python's own handler raises it, a hundred times, at whatever place the sum is."""
    workers = Workers(2)
    # a timer of the processor's time, not of the clock's
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    try:
        for i in range(100):
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_VIRTUAL, 0.0003 * (1 + i % 11))
                while True:
                    workers.sum(lambda i: float(np.square(np.arange(2000.0)).sum()), range(8))
            assert workers.sum(lambda i: i, range(10)) == 45
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_threads_end_with_their_workers():
    workers = Workers(3)
    workers.sum(lambda i: i, range(10))
    threads = list(workers._threads)
    assert len(threads) == 3
    del workers
    gc.collect()
    for thread in threads:
        thread.join()


def test_threads_keep_no_block_while_they_wait():
    class Block:
        pass

    block = Block()
    alive = weakref.ref(block)
    workers = Workers(2)
    workers.sum(lambda i, b=block: 1, range(10))
    del block
    gc.collect()
    assert alive() is None


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_forked_child_has_threads_of_its_own():
    workers = Workers(2)
    workers.sum(lambda i: i, range(10))
    child = os.fork()
    if not child:
        os._exit(0 if workers.sum(lambda i: i, range(10)) == 45 else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
