"""What a first pass learns of one column: counts, moments, categories. Profiles of two blocks add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, NUMBER, Column, Field, label
from unseen.core.kinds import kind
from unseen.core.known import Known, rounding
from unseen.core.shape import Facts, Shape
from unseen.core.stats import Array
from unseen.core.values import NOTHING, Draw, tally, tally_whole
from unseen.errors import DataError

MAX_CATEGORIES = 1000
PROBE = 4096  # rows that tell whether whole numbers far apart are few


@kind("column_profile")
@dataclass(frozen=True, slots=True)
class ColumnProfile(Known):
    """Moments of the observed cells of one column (weighted), their range, and the values seen if discrete."""

    name: str
    kind: str
    rows: int = 0
    missing: int = 0
    infinite: int = 0
    #: observed numbers that are not whole
    fractions: int = 0
    weight: float = 0.0
    mean: float = 0.0
    m2: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    single: bool = False
    #: value -> weight for category, boolean and integer columns; None once there are too many to list
    values: Mapping[str, float] | None = None
    #: third moment about the mean; None where no number was profiled
    m3: float | None = None
    #: what a saved run keeps of the shape
    facts: Facts | None = field(default=None, compare=False)
    #: an open vocabulary (workers, items, words): all of its values are listed, however many
    open: bool = False
    _shape: Shape | None = field(default=None, repr=False, compare=False)

    @property
    def listed(self) -> Mapping[str, float] | None:
        """Weight of each value seen by its name as a category, whatever the type; None where there are too many."""
        if self.values is None and self.kind != CATEGORY and not self.open and self.distinct is not None:
            numbers, weights = self.table()
            return {label(float(v)): float(w) for v, w in zip(numbers, weights, strict=True)}
        return self.values

    @property
    def categories(self) -> tuple[str, ...]:
        """The values seen, in order: numbers by size, text by alphabet."""
        known = self.listed
        if known is None:
            raise DataError(f"column {self.name!r} has more than {MAX_CATEGORIES:,} distinct values")
        return tuple(sorted(known, key=str if self.kind == CATEGORY else float))

    @property
    def shares(self) -> Array:
        """The share of the weight of each of `categories`; even ones where there is no weight."""
        known = self.listed or {}
        weights = np.array([known[name] for name in self.categories])
        total = weights.sum()
        return weights / total if total > 0 else np.full(len(weights), 1 / max(len(weights), 1))

    def __add__(self, other: ColumnProfile) -> ColumnProfile:
        # Chan, Golub & LeVeque (1979): moments about each part's own mean merge without cancellation
        weight = self.weight + other.weight
        gap = other.mean - self.mean if self.weight else 0.0
        share = other.weight / weight if weight else 0.0
        return replace(
            self,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            fractions=self.fractions + other.fractions,
            weight=weight,
            mean=self.mean + gap * share if self.weight else other.mean,
            m2=self.m2 + other.m2 + gap * gap * self.weight * share,
            m3=_third(self, other),
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            single=self.single and other.single,
            values=added(self.values, other.values, self.open),
            facts=None,
            _shape=_joined(self, other),
        )


def _third(a: ColumnProfile, b: ColumnProfile) -> float | None:
    """Third moment of two parts together: Pébay (2008), equation 2.2."""
    if not a.weight or not b.weight:
        return b.m3 if not a.weight else a.m3
    if a.m3 is None or b.m3 is None:
        return None
    gap, total = b.mean - a.mean, a.weight + b.weight
    p, q = a.weight / total, b.weight / total
    with np.errstate(over="ignore", invalid="ignore"):  # of cells whose cubes are none nothing is known
        cube = np.float64(gap) ** 3
        return float(a.m3 + b.m3 + cube * a.weight * q * (p - q) + 3 * gap * (p * b.m2 - q * a.m2))


def _joined(a: ColumnProfile, b: ColumnProfile) -> Shape | None:
    if not a.weight or not b.weight:
        return b._shape if not a.weight else a._shape
    return None if a._shape is None or b._shape is None else a._shape + b._shape


def index_column(spec: Field, column: Column, weights: Array | None = None, draw: Draw | None = None) -> ColumnProfile:
    """The profile of one block of an open vocabulary: how much weight each of its values has."""
    n, seen = len(column.values), column.observed
    missing = 0 if seen is None else int(n - np.count_nonzero(seen))
    x, w = column.values, weights
    if seen is not None:
        x, w = x[seen], None if w is None else w[seen]
    if column.categories:
        values, names = x, list(column.categories)
    else:
        numbers, values = np.unique(x, return_inverse=True)
        names = [label(float(v)) for v in numbers]
    rows, mass = np.bincount(values, minlength=len(names)), np.bincount(values, w, len(names))
    known = {name: float(m) for name, n, m in zip(names, rows.tolist(), mass.tolist(), strict=True) if n}
    total = float(len(x) if w is None else w.sum())
    return ColumnProfile(spec.name, spec.kind, n, missing, weight=total, values=known, open=True)


def profile_column(
    spec: Field, column: Column, weights: Array | None = None, draw: Draw | None = None
) -> ColumnProfile:
    """The profile of one column of one block; ``draw`` says which of its rows are the block's random ones."""
    n, seen = len(column.values), column.observed
    missing = 0 if seen is None else int(n - np.count_nonzero(seen))
    out = ColumnProfile(spec.name, spec.kind, n, missing)
    if spec.kind in (CATEGORY, INTEGER, BOOLEAN):
        out = replace(out, values=value_weights(spec, column, weights))
    if spec.kind == CATEGORY:
        total = n - missing if weights is None else float((weights if seen is None else weights[seen]).sum())
        return replace(out, weight=total)
    single = column.values.dtype == np.float32
    x = np.asarray(column.values if seen is None else column.values[seen], float)
    low, high = (float(x.min()), float(x.max())) if len(x) else (np.inf, -np.inf)
    infinite = 0 if np.isfinite(low) and np.isfinite(high) else int(len(x) - np.count_nonzero(np.isfinite(x)))
    fractions = int(np.count_nonzero(x != np.floor(x))) if spec.kind == NUMBER else 0
    out = replace(out, fractions=fractions, single=single)
    used = seen if weights is None else (weights > 0 if seen is None else seen & (weights > 0))
    w = None if weights is None or used is None else weights[used]
    if not len(x) or infinite or (w is not None and not len(w)):
        return replace(out, infinite=infinite)
    if w is not None:
        x = np.asarray(column.values[used], float)
        low, high = float(x.min()), float(x.max())
    weight = float(len(x) if w is None else w.sum())
    mean = float(np.average(x, weights=w))
    centred = x - mean
    with np.errstate(over="ignore", invalid="ignore"):
        m2 = float(centred @ centred if w is None else (w * centred) @ centred)
        m3 = float((centred * centred) @ (centred if w is None else w * centred))
    drawn = (draw or Draw.of(n, 0)).sample(column.values, weights, used)
    shape = Shape.of(x, w, drawn, not fractions, rounding(single))
    return replace(out, weight=weight, mean=mean, m2=m2, m3=m3, low=low, high=high, _shape=shape)


