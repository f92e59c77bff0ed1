"""Threads that make something of each block, and hand it over in the order of the blocks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import finalize

from unseen.core.adding import add_in_tree
from unseen.core.blas import one_openmp_thread
from unseen.core.interrupt import check

R = TypeVar("R")


class Workers:
    """Threads that stay from one sum to the next, and with them the memory they work in; they end with this object.

    Who waits for them holds no lock that they need, so an interrupt at any moment leaves nobody waiting for ever.

    >>> Workers(2).sum(lambda i: 10 * i, range(4))
    60
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._renew()

    def _renew(self) -> None:
        self._process = os.getpid()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        finalize(self, self._jobs.put, None)

    def sum(self, f: Callable[[int], Any], chosen: Sequence[int]) -> Any:
        """Sum of ``f`` over block numbers, added in their order."""
        return self.collect(f, chosen, add_in_tree)

    def collect(self, f: Callable[[int], Any], chosen: Sequence[int], into: Callable[[Iterable[Any]], R]) -> R:
        """What ``into`` makes of the values of ``f`` at block numbers, which it meets in their order.

        At most two blocks a thread are under way ahead of it, so neither blocks nor results pile up.
        """
        if self.count < 2 or len(chosen) < 2:
            return into(f(i) for i in chosen)
        if self._process != os.getpid():  # a forked child has no threads
            self._renew()
        while len(self._threads) < min(self.count, len(chosen)):  # they are started as they are needed
            self._threads.append(threading.Thread(target=_work, args=(self._jobs,), name="unseen", daemon=True))
            self._threads[-1].start()
        call = _Call(f)
        try:
            return into(self._answers(call, chosen))
        finally:  # after an error or an interrupt nobody may go on working
            call.over = True
            while len(call.done) < call.given:
                time.sleep(0.001)

    def _answers(self, call: _Call, chosen: Sequence[int]) -> Iterator[Any]:
        early: dict[int, _Job] = {}
        for place in range(len(chosen)):
            while call.given < min(len(chosen), place + 2 * self.count):
                self._jobs.put(_Job(call, call.given, chosen[call.given]))
                call.given += 1
            while place not in early:
                job = call.answers.get()
                early[job.place] = job
                check()
            job = early.pop(place)
            if job.error is not None:
                raise job.error
            yield job.value


class _Call:
    """What all blocks of one call have in common: the function, the answers, how many were given out and came back."""

    def __init__(self, f: Callable[[int], Any]) -> None:
        self.f = f
        self.answers: SimpleQueue[_Job] = SimpleQueue()
        self.given = 0
        self.done: list[int] = []
        self.over = False


@dataclass(slots=True)
class _Job:
    """One block of a call, and what came of it."""

    call: _Call
    place: int
    block: int
    value: Any = None
    error: BaseException | None = None


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    """What a thread does: one job after the other, until it is told that there will be none."""
    began = False
    while (job := jobs.get()) is not None:
        call = job.call
        try:
            if not began:
                one_openmp_thread()
                began = True
            if not call.over:
                job.value = call.f(job.block)
        except BaseException as error:
            job.error = error
        call.done.append(job.place)
        call.answers.put(job)
        del job, call  # and with them the block and its function, while this thread waits
    jobs.put(None)


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
