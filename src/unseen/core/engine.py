"""Where the sum over blocks is made. An engine knows nothing of EM."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Generic, Protocol, Self, TypeVar, cast


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


def add_in_order(values: Any) -> Any:
    """Left-to-right sum of an iterable of addable values."""
    total = None
    for value in values:
        total = value if total is None else total + value
    return total


class Workers:
    """Threads that stay from one sum to the next, and with them the memory they work in; they end with this object.

    >>> Workers(2).sum(lambda i: 10 * i, range(4))
    60
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="unseen")  # starts threads as they are needed

    def sum(self, f: Callable[[int], T], chosen: Sequence[int]) -> T:
        """Sum of ``f`` over block numbers, added in their order.

        Submission runs at most two blocks a thread ahead of the sum, so neither blocks nor results pile up.
        """
        if self.count < 2 or len(chosen) < 2:
            return cast(T, add_in_order(f(i) for i in chosen))
        todo = iter(chosen)
        running = deque(self._pool.submit(f, i) for i in islice(todo, 2 * self.count))
        try:
            total: Any = None
            while running:
                value = running[0].result()
                running.popleft()
                total = value if total is None else total + value
                running.extend(self._pool.submit(f, i) for i in islice(todo, 1))
            return cast(T, total)
        finally:  # after an error or an interrupt nobody may go on working
            for future in running:
                future.cancel()
            wait(running)


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@lru_cache(maxsize=1)
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


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
                _held.limiter.restore_original_limits()
                _held.limiter = None