def value_weights(spec: Field, column: Column, weights: Array | None) -> Mapping[str, float] | None:
    """Weight of each distinct observed value, or None past the limit."""
    seen = slice(None) if column.observed is None else column.observed
    x, w = column.values[seen], None if weights is None else weights[seen]
    if column.categories or (spec.kind == CATEGORY and not len(column.categories)):
        codes, width = x.astype(np.int64), len(column.categories)
        sums, rows = np.bincount(codes, w, width), np.bincount(codes, minlength=width)
        # a category that only rows of weight zero have is still one that will be met
        return limited({c: float(s) for c, s, n in zip(column.categories, sums, rows, strict=True) if n})
    wide = len(x) > 0 and np.ptp(x.astype(float)) > 50 * MAX_CATEGORIES
    # codes that lie far apart: few, or there is no need to list them
    if wide and len(np.unique(x[:PROBE])) > min(MAX_CATEGORIES, max(len(x[:PROBE]) // 2, 16)):
        return None
    known = (tally if wide else tally_whole)(x, w) if len(x) else NOTHING
    return limited({str(int(v)): float(s) for v, s in zip(known.points, known.mass, strict=True)})


def limited(values: dict[str, float]) -> dict[str, float] | None:
    """The same weights, or None where the values are too many to list."""
    return values if len(values) <= 2 * MAX_CATEGORIES else None


def added(
    a: Mapping[str, float] | None, b: Mapping[str, float] | None, unlimited: bool = False
) -> dict[str, float] | None:
    """The weights of values in two parts together, or None where they are too many to list."""
    if a is None or b is None:
        return None
    out = dict(a)
    for key, weight in b.items():
        out[key] = out.get(key, 0.0) + weight
    return out if unlimited else limited(out)
