"""BLAS at one thread, in this thread and in workers, and given back as it was found.

Without threadpoolctl, as where only NumPy is installed, BLAS keeps the threads that it has; what a fit comes to may
then differ in its last bits between machines with different numbers of cores.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _blas() -> Any:
    """What sets the threads of the libraries in this process, or None where threadpoolctl is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ModuleNotFoundError:
        return None
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

    Calls may overlap: the last to leave gives BLAS back as the first found it. Without threadpoolctl nothing is held.
    """
    with _held.lock:
        if not _held.count and (blas := _blas()) is not None:
            _held.limiter = blas.select(user_api="blas").limit(limits=1)
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


def one_openmp_thread() -> None:
    """Hold OpenMP to one thread wherever this thread, which is a worker, calls it from now on.

    A BLAS that is built on OpenMP counts its threads for each thread that calls it, so `one_blas_thread` in the thread
    that waits for the workers does not hold for them. Without threadpoolctl nothing is held.
    """
    if (blas := _blas()) is not None:
        blas.select(user_api="openmp").limit(limits=1)
