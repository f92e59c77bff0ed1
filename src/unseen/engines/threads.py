"""Blocks in memory, summed by one Python thread per core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unseen.core.engine import Summed, T, Workers, one_blas_thread, usable_cores
from unseen.core.interrupt import interruptible


class Threads:
    """Reads every block once, keeps it, and sums with ``workers`` threads, BLAS held to one thread each.

    The results are added in the order of the blocks, so the sum has the same bits as `Memory`'s.

    >>> Threads([1, 2, 3], workers=2).sum(lambda block: block * 10).stats
    60
    """

    def __init__(self, blocks: Sequence[Any], workers: int | None = None) -> None:
        self.blocks = list(blocks)
        self.workers = Workers(workers or usable_cores())

    def __len__(self) -> int:
        return len(self.blocks)

    def sum(self, f: Callable[[Any], T], which: Sequence[int] | None = None) -> Summed[T]:
        chosen = tuple(range(len(self.blocks))) if which is None else tuple(which)
        with interruptible(), one_blas_thread():
            return Summed(self.workers.sum(lambda i: f(self.blocks[i]), chosen), chosen)
