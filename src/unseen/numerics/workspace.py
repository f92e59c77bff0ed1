"""Large temporaries used again: fresh pages cost more than the arithmetic done in them."""

from __future__ import annotations

import sys
import threading
from math import prod

import numpy as np

from unseen.core.stats import Array

_local = threading.local()
_KEEP = 8  # buffers kept per thread
_ROOM = 2**26  # bytes of an array that is worth keeping
_LINE = 64  # bytes in a cache line, where every array begins: vectors that straddle two lines take twice as long


def borrow(shape: tuple[int, ...], dtype: np.dtype | type = np.float64) -> Array:
    """An uninitialised array whose memory belongs to this thread and is used again once nobody refers to it.

    A buffer counts as free only while no array looks into it, so what was borrowed stays untouched for as long
    as it is held.
    """
    pool: list[Array] = getattr(_local, "pool", [])
    _local.pool = pool
    size = prod(shape) * np.dtype(dtype).itemsize
    for buffer in pool:
        # the pool, this loop variable and getrefcount's own argument: nobody else
        if sys.getrefcount(buffer) == 3 and size + _LINE <= buffer.size <= 2 * size + 4096:
            break
    else:
        buffer = np.empty(size + _LINE, np.uint8)
        pool.append(buffer)
        if len(pool) > _KEEP:
            pool.pop(0)
    start = -buffer.ctypes.data % _LINE
    return buffer[start : start + size].view(dtype).reshape(shape)


def room(shape: tuple[int, ...]) -> Array:
    """An uninitialised array of numbers, borrowed unless it is so large that its memory should be given back."""
    return borrow(shape) if 8 * prod(shape) <= _ROOM else np.empty(shape)


def transposed(a: Array) -> Array:
    """A copy of a matrix the other way round in memory."""
    out = room(a.shape[::-1])
    np.copyto(out, a.T)
    return out


def taken(a: Array, rows: Array) -> Array:
    """A copy of a matrix with its rows in another order."""
    out = room(a.shape)
    np.take(a, rows, axis=0, out=out, mode="clip")  # any other mode copies once more
    return out
