"""Killed, interrupted, and two at once: the command as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.soaking.world import World, ended

#: what a run does to the disk, one after the other
DURABLE = ((os, "fsync"), (os, "replace"), (os, "rename"), (os, "mkdir"), (shutil, "copyfile"))
LINES, LONGEST_DELAY = 5, 0.4


def killed_any_time(world: World, month: int, rng: Random) -> str:
    """kill -9 a random moment after a random line of what the command prints."""
    process = world.start(month)
    assert process.stdout is not None
    for _ in range(rng.randrange(LINES + 1)):
        process.stdout.readline()
    time.sleep(rng.random() * LONGEST_DELAY)
    process.kill()
    return ended(process)


def killed_at_a_write(world: World, month: int, rng: Random) -> str:
    """kill -9 just before or after the n-th thing that it does to the disk."""
    number, after = rng.randrange(1, 70), rng.random() < 0.5
    call = f"from benchmarks.soaking.process import die_at; die_at({number}, {after})"
    return ended(world.start(month, call))


def die_at(number: int, after: bool) -> None:
    """Make this process kill itself at the n-th flush, rename, new folder, copy or commit."""
    from sqlalchemy.engine.default import DefaultDialect

    seen = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            out = real(*args, **options)
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return out

        return call

    for home, name in (*DURABLE, (DefaultDialect, "do_commit")):
        setattr(home, name, counted(getattr(home, name)))


def interrupted(world: World, month: int, rng: Random) -> str:
    """Ctrl-C, or what an orchestrator sends."""
    how = rng.choice((signal.SIGINT, signal.SIGTERM))
    process = world.start(month)
    assert process.stdout is not None
    for _ in range(rng.randrange(1, LINES + 1)):
        process.stdout.readline()
    time.sleep(rng.random() * LONGEST_DELAY)
    process.send_signal(how)
    told = ended(process)
    return "terminated" if told == f"exit {-signal.SIGTERM}" else told


def two_at_once(world: World, month: int, rng: Random) -> str:
    """The same command twice: one does the work, the other is told, or finds it done."""
    return _together(world.start(month), world.start(month))


def two_months_at_once(world: World, month: int, rng: Random) -> str:
    """This month and the next at the same time: both compare with the same champion, one wins."""
    world.deliver(month + 1)
    return _together(world.start(month), world.start(month + 1))


def _together(*processes: Any) -> str:
    return " and ".join(sorted(ended(p) for p in processes))
