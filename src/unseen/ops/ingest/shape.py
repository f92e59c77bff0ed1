"""The shape of columns: how much of one the most common value fills, and how far its cells lie from each other.

Both are taken from rows drawn evenly over the partition, which are all of them while they are few. A share counts as
broken only where chance explains it in fewer than one of `ODDS` partitions, so that small ones pass as large ones do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from unseen.ops.ingest.rules import Rule
from unseen.ops.record import Finding

#: cells that are kept of a partition at most, some 50,000 rows of ten columns (twice that for a moment)
MOST = 1 << 19
#: how rarely a clean partition may break a rule about a share by chance
ODDS = 10_000
#: observed cells that say how far a column spreads
FEWEST = 50


def share(part: float, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.3g} %"


def evident(count: float, rows: int, limit: float) -> bool:
    """Whether a count of so many rows tells of another share than the limit, by Chernoff's bound for either side.

    >>> evident(0, 500, 0.05), evident(20, 500, 0.05), evident(0, 20, 0.05)
    (True, False, False)
    """
    return rows > 0 and rows * _divergence(count / rows, limit) > math.log(ODDS)


def _divergence(seen: float, said: float) -> float:
    """Kullback and Leibler's, between two coins."""
    terms = ((seen, said), (1 - seen, 1 - said))
    return sum(p * math.log(p / q) if q > 0 else math.inf for p, q in terms if p > 0)


class Sample:
    """Some rows of a partition's chunks; all of them while they are few."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns, self._part, self._random = list(columns), 1.0, np.random.default_rng(0)
        self._kept: list[tuple[Any, Any]] = []

    def add(self, table: Any) -> None:
        if not self.columns:
            return
        self._kept.append(self._thin(self._random.random(len(table)), table[self.columns]))
        while len(self.columns) * sum(len(places) for places, _ in self._kept) > 2 * MOST:
            self._part /= 2
            self._kept = [self._thin(*kept) for kept in self._kept]

    def _thin(self, places: Any, table: Any) -> tuple[Any, Any]:
        chosen = places < self._part
        return (places, table) if chosen.all() else (places[chosen], table[chosen])

    def cells(self, column: str) -> Any:
        """The observed cells of a column."""
        import pandas as pd

        pieces = [table[column].dropna() for _, table in self._kept]
        return pd.concat(pieces, ignore_index=True) if pieces else pd.Series(dtype=float)


def common(cells: Any) -> int:
    """How many cells hold the most common value."""
    counts = cells.value_counts()
    return int(counts.iloc[0]) if len(counts) else 0


def spread(values: Any) -> float:
    """The mean distance of numbers from their median, the outer twentieths drawn in: no wild cell moves it."""
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float(np.abs(np.clip(values, low, high) - middle).mean())


def shapes(name: str, rules: Sequence[Rule], sample: Sample, told: Collection[str | None]) -> tuple[Finding, ...]:
    """What is wrong with the shape of a partition's columns; of those in ``told`` the spread says nothing new."""
    return tuple(finding for rule in rules for finding in _of(name, rule, sample, rule.column in told))


def _of(name: str, rule: Rule, sample: Sample, told: bool) -> list[Finding]:
    cells, found = sample.cells(rule.column), []
    where, count, cells_seen = f"column {rule.column!r} of {name!r}", common(cells), len(cells)
    if count > rule.common * cells_seen and evident(count, cells_seen, rule.common):
        said = f"has one value in {count:,} of {cells_seen:,} observed cells ({share(count, cells_seen)})"
        allowed = f"where its rule allows {100 * rule.common:.3g} % (common): was it filled with a default?"
        found.append(Finding(check="common", column=rule.column, message=f"{where} {said} {allowed}"))
    if told or rule.spread is None or cells_seen < FEWEST:
        return found
    seen, (least, most) = spread(cells.to_numpy(float)), rule.spread
    if not least <= seen <= most:
        side, why = (
            ("wider", "has the unit changed?") if seen > most else ("narrower", "is a part of the rows missing?")
        )
        said = f"is spread {side} than its rule says (spread): {why}"
        found.append(Finding(check="spread", column=rule.column, message=f"{where} {said}"))
    return found
