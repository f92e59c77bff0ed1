"""What one column of numbers is: its grid, its distinct values, values that stand for something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unseen.core.grid import ENOUGH, Grid, decimal_grid, gaps_of, regular_step
from unseen.core.kinds import kind
from unseen.core.stats import Array
from unseen.core.values import Sample, Table, Values, values_of

#: share of the observed weight from which a value is one of the frequent ones that are never missed
ATOM = 0.02
Pair = tuple[float, float]


@kind("facts")
@dataclass(frozen=True, slots=True)
class Facts:
    """What a saved run keeps of a `Shape`: no values but the frequent ones."""

    resolution: float | None = None
    coarser: Pair | None = None
    distinct: int | None = None
    atoms: tuple[Pair, ...] = ()
    sentinel: Pair | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Grid and values of the observed numbers; ``eps`` is the rounding of the type they are stored in. Shapes add."""

    grid: Grid | None
    values: Values
    eps: float

    def __add__(self, other: Shape) -> Shape:
        grid = None if self.grid is None or other.grid is None else self.grid + other.grid
        return Shape(grid, self.values + other.values, max(self.eps, other.eps))

    @classmethod
    def of(cls, x: Array, w: Array | None, probe: Sample, whole: bool, eps: float) -> Shape:
        """The shape of observed numbers ``x`` (n,), weights ``w`` above zero; ``probe`` is a random part of them."""
        values = values_of(x, w, probe, whole)
        if values.table is not None:
            return cls(decimal_grid(values.table.points, probe.points, eps), values, eps)
        return cls(decimal_grid(x, probe.points, eps), values, eps)

    def facts(self, weight: float, size: float, integer: bool) -> Facts:
        """All of it in short; ``size`` is the largest absolute value."""
        common = tuple(a for a in self.atoms(weight, ATOM) if a[1] * weight >= 5)
        return Facts(
            self.resolution(weight, size, integer), self.coarser(), self.distinct, common, self.sentinel(weight)
        )

    def without(self, values: Sequence[float]) -> Shape:
        """The shape of the numbers that are none of ``values``; past the limit the grid stays that of all."""
        left, known = self.values.without(values), self.values.table
        grid = self.grid
        if known is not None and left.table is not None and len(left.table) < len(known):
            grid = decimal_grid(left.table.points, left.table.points, self.eps) if len(left.table) else None
        return replace(self, grid=grid, values=left)

    @property
    def distinct(self) -> int | None:
        """Number of distinct values, None past the limit."""
        return None if self.values.table is None else len(self.values.table)

    def atoms(self, weight: float, share: float) -> tuple[Pair, ...]:
        """Values of at least that share, the largest first."""
        known = self.values.frequent if self.values.table is None else self.values.table
        known = known.keep(known.mass >= share * weight)
        order = np.lexsort((known.points, -known.mass))
        return tuple((float(known.points[i]), float(known.mass[i]) / weight) for i in order)

    def table(self, weight: float) -> tuple[Array, Array]:
        """All distinct values and their weights, or the sample's with its weights scaled to the total."""
        if self.values.table is not None:
            return self.values.table.points.copy(), self.values.table.mass.copy()
        sample = self.values.sample
        mass = np.ones(len(sample.points)) if sample.mass is None else sample.mass
        return sample.points.copy(), mass * (weight / mass.sum() if len(mass) else 1.0)

    def resolution(self, weight: float, size: float, integer: bool) -> float | None:
        """The step of the grid, None where the values are on none and do not repeat."""
        odd = self.sentinel(weight)
        if odd is not None:
            return self.without([odd[0]])._step(weight * (1 - odd[1]), size, integer)
        return self._step(weight, size, integer)

    def _step(self, weight: float, size: float, integer: bool) -> float | None:
        table, grid = self.values.table, self.grid
        if table is None:
            return None if grid is None or not grid.step else _coarse_enough(grid.width(True), size, self.eps, integer)
        repeated = len(table) <= 0.5 * weight
        often = len(table) <= 0.2 * weight  # rows drawn again, as in a bootstrap, repeat two or three times
        # numbers all but zero are no grid of zeros
        if grid is not None and (grid.step or len(table) == 1):
            step = grid.width(repeated or len(table) >= ENOUGH)
            return _coarse_enough(step, size, self.eps, integer)
        if len(table) > 2 and (step_ := regular_step(table.points, self.eps)) is not None:
            return step_
        # a few frequent values beside continuous ones are no grid: the others have to repeat, too
        rest = table.keep(table.mass < max(ATOM * weight, 3))
        if len(table) < 2 or not often or len(rest) > 0.5 * rest.mass.sum():
            return None
        gaps = gaps_of(table.points, self.eps)
        return float(gaps.min()) if len(gaps) else None

    def coarser(self, share: float = 0.9) -> Pair | None:
        """A decimal grid coarser than that of all values which holds at least ``share`` of them, and what it holds."""
        table = self.values.table
        if table is None or self.grid is None or not self.grid.places:
            return None
        total = table.mass.sum()
        for places in range(self.grid.places):
            scaled = table.points * 10.0**places
            on = np.abs(scaled - np.rint(scaled)) <= 4 * self.eps * np.abs(scaled) + 1e-12
            held = float(table.mass[on].sum() / total)
            if held >= share and (part := decimal_grid(table.points[on], table.points[on], self.eps)) is not None:
                return part.width(int(on.sum()) >= ENOUGH), held
        return None

    def sentinel(self, weight: float, share: float = 0.005) -> Pair | None:
        """One value at either end that stands off from all others and holds a visible share."""
        table = Table(*self.table(weight))
        ends = (table.points.min(), table.points.max()) if len(table) else ()
        for value, held in self.atoms(weight, share):
            off = value in ends and value and held * weight >= 5
            if off and _stands_off(value, held * weight, table.keep(table.points != value)):
                return value, held
        return None


def _coarse_enough(step: float, size: float, eps: float, integer: bool) -> float | None:
    """None where the step is that of the numbers' own last bits."""
    return step if integer or step > 4 * eps * size else None


def _stands_off(value: float, held: float, rest: Table) -> bool:
    points = np.unique(rest.points)
    if len(points) < 3:
        return False
    low, high = float(points[0]), float(points[-1])
    if low < value < high:
        return False
    gap = value - high if value >= high else low - value
    nearest = high if value >= high else low
    if value == -1:
        # the one negative number among counts or codes of some range
        return low >= 0 and high >= 10 and held > 2 * float(rest.mass[rest.points == nearest].sum())
    return gap > (0.25 if conventional(value) else 2.0) * (high - low)


def conventional(value: float) -> bool:
    """Whether a number is written in nines, at least two of them: 99, -999, 9999, 99.9."""
    digits = f"{abs(value):.10g}".replace(".", "")
    return len(digits) > 1 and set(digits.rstrip("0") or "0") == {"9"} and "0" not in digits
