"""Where the sum over blocks is made. An engine knows nothing of EM."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from unseen.core.interrupt import check
from unseen.errors import EngineError


class Addable(Protocol):
    def __add__(self, other: Any, /) -> Self: ...


class HasRows(Protocol):
    @property
    def rows(self) -> int: ...


T = TypeVar("T", bound=Addable)
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R", bound=HasRows)


class Task(Protocol[T_co]):
    """What is made of each block.

    A task is a picklable value, so that it can travel to where the blocks are, and its pickle does not grow with the
    number of rows: a frozen dataclass at the top of a module, which holds parameters and settings. What it returns for
    `Engine.sum` has a bounded size, too. Only an engine of this machine can do without: it also takes a lambda.
    """

    def __call__(self, block: Any, /) -> T_co: ...


@dataclass(frozen=True, slots=True)
class EngineTraits:
    """What may be relied on in an engine.

    same_bits          : sums have the bits of `add_in_tree`, on any number of workers
    rows_may_leave     : `Engine.rows` answers; False where rows must stay where they are, as in a federation
    blocks_may_be_lost : a sum may come without some of its blocks, which `Summed.lost` then names
    keeps_blocks       : blocks stay in this machine's memory from one sum to the next
    elsewhere          : tasks run in other processes, so what they leave in their own does not come back
    """

    same_bits: bool = True
    rows_may_leave: bool = True
    blocks_may_be_lost: bool = False
    keeps_blocks: bool = True
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Summed(Generic[T]):
    """A sum over blocks, which blocks are in it, and which were lost on the way."""

    stats: T
    done: tuple[int, ...]
    lost: tuple[int, ...] = ()

    def whole(self) -> T:
        """Return the sum, which has to have every block that was asked for.

        Raises
        ------
        EngineError
            Blocks were lost.
        """
        if self.lost:
            raise EngineError(
                f"{len(self.lost):,} of {len(self.lost) + len(self.done):,} blocks were lost and could not be read "
                "again: make the data readable from every worker (or start the site again), or fit on this machine "
                "(engine='auto')"
            )
        return self.stats


class Engine(ABC):
    """Sums a task over blocks: the same bits on every engine that adds in the tree of `unseen.core.adding`.

    A subclass gives ``__len__`` and ``sum``. One whose rows may leave gives ``rows``, too.
    """

    traits: EngineTraits = EngineTraits()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of blocks."""

    @abstractmethod
    def sum(self, task: Task[T], which: Sequence[int] | None = None) -> Summed[T]:
        """Return the sum of a task over all blocks, or over ``which``, in their order, FAN by FAN."""

    def total(self, task: Task[T], which: Sequence[int] | None = None) -> T:
        """Return the sum alone, which has to have every block.

        Raises
        ------
        EngineError
            Blocks were lost.
        """
        return self.sum(task, which).whole()

    def rows(self, task: Task[R], most: int, which: Sequence[int] | None = None) -> tuple[R, ...]:
        """Return the rows that a task picks from each block, in the order of the blocks.

        This is the only way by which rows leave an engine: `sum` carries none. An engine that does not say how
        refuses.

        Parameters
        ----------
        task : gives for a block something whose ``rows`` says how many rows it holds
        most : the largest number of rows in all; picking a share of each block may round up by one row a block
        which : numbers of the blocks, or None for all

        Raises
        ------
        EngineError
            Rows may not leave, or the task picked more of them than ``most``.
        """
        raise EngineError(
            f"{type(self).__name__} does not let rows leave the place where they are, and this start or search draws "
            "a sample of rows: start from parameters (start=Params(...)), from moments (start='moments') or from "
            "random responsibilities (start='random')"
        )


def at_most(rows: int, blocks: int, values: Iterable[R]) -> tuple[R, ...]:
    """Return what was picked from so many blocks, in order, unless it holds more than ``rows`` and one for each block.

    Raises
    ------
    EngineError
        It holds more.
    """
    picked, seen = [], 0
    for value in values:
        picked.append(value)
        seen += value.rows
        if seen > rows + blocks:
            raise EngineError(
                f"a task picked {seen:,} rows or more, and {rows:,} were asked for: let it pick a smaller share of "
                "each block, or raise most="
            )
        check()
    return tuple(picked)
