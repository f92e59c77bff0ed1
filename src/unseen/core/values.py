"""What values a column has: all of them with weights while they are few, the frequent ones and a sample if not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array

#: distinct values that are listed with their weights
LIMIT = 2000
#: values of the random sample
SAMPLE = 2048
#: rows of a block that are looked at before the others
PROBE = 4096
#: frequent values that are kept
FREQUENT = 512


@dataclass(frozen=True, slots=True)
class Table:
    """Distinct values in order, and the weight of each."""

    points: Array
    mass: Array

    def __add__(self, other: Table) -> Table:
        if not len(other.points):
            return self
        points = np.concatenate((self.points, other.points))
        return tally(points, np.concatenate((self.mass, other.mass)))

    def __len__(self) -> int:
        return len(self.points)

    def keep(self, chosen: Array) -> Table:
        """Some of the values."""
        return Table(self.points[chosen], self.mass[chosen])

    def heaviest(self, count: int) -> Table:
        """At most ``count`` values, those of largest weight, and zero whatever its weight."""
        if len(self) <= count:
            return self
        mass = np.where(self.points == 0, np.inf, self.mass)
        return self.keep(np.sort(np.argsort(-mass, kind="stable")[:count]))


NOTHING = Table(np.zeros(0), np.zeros(0))


def tally(x: Array, w: Array | None = None) -> Table:
    """The distinct numbers and their weights.

    >>> tally(np.array([2.0, 1.0, 2.0]))
    Table(points=array([1., 2.]), mass=array([1., 2.]))
    """
    if not len(x):
        return NOTHING
    if w is None:
        ordered = np.sort(x)
    else:
        order = np.argsort(x, kind="stable")
        ordered = x[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    mass = np.diff(starts, append=len(x)).astype(float) if w is None else np.add.reduceat(w[order], starts)
    return Table(ordered[starts], mass)


def tally_whole(x: Array, w: Array | None) -> Table:
    """`tally` of whole numbers that are not far apart."""
    x = x.astype(np.int64) if x.dtype == bool else x
    low = x.min()
    at = (x - low).astype(np.int64)
    rows = np.bincount(at)
    there = np.flatnonzero(rows)
    mass = rows[there].astype(float) if w is None else np.bincount(at, w)[there]
    return Table(there + low, mass)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of the smallest keys (random numbers fixed by block and row), so that samples of parts merge to one.

    keys : (m,) increasing     points : (m,)     mass : (m,) weights of the rows, or None where each counts once
    """

    keys: Array
    points: Array
    mass: Array | None = None

    def __add__(self, other: Sample) -> Sample:
        a, b = self, other
        if len(a.keys) == SAMPLE:
            b = b.first(int(np.searchsorted(b.keys, a.keys[-1], side="right")))
        if len(b.keys) == 0:
            return a
        keys = np.concatenate((a.keys, b.keys))
        points = np.concatenate((a.points, b.points))
        # equal keys are ordered by value: the merge is the same in whatever order
        order = np.lexsort((points, keys)) if (keys[1:] == keys[:-1]).any() else np.argsort(keys, kind="stable")
        order = order[:SAMPLE]
        mass = None
        if a.mass is not None or b.mass is not None:
            mass = np.concatenate([np.ones(len(s.keys)) if s.mass is None else s.mass for s in (a, b)])[order]
        return Sample(keys[order], points[order], mass)

    def first(self, count: int) -> Sample:
        """The ``count`` rows of smallest keys, in memory of their own."""
        mass = None if self.mass is None else self.mass[:count].copy()
        return Sample(self.keys[:count].copy(), self.points[:count].copy(), mass)


