"""Ctrl-C as a question that is asked between blocks and iterations, not an exception in the middle of one.

Python's own handler raises `KeyboardInterrupt` wherever the main thread happens to be, also between taking a lock and
letting it go; a thread that needs the lock then waits for ever, and so does whoever waits for that thread.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CODE = 130  # of a process that an interrupt ended
PATIENCE = 1.0  # seconds that a command has to write or to tidy up, before Ctrl-C pressed again ends it at once


class _Note:
    """Whether Ctrl-C was pressed, and what happens when it is pressed again before anyone asked."""

    asked = False
    process_ends = False
    patient_until = 0.0
    ending = False


def _in_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def check() -> None:
    """Raise `KeyboardInterrupt` if Ctrl-C was pressed. Threads are told every time, the main thread once."""
    if _Note.asked:
        if _in_main():
            _Note.asked = False
        raise KeyboardInterrupt


@contextmanager
def interruptible(brief: bool = False) -> Iterator[None]:
    """Hold Ctrl-C back until `check` is called, or until the end of the block; pressed twice, it waits no longer.

    It changes something in the main thread alone, and only for signals that Python's own handler would get, or that of
    `ends_process`. ``brief`` says that what is inside takes no time that anyone should have to stop: in a command
    Ctrl-C pressed again and again lets it come to its end, too.

    >>> with interruptible():
    ...     check()
    """
    before = {number: signal.getsignal(number) for number in SIGNALS} if _in_main() else {}
    mine = {number: known for number, known in before.items() if known in (signal.default_int_handler, _end)}
    try:
        if mine:
            _Note.patient_until = time.monotonic() + PATIENCE if brief else 0.0
        for number in mine:
            signal.signal(number, _note)
        yield
        if mine:
            check()
    finally:
        for number, known in mine.items():
            signal.signal(number, known)
        if mine:
            _Note.asked = False


@contextmanager
def ends_later() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C inside the block, where it would end the process at once; it does at the block's end.

    >>> with ends_later():
    ...     check()
    """
    if not _in_main() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        came.append(number)
        _note(number, frame)

    signal.signal(signal.SIGTERM, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if came:
            os.kill(os.getpid(), signal.SIGTERM)


def _note(number: int, frame: Any) -> None:
    if not _Note.asked:
        _Note.asked = True
    elif not _Note.process_ends:
        raise KeyboardInterrupt
    else:
        _exit_if_late()


def ends_process() -> None:
    """Say that this process is a command: SIGTERM means Ctrl-C, and Ctrl-C pressed twice in a fit ends it at once."""
    _Note.process_ends = True
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is usual:
            signal.signal(number, _end)


def ending() -> None:
    """Say that the command is ending already: Ctrl-C pressed again does not disturb it while it tidies up."""
    if not _Note.ending:
        _Note.ending, _Note.patient_until = True, time.monotonic() + PATIENCE


def _end(number: int, frame: Any) -> None:
    if not _Note.ending:
        ending()
        raise KeyboardInterrupt
    _exit_if_late()


def _exit_if_late() -> None:
    if time.monotonic() > _Note.patient_until:
        os._exit(CODE)
