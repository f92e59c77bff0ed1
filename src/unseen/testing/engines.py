"""Checks of an engine against plain addition, and an engine whose tasks travel as to another machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from unseen.core.adding import add_in_tree
from unseen.core.engine import Engine, R, Summed, T, Task
from unseen.engines.local import Memory
from unseen.errors import EngineError


class Trail:
    """A float and the order in which it was put together: addition that remembers."""

    def __init__(self, value: float, path: tuple[int, ...]) -> None:
        self.value, self.path = value, path

    def __add__(self, other: Trail) -> Trail:
        return Trail(self.value + other.value, self.path + other.path)


@dataclass(frozen=True, slots=True)
class Walk:
    """The value of a block, which is a number; the block ``fails`` raises."""

    values: tuple[float, ...]
    fails: int | None = None

    def __call__(self, block: int) -> Trail:
        if block == self.fails:
            raise ZeroDivisionError(f"block {block}")
        return Trail(self.values[block], (block,))


@dataclass(frozen=True, slots=True)
class Picked:
    """Some rows, which are numbers."""

    numbers: tuple[int, ...]

    @property
    def rows(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Pick:
    """So many rows of a block."""

    share: int

    def __call__(self, block: int) -> Picked:
        return Picked((block,) * self.share)


@final
class Travelling(Engine):
    """Sums as `Memory` does, but pickles every task before it is run, as an engine on other machines has to.

    ``largest`` holds the length of the longest pickle of each kind of task that came by, in bytes.

    >>> import numpy as np, unseen
    >>> from functools import partial
    >>> from unseen.testing import Travelling
    >>> x = np.array([[0.1], [0.2], [5.0], [5.2], [5.1]])
    >>> unseen.fit(unseen.Mixture(unseen.Gaussian("spherical"), 1), x, engine=Travelling).params["means"].round(2)
    array([[3.12]])
    >>> stay = partial(Travelling, refuses_rows=True)
    >>> unseen.fit(unseen.Mixture(unseen.Gaussian("spherical"), 2), x, start="kmeans++", engine=stay)
    Traceback (most recent call last):
      ...
    unseen.errors.EngineError: Travelling does not let rows leave the place where they are, ...
    """

    def __init__(self, blocks: Sequence[Any], refuses_rows: bool = False) -> None:
        self._there = Memory(blocks)
        self.traits = replace(self._there.traits, rows_may_leave=not refuses_rows)
        self.largest: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._there)

    def sum(self, task: Task[T], which: Sequence[int] | None = None) -> Summed[T]:
        summed: Summed[T] = _through_pickle(self._there.sum(self._sent(task), which))
        return summed

    def rows(self, task: Task[R], most: int, which: Sequence[int] | None = None) -> tuple[R, ...]:
        if not self.traits.rows_may_leave:
            return super().rows(task, most, which)
        picked: tuple[R, ...] = _through_pickle(self._there.rows(self._sent(task), most, which))
        return picked

    def _sent(self, task: Task[T]) -> Task[T]:
        sent = pickle.dumps(task)
        name = type(task).__qualname__
        self.largest[name] = max(self.largest.get(name, 0), len(sent))
        arrived: Task[T] = pickle.loads(sent)
        return arrived


def _through_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def check_engine(make: Callable[[Sequence[Any]], Any], blocks: int = 23) -> None:
    """Check an engine against plain addition: sums, bits, errors, and the door for rows.

    An engine sums in block order, over all blocks or some, bit for bit where it says so, and lets errors through.
    Rows come in block order and no more than were asked for, or it refuses them with an `EngineError`.

    >>> from unseen.engines.local import Memory
    >>> check_engine(Memory)
    """
    values = np.random.default_rng(0).standard_normal(blocks) * 10.0 ** np.arange(blocks)
    engine = make(list(range(blocks)))
    assert isinstance(engine, Engine), "an engine inherits from unseen.core.engine.Engine"
    assert len(engine) == blocks
    walk = Walk(tuple(values.tolist()))
    for which in (None, [3, 1, 2], [5]):
        _check_sum(engine, walk, which)
    _check_rows(engine, blocks)
    try:
        engine.sum(replace(walk, fails=4))
    except ZeroDivisionError:
        return
    raise AssertionError("an error inside a block was swallowed")


def _check_sum(engine: Engine, walk: Walk, which: list[int] | None) -> None:
    chosen = list(range(len(engine))) if which is None else which
    summed = engine.sum(walk, which)
    if engine.traits.blocks_may_be_lost:
        assert sorted(summed.done + summed.lost) == sorted(chosen), "a block is neither done nor lost"
        return
    assert summed.done == tuple(chosen) and summed.lost == ()
    if not engine.traits.same_bits:
        assert sorted(summed.stats.path) == sorted(chosen), "a block was left out, or added twice"
        return
    assert summed.stats.path == tuple(chosen), "blocks were not added in order"
    expected = add_in_tree(walk.values[i] for i in chosen)
    assert summed.stats.value == expected, "the sum differs in its bits from adding in order, FAN by FAN"


def _check_rows(engine: Engine, blocks: int) -> None:
    if not engine.traits.rows_may_leave:
        assert _refused(engine, Pick(1), blocks), "rows left, and the engine says that they may not"
        return
    for which in (None, [3, 1, 2]):
        chosen = list(range(blocks)) if which is None else which
        picked = engine.rows(Pick(2), 2 * blocks, which)
        assert [p.numbers for p in picked] == [(i, i) for i in chosen], "rows did not come in the order of the blocks"
    assert _refused(engine, Pick(4), blocks), "more rows left than were asked for"


def _refused(engine: Engine, task: Pick, most: int) -> bool:
    try:
        engine.rows(task, most)
    except EngineError:
        return True
    return False