@dataclass(frozen=True, slots=True)
class Draw:
    """Rows of a block that come first when each has a random key between 0 and 1, and their keys, in order.

    Only the smallest keys are drawn: gaps between uniform order statistics are exponential (Rényi, 1953).
    """

    size: int
    block: int
    keys: Array
    rows: Array

    @classmethod
    def of(cls, size: int, block: int) -> Draw:
        """The same rows for the same block of so many rows, whoever reads it."""
        rng = np.random.default_rng([size, block])
        count = size if size <= 2 * PROBE else PROBE + 256
        rows = rng.permutation(size) if count == size else rng.choice(size, count, replace=False)
        keys = np.cumsum(rng.standard_exponential(count))
        total = (keys[-1] if count else 0.0) + rng.standard_gamma(size + 1 - count)
        return cls(size, block, keys / total, rows)

    def sample(self, values: Array, weights: Array | None, seen: Array | None) -> Sample:
        """A random part of the values where ``seen``: enough for a probe, or all of them."""
        rows, keys = self.rows, self.keys
        if seen is not None:
            first = seen[rows]
            rows, keys = rows[first], keys[first]
            if len(rows) < SAMPLE and len(self.rows) < self.size:
                there = np.flatnonzero(seen)
                again = Draw.of(len(there), self.block)
                rows, keys = there[again.rows], again.keys
        return Sample(keys, values[rows].astype(float), None if weights is None else weights[rows])


@dataclass(frozen=True, slots=True)
class Values:
    """What is known of the values of a column: ``table`` all of them, or None past the limit; then ``frequent``."""

    table: Table | None
    frequent: Table
    sample: Sample

    def __add__(self, other: Values) -> Values:
        sample = self.sample + other.sample
        if self.table is not None and other.table is not None:
            table = self.table + other.table
            if len(table) <= LIMIT:
                return Values(table, NOTHING, sample)
        frequent = self._candidates() + other._candidates()
        return Values(None, frequent.heaviest(FREQUENT), sample)

    def without(self, values: Sequence[float]) -> Values:
        """What is known of the numbers that are none of ``values``."""
        table = None if self.table is None else self.table.keep(~np.isin(self.table.points, values))
        rest = ~np.isin(self.sample.points, values)
        mass = None if self.sample.mass is None else self.sample.mass[rest]
        sample = Sample(self.sample.keys[rest], self.sample.points[rest], mass)
        return Values(table, self.frequent.keep(~np.isin(self.frequent.points, values)), sample)

    def _candidates(self) -> Table:
        """Values that may be frequent once parts are added: one of 2 % stays unless it is below 0.1 % here.

        Zero stays always: a few zeros decide whether amounts have logarithms.
        """
        if self.table is None:
            return self.frequent
        often = self.table.mass >= 1e-3 * self.table.mass.sum()
        return self.table.keep(often | (self.table.points == 0)).heaviest(FREQUENT)


def values_of(x: Array, w: Array | None, drawn: Sample, whole: bool) -> Values:
    """The values of one block (weights above zero); what a random part of them rules out is not looked for."""
    sample, probe = drawn.first(SAMPLE), drawn.points
    if whole and np.ptp(x) <= max(65_536, len(x) // 4):
        return _limited(tally_whole(x, w), sample)
    if len(x) > len(probe):
        some = np.sort(probe[:1024])
        heavy = np.zeros(0) if w is None else x[w > 2.5e-3 * w.sum()]
        heavy = np.append(heavy, np.zeros(int((x == 0).any())))
        # 2,000 values would meet again among 1,024 draws about 260 times, and one of 2 % comes 20 times
        if not (some[1:] == some[:-1]).any():
            return Values(None, _counted(x, w, heavy), sample)
        known = tally(probe)
        if len(known) > LIMIT:
            often = known.points[known.mass >= max(2.0, 1e-3 * len(probe))]
            return Values(None, _counted(x, w, np.concatenate((often, heavy))), sample)
    return _limited(tally(x, w), sample)


def _limited(table: Table, sample: Sample) -> Values:
    if len(table) <= LIMIT:
        return Values(table, NOTHING, sample)
    return Values(None, Values(table, NOTHING, sample)._candidates(), sample)


def _counted(x: Array, w: Array | None, wanted: Array) -> Table:
    """Exact weights of some values."""
    wanted = np.unique(wanted)
    if not len(wanted):
        return NOTHING
    if len(wanted) <= 8:
        hits = [x == v for v in wanted]
        return Table(wanted, np.array([float(np.count_nonzero(h) if w is None else w[h].sum()) for h in hits]))
    at = np.minimum(np.searchsorted(wanted, x), len(wanted) - 1)
    hit = wanted[at] == x
    mass = np.bincount(at[hit], None if w is None else w[hit], len(wanted)).astype(float)
    return Table(wanted, mass).heaviest(FREQUENT)
