"""Blocks on disk, read again in every pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unseen.core.engine import Summed, T, Workers, one_blas_thread, usable_cores
from unseen.core.interrupt import interruptible


class OutOfCore:
    """Keeps nothing: each worker reads a block, uses it and lets it go, so memory holds ``workers`` blocks.

    >>> OutOfCore([1, 2, 3]).sum(lambda block: block * 10).stats
    60
    """

    def __init__(self, blocks: Sequence[Any], workers: int | None = None) -> None:
        self.blocks = blocks
        self.workers = Workers(workers or usable_cores())

    def __len__(self) -> int:
        return len(self.blocks)

    def sum(self, f: Callable[[Any], T], which: Sequence[int] | None = None) -> Summed[T]:
        chosen = tuple(range(len(self.blocks))) if which is None else tuple(which)
        with interruptible(), one_blas_thread():
            return Summed(self.workers.sum(lambda i: f(self.blocks[i]), chosen), chosen)
