"""Starts run in processes beside this one: a pass over few rows is many small calls, which threads cannot share.

A helper is this interpreter once more, told on its standard input what to run. It imports nothing of the caller's
script, ends with its standard input, and leaves Ctrl-C to the process that started it. What cannot be sent to it is run
here; the outcome has the same bits wherever it is run.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from unseen.core.block import Block
from unseen.core.interrupt import check
from unseen.core.pipes import heard, tell
from unseen.search.helper import LOST

#: seconds of passes after which a search has helpers: one takes about as long to come
WORTH_HELP = 0.4
MOST_HELPERS = 7
#: bytes of data that are copied to a helper at most
MOST_BYTES = 1 << 26


class Gone(Exception):
    """A helper that ended, or was never there."""


class Helper:
    """One process, and which blocks it has."""

    def __init__(self) -> None:
        import subprocess

        line = f"import sys; sys.path[:] = {sys.path!r}; from unseen.search.helper import serve; serve()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.ready = threading.Event()
        self._held: dict[tuple[int, ...], Sequence[Any]] = {}  # with the blocks themselves: no other has their ids
        threading.Thread(target=self._greeted, name="helper", daemon=True).start()

    def _greeted(self) -> None:
        if self._read() is not None:
            self.ready.set()

    def _read(self) -> Any:
        try:
            answer = heard(self.process.stdout)
            return None if answer is None else pickle.loads(answer)
        except (OSError, ValueError):  # it was ended meanwhile
            return None

    def ask(self, blocks: Sequence[Any], job: tuple[Any, ...]) -> Any:
        """The answer to a job on these blocks.

        Raises
        ------
        Gone
            The helper ended, or could not make sense of the job.
        """
        name = tuple(map(id, blocks))
        fresh = None if name in self._held else [_bare(block) for block in blocks]
        try:
            sent = pickle.dumps((name, fresh, job), pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # whatever a model of the caller's own holds
            raise Gone from error
        try:
            tell(self.process.stdin, sent)
        except (OSError, ValueError) as error:
            raise Gone from error
        self._held = {name: blocks}
        answer = self._read()
        if answer is None or answer == LOST:
            raise Gone
        return answer

    def end(self) -> None:
        self.ready.clear()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


class Team:
    """The helpers of one search, called once it has worked for long enough."""

    def __init__(self) -> None:
        self.helpers: list[Helper] = []
        self.worked = 0.0
        self.refused = not _can_be_called()

    def ready(self, engine: Any, cores: int) -> list[Helper]:
        """Helpers that can take a share of the work now; those that are missing are called."""
        if cores < 2 or not _portable(getattr(engine, "blocks", None)):
            return []
        if not self.helpers and not self.refused and self.worked > WORTH_HELP:
            try:
                self.helpers = [Helper() for _ in range(min(cores - 1, MOST_HELPERS))]
            except OSError:
                self.refused = True
        return [h for h in self.helpers if h.ready.is_set()]

    def end(self) -> None:
        for helper in self.helpers:
            helper.end()
        self.helpers = []


_team: ContextVar[Team | None] = ContextVar("team", default=None)


@contextmanager
def team() -> Iterator[None]:
    """Helpers for all races inside, which end with it."""
    mine = Team()
    before = _team.set(mine)
    try:
        yield
    finally:
        _team.reset(before)
        mine.end()


def current() -> Team | None:
    """The helpers of the search that is under way in this context."""
    return _team.get()


def shared(
    jobs: Sequence[Any], here: Callable[[Any], bool], there: Callable[[Any, Helper], None], helpers: Any
) -> None:
    """Do every job, here or with a helper, whoever is free; ``here`` answers whether to go on."""
    waiting, lock, failed = list(jobs), threading.Lock(), list[BaseException]()

    def take() -> Any:
        with lock:
            return waiting.pop(0) if waiting else None

    def with_helper(helper: Helper) -> None:
        while (job := take()) is not None:
            try:
                there(job, helper)
            except Gone:
                helper.ready.clear()
                with lock:
                    waiting.append(job)
                return
            except BaseException as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=with_helper, args=(h,), name="helper", daemon=True) for h in helpers]
    for thread in threads:
        thread.start()
    try:
        while True:
            while (job := take()) is not None:
                if not here(job):
                    raise KeyboardInterrupt
            _until_done(threads)
            if not waiting:
                break
    except BaseException:
        with lock:
            waiting.clear()
        for helper in helpers:
            helper.end()
        for thread in threads:
            thread.join()
        raise
    if failed:
        raise failed[0]


def _until_done(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(0.02)
            check()


def _bare(block: Block) -> Block:
    """A block without what its cells know of themselves: a helper finds that out for itself."""
    return replace(block, cells=tuple(replace(c) for c in block.cells))


def _portable(blocks: Any) -> bool:
    """Whether these are blocks in memory that are worth copying, and of which a copy computes the same bits."""
    if not isinstance(blocks, list) or not all(isinstance(block, Block) for block in blocks):
        return False
    cells = [c for block in blocks for c in block.cells]
    return sum(c.values.nbytes for c in cells) <= MOST_BYTES and all(c.values.flags.forc for c in cells)


def _can_be_called() -> bool:
    """Whether the program that runs is Python itself, not one that has it inside."""
    return os.path.basename(sys.executable or "").startswith("python") and not getattr(sys, "frozen", False)


__all__ = ["Gone", "Helper", "Team", "current", "shared", "team"]
