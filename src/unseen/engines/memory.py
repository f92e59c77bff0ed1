"""Blocks in memory, summed one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unseen.core.engine import Summed, T, add_in_order, one_blas_thread
from unseen.core.interrupt import interruptible


class Memory:
    """Reads every block once, keeps it, and sums sequentially: the plainest engine, and the reference.

    >>> Memory([1, 2, 3]).sum(lambda block: block * 10).stats
    60
    """

    def __init__(self, blocks: Sequence[Any]) -> None:
        self.blocks = list(blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def sum(self, f: Callable[[Any], T], which: Sequence[int] | None = None) -> Summed[T]:
        chosen = tuple(range(len(self.blocks))) if which is None else tuple(which)
        with interruptible(), one_blas_thread():
            return Summed(add_in_order(f(self.blocks[i]) for i in chosen), chosen)
