"""Where the sum over blocks is made. An engine knows nothing of EM."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from typing import Any, Generic, Protocol, Self, TypeVar, cast
from weakref import finalize

from unseen.core.interrupt import check


class Addable(Protocol):
    def __add__(self, other: Any, /) -> Self: ...


T = TypeVar("T", bound=Addable)


@dataclass(frozen=True, slots=True)
class Summed(Generic[T]):
    """A sum over blocks, which blocks are in it, and which were lost on the way."""

    stats: T
    done: tuple[int, ...]
    lost: tuple[int, ...] = ()


class Engine(Protocol):
    """Sums a function over blocks, always in the order of the blocks: the same bits on every engine."""

    def __len__(self) -> int:
        """The number of blocks."""
        ...

    def sum(self, f: Callable[[Any], T], which: Sequence[int] | None = None) -> Summed[T]:
        """``f(block_0) + f(block_1) + ...`` over all blocks, or over ``which``."""
        ...


def add_in_order(values: Iterable[Any]) -> Any:
    """Left-to-right sum of an iterable of addable values; Ctrl-C is asked for between them."""
    total = None
    for value in values:
        total = value if total is None else total + value
        check()
    return total


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

    def sum(self, f: Callable[[int], T], chosen: Sequence[int]) -> T:
        """Sum of ``f`` over block numbers, added in their order.

        At most two blocks a thread are under way ahead of the sum, so neither blocks nor results pile up.
        """
        if self.count < 2 or len(chosen) < 2:
            return cast(T, add_in_order(f(i) for i in chosen))
        if self._process != os.getpid():  # a forked child has no threads
            self._renew()
        while len(self._threads) < min(self.count, len(chosen)):  # they are started as they are needed
            self._threads.append(threading.Thread(target=_work, args=(self._jobs,), name="unseen", daemon=True))
            self._threads[-1].start()
        task = _Task(f)
        try:
            return cast(T, add_in_order(self._answers(task, chosen)))
        finally:  # after an error or an interrupt nobody may go on working
            task.over = True
            while len(task.done) < task.given:
                time.sleep(0.001)

    def _answers(self, task: _Task, chosen: Sequence[int]) -> Iterator[Any]:
        early: dict[int, _Job] = {}
        for place in range(len(chosen)):
            while task.given < min(len(chosen), place + 2 * self.count):
                self._jobs.put(_Job(task, task.given, chosen[task.given]))
                task.given += 1
            while place not in early:
                job = task.answers.get()
                early[job.place] = job
                check()
            job = early.pop(place)
            if job.error is not None:
                raise job.error
            yield job.value


class _Task:
    """What all blocks of one sum have in common: the function, the answers, how many were given out and came back."""

    def __init__(self, f: Callable[[int], Any]) -> None:
        self.f = f
        self.answers: SimpleQueue[_Job] = SimpleQueue()
        self.given = 0
        self.done: list[int] = []
        self.over = False


@dataclass(slots=True)
class _Job:
    """One block of a task, and what came of it."""

    task: _Task
    place: int
    block: int
    value: Any = None
    error: BaseException | None = None


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    """What a thread does: one job after the other, until it is told that there will be none."""
    while (job := jobs.get()) is not None:
        task = job.task
        try:
            if not task.over:
                job.value = task.f(job.block)
        except BaseException as error:
            job.error = error
        task.done.append(job.place)
        task.answers.put(job)
        del job, task  # and with them the block and its function, while this thread waits
    jobs.put(None)


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@lru_cache(maxsize=1)
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _take_blas(force: bool = False) -> None:
    """Let this thread set the count of another one, or the next thread that of this one, where threadpoolctl minds."""
    from threadpoolctl import OpenBLASController

    # threadpoolctl 3.8 and later let only the thread that came first set a count, and say nothing to the others
    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=force)


class _Held:
    """How many callers hold BLAS to one thread now, and what the first of them found."""

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0
        self.limiter: Any = None


_held = _Held()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread: the engine's threads fill the cores, and results do not depend on BLAS's own.

    Calls may overlap: the last to leave gives BLAS back as the first found it.
    """
    with _held.lock:
        if not _held.count:
            _held.limiter = _blas().limit(limits=1, user_api="blas")
        _held.count += 1
    try:
        yield
    finally:
        with _held.lock:
            _held.count -= 1
            if not _held.count and _held.limiter is not None:
                _take_blas(force=True)
                _held.limiter.restore_original_limits()
                _held.limiter = None
                _take_blas()
