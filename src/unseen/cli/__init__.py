"""The command `unseen`: fit, show, report, assign, impute, score and sample without writing code."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from unseen.core.interrupt import SIGNALS, ends_process


def _shell() -> Any:
    """The commands, or the end with a sentence where what they are made with is not installed."""
    try:
        from unseen.cli.shell import cli
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        print("unseen: the command line needs click, which is not installed: pip install click", file=sys.stderr)
        raise SystemExit(2) from None
    return cli


def main() -> None:
    """Run the command line; every outcome has its exit code, listed in ``unseen --help``."""
    code = 1

    def end() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code or hasattr(sys, "last_value"))  # whatever came after the command and was not caught

    # first in, last out: the interpreter is not taken apart, which took a second after MLflow, and in which threads of
    # libraries that still ran aborted the process now and then
    atexit.register(end)
    ends_process()
    gc.set_threshold(50_000, 10, 10)  # imports make many objects and no garbage: a tenth of their time
    try:
        cli = _shell()
        cli(prog_name="unseen")
        code = 0
    except KeyboardInterrupt:  # before a command began, or after it said what there is to say
        code = 130
        raise SystemExit(130) from None
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        raise
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # all is decided: one more Ctrl-C must not change the code
