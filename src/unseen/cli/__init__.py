"""The command `unseen`: fit, show, report, assign, impute, score and sample without writing code."""

from __future__ import annotations

import atexit
import gc
import signal

from unseen.core.interrupt import SIGNALS, ends_process


def main() -> None:
    """Run the command line; every outcome has its exit code, listed in ``unseen --help``."""
    ends_process()
    gc.set_threshold(50_000, 10, 10)  # imports make many objects and no garbage: a tenth of their time
    atexit.register(gc.freeze)  # nor is there any to be looked for when all of it goes: a second after MLflow
    try:
        from unseen.cli.shell import cli

        cli(prog_name="unseen")
    except KeyboardInterrupt:  # before a command began, or after it said what there is to say
        raise SystemExit(130) from None
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # all is decided: one more Ctrl-C must not change the code
