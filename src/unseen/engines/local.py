"""The engines of one machine: blocks in memory, summed by one thread or by one per core, and blocks on disk."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar, final

from unseen.core.adding import add_in_tree
from unseen.core.blas import one_blas_thread
from unseen.core.engine import Engine, EngineTraits, R, Summed, T, Task, at_most
from unseen.core.interrupt import interruptible
from unseen.core.workers import Workers, usable_cores

V = TypeVar("V")


class Local(Engine):
    """What the engines of one machine have in common: who makes something of each block is all that differs."""

    blocks: Sequence[Any]

    def __len__(self) -> int:
        return len(self.blocks)

    def sum(self, task: Task[T], which: Sequence[int] | None = None) -> Summed[T]:
        chosen = self._chosen(which)
        with interruptible(), one_blas_thread():
            return Summed(self._collect(task, chosen, add_in_tree), chosen)

    def rows(self, task: Task[R], most: int, which: Sequence[int] | None = None) -> tuple[R, ...]:
        chosen = self._chosen(which)
        with interruptible(), one_blas_thread():
            return self._collect(task, chosen, partial(at_most, most, len(chosen)))

    def _chosen(self, which: Sequence[int] | None) -> tuple[int, ...]:
        return tuple(range(len(self.blocks))) if which is None else tuple(which)

    @abstractmethod
    def _collect(self, task: Task[Any], chosen: Sequence[int], into: Callable[[Iterable[Any]], V]) -> V:
        """What ``into`` makes of the task's values, in the order of the blocks."""


@final
class Memory(Local):
    """Reads every block once, keeps it, and sums sequentially: the plainest engine, and the reference.

    >>> Memory([1, 2, 3]).sum(lambda block: block * 10).stats
    60
    """

    def __init__(self, blocks: Sequence[Any], workers: int | None = None) -> None:
        self.blocks = list(blocks)

    def _collect(self, task: Task[Any], chosen: Sequence[int], into: Callable[[Iterable[Any]], V]) -> V:
        return into(task(self.blocks[i]) for i in chosen)


@final
class Threads(Local):
    """Reads every block once, keeps it, and sums with ``workers`` threads, BLAS held to one thread each.

    The results are added as `Memory` adds them, so the sum has the same bits as `Memory`'s.

    >>> Threads([1, 2, 3], workers=2).sum(lambda block: block * 10).stats
    60
    """

    def __init__(self, blocks: Sequence[Any], workers: int | None = None) -> None:
        self.blocks = list(blocks)
        self.workers = Workers(workers or usable_cores())

    def _collect(self, task: Task[Any], chosen: Sequence[int], into: Callable[[Iterable[Any]], V]) -> V:
        return self.workers.collect(lambda i: task(self.blocks[i]), chosen, into)


@final
class OutOfCore(Local):
    """Keeps nothing: each worker reads a block, uses it and lets it go, so memory holds ``workers`` blocks.

    >>> OutOfCore([1, 2, 3]).sum(lambda block: block * 10).stats
    60
    """

    traits = EngineTraits(keeps_blocks=False)

    def __init__(self, blocks: Sequence[Any], workers: int | None = None) -> None:
        self.blocks = blocks
        self.workers = Workers(workers or usable_cores())

    def _collect(self, task: Task[Any], chosen: Sequence[int], into: Callable[[Iterable[Any]], V]) -> V:
        return self.workers.collect(lambda i: task(self.blocks[i]), chosen, into)


def one_pass(task: Task[T], blocks: Sequence[Any], workers: int | None = None) -> T:
    """Return the sum of a task over blocks, or frames, that are read once and let go.

    >>> one_pass(len, ["ab", "cde"])
    5
    """
    return OutOfCore(blocks, workers).total(task)
