"""Families of counts: which columns they can describe, and in how many rows one does not hold what it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np

from unseen.core.block import CATEGORY, Slot
from unseen.core.family import Family, unset
from unseen.core.profile import ColumnProfile, Profile
from unseen.core.stats import Array
from unseen.errors import DataError, ModelError


def rows_where(column: ColumnProfile, test: Callable[[Array], Array]) -> str:
    """The share of rows whose number passes, in words: exact where distinct values are few, by a sample otherwise.

    >>> import numpy as np
    >>> from unseen.core.block import Column, Field
    >>> from unseen.core.profile import profile_column
    >>> column = profile_column(Field("debt", "number"), Column(np.array([-1.0, 2.0, 3.0])))
    >>> rows_where(column, lambda x: x < 0)
    '1 of 3 rows'
    """
    values, weights = column.table()
    found = float(weights[test(values)].sum())
    if column.distinct is not None:
        many = f"{found:,.0f}" if found >= 0.5 else "few"
    else:  # of rare ones, which alone may be there, a sample has none
        many = f"about {found:,.0f}" if found >= 0.5 else "very few"
    return f"{many} of {column.weight:,.0f} rows"


def check_counts(column: ColumnProfile) -> None:
    """Refuse a column that does not hold counts, or does not vary.

    Raises
    ------
    DataError
        It says in how many rows, and what to use.
    """
    if column.kind == CATEGORY:
        raise DataError(f"column {column.name!r} holds text, not counts: use Categorical for it, or ignore it")
    if column.low < 0:
        raise DataError(
            f"column {column.name!r} has negative numbers in {rows_where(column, lambda x: x < 0)}, which are not "
            "counts: use Gaussian or StudentT for it"
        )
    if column.fractions:
        raise DataError(
            f"column {column.name!r} has fractions in {column.fractions:,} rows, and counts are whole numbers: "
            "use Gaussian or StudentT for it, or round it first"
        )
    if column.low == column.high:
        raise DataError(f"column {column.name!r} is constant: it tells components nothing, ignore it")


class Counts(Family):
    """A family of counts, independent of each other inside a component, with a floor on their means."""

    floor: float
    columns: tuple[str, ...]
    centre: Any  # (d,) means of the data
    scale: Any  # (d,) their standard deviations

    def __post_init__(self) -> None:
        if not 0 < self.floor < 1:
            raise ModelError("floor is a share of the data's mean count: take it between 0 and 1, for example 1e-6")

    def bind(self, profile: Profile) -> Self:
        for c in profile.columns:
            check_counts(c)
        return replace(  # type: ignore[type-var]
            self,
            columns=profile.names,
            centre=np.array([c.mean for c in profile.columns]),
            scale=np.sqrt([c.variance for c in profile.columns]),
        )

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot(self.columns),) if self.columns else unset()
