"""What of a profile may leave the place where the rows are: moments, and means of groups of rows instead of values."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from unseen.core.block import CATEGORY
from unseen.core.column_profile import ColumnProfile
from unseen.core.grid import Grid
from unseen.core.profile import Profile
from unseen.core.shape import Shape
from unseen.core.stats import Array
from unseen.core.values import NOTHING, Sample, Table, Values
from unseen.errors import DataError

#: groups of rows whose means are told of a column, at most
GROUPS = 64


def coarsened(profile: Profile, least: int, coded: Collection[str] = ()) -> Profile:
    """The profile without the values of rows.

    Of a column of numbers there stay its moments, its decimal grid, the means of groups of ``least`` rows or more that
    are neighbours by size, and values that so many rows share. Of ``coded`` columns, and of open vocabularies, all
    values stay with their weights.

    Raises
    ------
    DataError
        A column has fewer observed cells than ``least``, and some.

    Source: Domingo-Ferrer & Mateo-Sanz (2002), IEEE Trans. Knowl. Data Eng. 14, 189-201, for one column.
    """
    return replace(profile, columns=tuple(_column(c, least, c.open or c.name in coded) for c in profile.columns))


def _column(c: ColumnProfile, least: int, coded: bool) -> ColumnProfile:
    seen = c.rows - c.missing
    if 0 < seen < least:
        raise DataError(
            f"column {c.name!r} has {seen:,} observed cells, fewer than the {least:,} rows of a sum that may be told "
            f"(least_rows): leave it out (ignore=[{c.name!r}]; --ignore {c.name})"
        )
    if c.kind == CATEGORY or c.open:
        return c if coded else replace(c, values=None)
    if c._shape is None:
        return replace(c, facts=None, values=c.values if coded else None)
    grid = c._shape.grid
    if grid is not None and grid.step:  # where it begins is a value; what counts is where it begins within a step
        grid = Grid(grid.places, grid.origin % grid.step, grid.step)
    if coded:
        values = Values(c._shape.values.table, NOTHING, Sample(np.zeros(0), np.zeros(0)))
        return replace(c, facts=None, _shape=Shape(grid, values, c._shape.eps))
    points, mass = c._shape.table(c.weight)
    order = np.argsort(points)
    groups, often = grouped(Table(points[order], mass[order]), least * c.weight / max(seen, 1))
    keys = np.random.default_rng(0).permutation(len(groups)) / max(len(groups), 1)
    order = np.argsort(keys)
    sample = Sample(keys[order], groups.points[order], groups.mass[order])
    # where each value is that of many rows all of them are known, so that a grid of two codes is found
    known = often if len(often) == len(groups) else None
    low, high = _ends(c, groups.points) if known is None else (c.low, c.high)
    shape = Shape(grid, Values(known, often, sample), c._shape.eps)
    return replace(c, facts=None, values=None, low=low, high=high, _shape=shape)


def grouped(table: Table, least: float, most: int = GROUPS) -> tuple[Table, Table]:
    """Means of groups of neighbouring values that weigh ``least`` each or more, and the values that do so alone.

    What is beside those values weighs nothing or ``least``, so that no difference tells the sum of a few rows.

    >>> grouped(Table(np.array([0.0, 1.0, 2.0, 3.0, 9.0]), np.array([5.0, 1.0, 1.0, 1.0, 1.0])), 2)[0].points.tolist()
    [0.0, 1.5, 6.0]
    """
    often = table.mass >= least
    while 0 < table.mass[~often].sum() < least and often.any():
        often[np.flatnonzero(often)[table.mass[often].argmin()]] = False
    alone, rest = table.keep(often), table.keep(~often)
    size, total = max(least, table.mass.sum() / most), float(rest.mass.sum())
    group, number, held = np.zeros(len(rest), int), 0, 0.0
    for i, m in enumerate(rest.mass):
        if held >= size and total >= size:
            number, held = number + 1, 0.0
        group[i] = number
        held, total = held + m, total - m
    mass = np.bincount(group, rest.mass)[: len(rest)]
    means = np.bincount(group, rest.mass * rest.points)[: len(rest)] / np.where(mass > 0, mass, 1.0)
    points = np.concatenate([alone.points, means])
    order = np.argsort(points, kind="stable")
    return Table(points[order], np.concatenate([alone.mass, mass])[order]), alone


def _ends(c: ColumnProfile, points: Array) -> tuple[float, float]:
    """A range that tells no extreme row: on the same side of zero as the true one, and no point where that is none."""
    if not c.low < c.high or not len(points):
        return c.low, c.high
    if not c.fractions:  # counts are tabulated up to the largest: powers of two reach as far
        return _outward(c.low, False), _outward(c.high, True)
    low, high = float(points.min()), float(points.max())
    if low == high:  # cells above zero have no standard deviation of 100 means, unless they are 10,000 or more
        narrow = math.sqrt(c.variance) / 100
        low, high = low - narrow, high + narrow
    if c.low <= 0 < low:
        low = _outward(c.low, False)
    if high < 0 <= c.high:
        high = _outward(c.high, True)
    return low, high


def _outward(end: float, up: bool) -> float:
    """The next power of two less one beyond a number, or towards zero where that is beyond."""
    power = math.log2(abs(end) + 1)
    size = 2.0 ** (math.ceil(power) if up == (end > 0) else math.floor(power)) - 1
    return math.copysign(size, end) if size else 0.0
