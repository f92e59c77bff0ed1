"""The grid that a column's numbers are recorded on: tenths, whole numbers, thousands, inches written as centimetres."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from unseen.core.stats import Array

#: most decimal places that are looked for
PLACES = 9
#: rounding that a recorded number is allowed, in units of its last bit
ULPS = 4.0
#: where rounding alone covers this part of a step to each side, a value says nothing about that step
BLIND = 0.05
#: distinct values that make a common divisor of their differences more than chance: 2**-7 for the divisor 2
ENOUGH = 8
_SCALES = 10.0 ** np.arange(PLACES + 1)[:, None]


@dataclass(frozen=True, slots=True)
class Grid:
    """All values are ``(origin + i * step) / 10**places`` with whole i; step 0 while there is one value. Grids add.

    The sum of two grids is the coarsest grid that holds both, the same in whatever order they are added.

    >>> Grid(0, 3, 2) + Grid(1, 35, 0)
    Grid(places=1, origin=30, step=5)
    """

    places: int
    origin: int
    step: int

    def __add__(self, other: Grid) -> Grid:
        places = max(self.places, other.places)
        a, b = 10 ** (places - self.places), 10 ** (places - other.places)
        step = gcd(self.step * a, other.step * b, abs(self.origin * a - other.origin * b))
        return Grid(places, self.origin * a, step)

    def width(self, known: bool) -> float:
        """The step in the units of the data; a round one (a power of ten) unless the rows are enough to tell it."""
        if known and self.step:
            return float(self.step / 10**self.places)
        common, power = gcd(self.step, self.origin), 1
        while common and common % (10 * power) == 0 and self.step:
            power *= 10
        return float(power / 10**self.places)


def decimal_grid(x: Array, probe: Array, eps: float) -> Grid | None:
    """The decimal grid of some numbers, None if one of them is on none; ``probe`` is a part of them, asked first.

    Which decimal place a number needs is decided for each number alone, so parts of a column add up to the whole.
    """
    if _nowhere(probe[:16], eps):
        return None
    places = _places(probe, eps)
    if places is None:
        return None
    fits = _on(x, places, eps)
    if fits.all():
        return _divisor(x, places)
    total: Grid | None = None
    for place in range(PLACES + 1):
        fits = _on(x, place, eps)
        if fits.any():
            part = _divisor(x[fits], place)
            if part is None:
                return None
            total = part if total is None else total + part
            x = x[~fits]
            if not len(x):
                return total
    return None


def _nowhere(x: Array, eps: float) -> bool:
    """Whether one of a few numbers is on no decimal grid."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.abs(x * _SCALES)
        allowed = scaled * (ULPS * eps) + 1e-12
        allowed[allowed > BLIND] = 0.0
        return not (np.abs(scaled - np.rint(scaled)) <= allowed).any(axis=0).all()


def _on(x: Array, places: int, eps: float) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = x * 10.0**places if places else x
        off = np.abs(scaled - np.rint(scaled))
        if not places:
            return off <= np.where(np.abs(x) * (ULPS * eps) <= BLIND, np.abs(x) * (ULPS * eps) + 1e-12, 0.0)
        allowed = np.abs(scaled) * (ULPS * eps) + 1e-12
        return (off <= allowed) & (allowed <= BLIND)


def _places(x: Array, eps: float) -> int | None:
    """Decimal places that the most demanding of the numbers needs."""
    for places in range(PLACES + 1):
        x = x[~_on(x, places, eps)]
        if not len(x):
            return places
    return None


def _divisor(x: Array, places: int) -> Grid | None:
    scaled = np.rint(x * 10.0**places)
    if not float(np.abs(scaled).max()) < 2.0**62:
        return None
    whole = scaled.astype(np.int64)
    origin = int(whole[0])
    gaps = whole - origin
    step = int(np.gcd.reduce(gaps[:256]))
    if step != 1 and len(gaps) > 256:
        left = gaps % step if step else gaps
        if left.any():
            step = gcd(step, int(np.gcd.reduce(left[left != 0])))
    return Grid(places, origin, step)


def regular_step(points: Array, eps: float) -> float | None:
    """The step of a regular grid that all of the (sorted, distinct) points lie on, None if there is none.

    Euclid's algorithm on the gaps, with what rounding leaves taken for zero.

    >>> inches = np.array([60, 61, 63, 66, 67]) * 2.54
    >>> round(regular_step((inches - inches.mean()) / 7.1, 2.0**-52), 12)
    0.357746478873
    """
    gaps = gaps_of(points, eps)
    if len(gaps) < 2:
        return None
    noise = _noise(points, eps)
    step = least = float(gaps.min())
    while step > max(1e4 * noise, least / 100):
        times = np.rint(gaps / step)
        step = float(gaps.sum() / times.sum())
        off = np.abs(gaps - times * step)
        # rounding of the few operations that made the numbers, and no more: other numbers pass by chance of 1e-6
        wrong = off > np.maximum(2 * noise, 1e-6 * step)
        if not wrong.any():
            return step
        step = float(off[wrong].min())
    return None


def gaps_of(points: Array, eps: float) -> Array:
    """Gaps between neighbouring points, those that are rounding left out."""
    gaps = np.diff(points)
    return gaps[gaps > _noise(points, eps)]


def _noise(points: Array, eps: float) -> float:
    return 2 * ULPS * eps * float(np.abs(points).max())
