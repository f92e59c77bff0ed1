"""What a first pass learns of data as a whole: the profile of each column, rows, units and known labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np

from unseen.core.block import CATEGORY, Column, Field, Frame, label
from unseen.core.column_profile import (
    MAX_CATEGORIES,
    ColumnProfile,
    added,
    index_column,
    limited,
    profile_column,
    value_weights,
)
from unseen.core.kinds import kind
from unseen.core.stats import Array
from unseen.core.values import Draw
from unseen.errors import DataError


@kind("profile")
@dataclass(frozen=True, slots=True)
class Profile:
    """Profiles of the columns in order, rows, units, and rows without any observed cell.

    ``weight`` is that of the rows that say something: a cell or the label is known.
    """

    columns: tuple[ColumnProfile, ...]
    rows: int = 0
    units: int = 0
    weight: float = 0.0
    empty_rows: int = 0
    bad_weights: int = 0
    labels: Mapping[str, float] = field(default_factory=dict)
    #: units whose rows do not all have the same weight
    uneven_units: int = 0
    _by_name: dict[str, ColumnProfile] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __add__(self, other: Profile) -> Profile:
        return Profile(
            tuple(a + b for a, b in zip(self.columns, other.columns, strict=True)),
            self.rows + other.rows,
            self.units + other.units,
            self.weight + other.weight,
            self.empty_rows + other.empty_rows,
            self.bad_weights + other.bad_weights,
            added(self.labels, other.labels) or {},
            self.uneven_units + other.uneven_units,
        )

    def __getitem__(self, name: str) -> ColumnProfile:
        if not self._by_name:  # of many columns each is asked for by its name
            self._by_name.update((c.name, c) for c in reversed(self.columns))
        if name in self._by_name:
            return self._by_name[name]
        raise DataError(f"there is no column {name!r}; the columns are {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def rows_per_unit(self) -> int:
        """Rows of a unit on average, a whole number of 1 or more."""
        return max(1, round(self.rows / max(self.units, 1)))

    def select(self, names: tuple[str, ...]) -> Profile:
        """The same profile for some of the columns."""
        return replace(self, columns=tuple(self[n] for n in names))


def profile_frame(
    frame: Frame,
    fields: tuple[Field, ...],
    weights: str | None = None,
    labels: str | None = None,
    index: Collection[str] = (),
) -> Profile:
    """The profile of one block's columns; ``weights`` and ``labels`` name columns that are not data.

    ``index`` names columns that are open vocabularies.
    """
    w = None
    bad = 0
    if weights is not None:
        column = frame.columns[weights]
        if column.categories:
            raise DataError(f"weight column {weights!r} holds text: weights are numbers, zero or more")
        w = np.asarray(column.values, float)
        bad = int((~np.isfinite(w) | (w < 0)).sum())
        if column.observed is not None:
            bad += int((~column.observed).sum())
        w = np.where(np.isfinite(w) & (w > 0), w, 0.0)
    silent = np.ones(frame.rows, bool)
    columns = []
    draw = Draw.of(frame.rows, frame.id)
    for f in fields:
        column = frame.columns[f.name]
        silent &= False if column.observed is None else ~column.observed
        columns.append((index_column if f.name in index else profile_column)(f, column, w, draw))
    empty = int(silent.sum())
    known: Mapping[str, float] = {}
    if labels is not None:
        known = _classes(labels, frame.columns[labels])
        seen = frame.columns[labels].observed
        silent &= False if seen is None else ~seen
    total = float((~silent if w is None else w[~silent]).sum())
    units = frame.rows if frame.offsets is None else len(frame.offsets) - 1
    uneven = 0 if w is None or frame.offsets is None else _uneven(w, frame.offsets)
    return Profile(tuple(columns), frame.rows, units, total, empty, bad, known, uneven)


def _classes(name: str, column: Column) -> Mapping[str, float]:
    """Rows of each class among the known labels."""
    known: Mapping[str, float] | None
    if column.categories:
        known = value_weights(Field(name, CATEGORY), column, None)
    else:
        seen = column.values if column.observed is None else column.values[column.observed]
        values, rows = np.unique(np.asarray(seen, float), return_counts=True)
        known = limited({label(float(v)): float(n) for v, n in zip(values, rows, strict=True)})
    if known is None or len(known) > MAX_CATEGORIES:
        raise DataError(
            f"label column {name!r} has more than {MAX_CATEGORIES:,} distinct values: labels name the classes of rows"
        )
    return known


def _uneven(w: Array, offsets: Array) -> int:
    """How many units have rows of different weights."""
    differs = np.append(False, w[1:] != w[:-1])
    differs[offsets[:-1][np.diff(offsets) > 0]] = False
    return int(np.count_nonzero(np.diff(np.append(0, np.cumsum(differs))[offsets])))


def merged(profiles: list[Profile]) -> Profile:
    """The profile of all blocks."""
    return reduce(lambda a, b: a + b, profiles)


__all__ = ["MAX_CATEGORIES", "ColumnProfile", "Profile", "merged", "profile_column", "profile_frame"]
