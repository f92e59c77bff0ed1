"""What a column's profile can be asked about its numbers, fresh from the data or out of a saved run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import numpy as np

from unseen.core.block import CATEGORY, NUMBER
from unseen.core.shape import ATOM, Facts, Shape, conventional
from unseen.core.stats import Array
from unseen.errors import DataError

#: a cell so many ranges of all others beyond them is a slip, where there are enough other rows and it is not many of
#: them; and how many of those may lie side by side
SLIP, ENOUGH, FEW_SLIPS, SIDE_BY_SIDE = 20.0, 20, 0.05, 3
#: the same of a number written in nines, as stand-ins for "unknown" are
NINES = 2.0


def rounding(single: bool) -> float:
    """Relative spacing of single or double precision."""
    return float(np.finfo(np.float32 if single else np.float64).eps)


class Known:
    """Variance, skewness, grid, distinct and frequent values and stand-ins of the profile that inherits this."""

    __slots__ = ()
    name: str
    kind: str
    weight: float
    m2: float
    low: float
    high: float
    single: bool
    values: Mapping[str, float] | None
    m3: float | None
    facts: Facts | None
    _shape: Shape | None

    @property
    def variance(self) -> float:
        """Weighted variance (divisor: the total weight); 0 where all values are one, whatever rounding says."""
        return self.m2 / self.weight if self.weight and self.low < self.high else 0.0

    @property
    def skewness(self) -> float:
        """Third standardized moment, m3 / m2**1.5; NaN where the values do not vary or are not numbers."""
        sd = float(np.sqrt(self.variance))
        if self.m3 is None or not self.weight or not sd > 8 * rounding(self.single) * self._size:
            return float("nan")
        return self.m3 / self.weight / sd / sd / sd if np.isfinite(self.m3) else float("nan")

    @property
    def resolution(self) -> float | None:
        """Step of the grid that the numbers are recorded on (0.1: one decimal), None where there is none."""
        if self._shape is None:
            return self._facts().resolution
        return self._shape.resolution(self.weight, self._size, self.kind != NUMBER)

    @property
    def coarser(self) -> tuple[float, float] | None:
        """A grid coarser than ``resolution`` that holds nearly all values but not all: (step, share of the weight)."""
        return self._facts().coarser if self._shape is None else self._shape.coarser()

    @property
    def distinct(self) -> int | None:
        """Number of distinct observed values, None past 2,000 and where it was not counted."""
        if self._shape is not None:
            return self._shape.distinct
        if self.facts is not None:
            return self.facts.distinct
        return None if self.values is None else len(self.values)

    def atoms(self, share: float = ATOM) -> tuple[tuple[float, float], ...]:
        """(value, share of the observed weight) of the numbers that hold at least ``share``, largest first.

        Past 2,000 distinct values those of 2 % are never missed, rarer ones may be; a profile out of a saved run
        knows those of 2 %.
        """
        if self._shape is None:
            return tuple(a for a in self._facts().atoms if a[1] >= share)
        return self._shape.atoms(self.weight, share)

    def table(self) -> tuple[Array, Array]:
        """All distinct numbers and their weights; past 2,000 of them a random sample, its weights scaled to the total.

        Raises
        ------
        DataError
            A column of text, or a profile out of a saved run, which keeps no numbers.
        """
        if self._shape is not None:
            return self._shape.table(self.weight)
        if self.values is None or self.kind == CATEGORY:
            raise DataError(f"the profile of column {self.name!r} holds no numbers: profile its data again")
        seen = sorted((float(v), w) for v, w in self.values.items() if w > 0)
        return np.array([v for v, _ in seen]), np.array([w for _, w in seen])

    def sentinel(self, share: float = 0.005) -> tuple[float, float] | None:
        """A number that stands off from all others and holds at least ``share``, as 999 for "unknown" does.

        Returns (value, share), or None. It lies beyond all others by twice their range; a number in nines (99, -999)
        by a quarter of it; -1 where all others are zero or more. One beyond twenty times the range of the others need
        not come twice: a slip of the keyboard.
        """
        if self._shape is None:
            return self._facts().sentinel
        return self._shape.sentinel(self.weight, share) or self._slip()

    def _slip(self) -> tuple[float, float] | None:
        """A cell that lies out of all proportion to the others, with its share."""
        points, mass = self.table()
        # among more rows than are listed the range is wider
        beyond = SLIP * max(1.0, self.weight / len(points)) if self.distinct is None else SLIP
        order = np.argsort(points)
        points, mass = points[order], mass[order]
        if self.distinct is None:  # the ends may not be among those that were drawn
            inside = (points > self.low) & (points < self.high)
            points = np.concatenate([[self.low], points[inside], [self.high]])
            mass = np.concatenate([[1.0], mass[inside], [1.0]])
        for x, w in ((points[::-1], mass[::-1]), (points, mass)):
            for k in range(1, 1 + SIDE_BY_SIDE):
                rest, few = x[k:], w[:k].sum() <= FEW_SLIPS * self.weight
                if len(rest) < 3 or not few or w[k:].sum() < ENOUGH:
                    break
                far = NINES if conventional(float(x[0])) and k == 1 else beyond
                with np.errstate(over="ignore"):
                    out = abs(x[k - 1] - rest[0]) > far * np.ptp(rest) > 0
                if out:
                    return float(x[0]), float(w[0]) / self.weight
        return None

    def kept(self) -> Self:
        """The profile as a run keeps it: what is known of the values, not the values themselves."""
        return self if self._shape is None else replace(self, facts=self._facts(), _shape=None)  # type: ignore[type-var]

    def _facts(self) -> Facts:
        if self._shape is None:
            return self.facts or Facts()
        found = self._shape.facts(self.weight, self._size, self.kind != NUMBER)
        return found if found.sentinel or self.kind == CATEGORY else replace(found, sentinel=self.sentinel())

    @property
    def _size(self) -> float:
        return max(abs(self.low), abs(self.high))
