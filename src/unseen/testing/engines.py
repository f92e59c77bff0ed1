"""Checks of an engine against plain addition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Trail:
    """A float and the order in which it was put together: addition that remembers."""

    def __init__(self, value: float, path: tuple[int, ...]) -> None:
        self.value, self.path = value, path

    def __add__(self, other: Trail) -> Trail:
        return Trail(self.value + other.value, self.path + other.path)


def check_engine(make: Callable[[Sequence[Any]], Any], blocks: int = 23) -> None:
    """An engine sums in block order, bit for bit, over all blocks or some, and lets errors through."""
    values = np.random.default_rng(0).standard_normal(blocks) * 10.0 ** np.arange(blocks)
    engine = make(list(range(blocks)))
    assert len(engine) == blocks

    def f(i: int) -> Trail:
        return Trail(float(values[i]), (i,))

    for which in (None, [3, 1, 2], [5]):
        chosen = list(range(blocks)) if which is None else which
        summed = engine.sum(f, which)
        expected = 0.0
        for position, i in enumerate(chosen):
            expected = float(values[i]) if position == 0 else expected + float(values[i])
        assert summed.stats.path == tuple(chosen), "blocks were not added in order"
        assert summed.stats.value == expected, "the sum differs in its bits from adding in order"
        assert summed.done == tuple(chosen) and summed.lost == ()

    def fails(i: int) -> Trail:
        if i == 4:
            raise ZeroDivisionError("block 4")
        return f(i)

    try:
        engine.sum(fails)
    except ZeroDivisionError:
        return
    raise AssertionError("an error inside a block was swallowed")
