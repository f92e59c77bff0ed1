"""The shape of columns: how much of one the most common value fills, and how far its cells lie from each other.

Both are taken from rows drawn evenly over the partition, which are all of them while they are few. A share counts as
broken only where chance explains it in fewer than one of `ODDS` partitions, so that small ones pass as large ones do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from unseen.ops.ingest.rules import Rule, wrong
from unseen.ops.record import Finding

#: cells that are kept of a partition at most, some 50,000 rows of ten columns (twice that for a moment)
MOST = 1 << 19
#: how rarely a clean partition may break a rule about a share by chance
ODDS = 10_000
#: observed cells that say how far a column spreads
FEWEST = 50
#: counts are compared with this much room: 0.1 is not exactly one tenth
ROOM = 1e-9


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def share(part: float, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.3g} %"


def over(count: float, most: float) -> bool:
    """Whether a count is more than the most that there may be."""
    return count > most + ROOM * (1 + most)


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
    return int(cells.value_counts().max()) if len(cells) else 0


def spread(values: Any) -> float:
    """The mean distance of numbers from their median, the outer twentieths drawn in: no wild cell moves it."""
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float(np.abs(np.clip(values, low, high) - middle).mean())


def beyond(value: float, least: float, most: float) -> str:
    """By how much a number lies outside of a range: a ratio, which is no value of the data.

    >>> beyond(180.0, 1.0, 3.0), beyond(0.5, 1.0, 3.0), beyond(-4.0, -2.0, 2.0)
    (', by a factor of 60', ', by a factor of 2', ', by 0.5 times the width of its range')
    """
    end = most if value > most else least
    if value > 0 and end > 0:
        return f", by a factor of {_rounded(max(value / end, end / value))}"
    return f", by {_rounded(abs(value - end) / (most - least))} times the width of its range" if most > least else ""


def _rounded(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio < 1000 else f"{ratio:,.0f}"


def shapes(name: str, rules: Sequence[Rule], sample: Sample, unread: Collection[str | None]) -> tuple[Finding, ...]:
    """What is wrong with the shape of a partition's columns; of those that are ``unread`` nothing is known."""
    found = []
    for rule in rules:
        cells = sample.cells(rule.column)
        count, seen = common(cells), len(cells)
        if count > rule.common * seen and evident(count, seen, rule.common):
            said = f"has one value in {count:,} of {seen:,} observed cells ({share(count, seen)})"
            allowed = f"where its rule allows {percent(rule.common)} (common): was it filled with a default?"
            found.append(wrong("common", name, f"{said} {allowed}", rule.column))
        if rule.column in unread or rule.spread is None or seen < FEWEST:
            continue
        values = cells.to_numpy(float)
        wide, (least, most) = spread(values[np.isfinite(values)]), rule.spread
        if not least <= wide <= most:
            side = f"is spread {'wider' if wide > most else 'narrower'} than its rule says (spread)"
            why = "is it another unit, or are other rows in it?"
            found.append(wrong("spread", name, f"{side}{beyond(wide, least, most)}: {why}", rule.column))
    return tuple(found)
