"""Numbers with labels that say what they name, so that a page to be passed on can leave some out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np

from unseen.core.stats import Array
from unseen.errors import ModelError


class Labels(StrEnum):
    """What the labels of a table's rows or columns name, so that a page to be passed on can leave some out."""

    NAMES = "names"  # quantities, such as "communality"
    PARTS = "parts"  # the model's components, states, factors
    COLUMNS = "columns"  # columns of the data, and what stands in a line with them, such as an intercept
    CATEGORIES = "categories"  # values of the table's column


class Scale(StrEnum):
    """What the numbers of a table are, and so how they are drawn."""

    NUMBER = "number"  # anything: not drawn
    PROBABILITY = "probability"  # 0 to 1
    CORRELATION = "correlation"  # -1 to 1
    RATIO = "ratio"  # positive, 1 in the middle
    DURATION = "duration"  # positive, may be infinite


@dataclass(frozen=True, eq=False)
class Table:
    """Hold some numbers of a model with their labels; ``title`` and ``note`` name no column and no category.

    Parameters
    ----------
    name : what programs know it by, such as ``"transitions"``
    values : (rows, columns), NaN where there is no number
    errors : standard errors of the values, of the same shape, where there are any
    column : the column of the data that all of it speaks of, "" for none

    Raises
    ------
    ModelError
        Labels and numbers do not go together.

    >>> Table("shares", "Shares", ("component 0",), ("share",), np.ones((1, 1))).as_dict()["values"]
    [[1.0]]
    """

    name: str
    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Array
    rows_are: Labels = Labels.NAMES
    columns_are: Labels = Labels.NAMES
    scale: Scale = Scale.NUMBER
    errors: Array | None = None
    note: str = ""
    column: str = ""

    def __post_init__(self) -> None:
        shape = (len(self.rows), len(self.columns))
        for what, array in (("values", self.values), ("errors", self.errors)):
            if array is not None and np.shape(array) != shape:
                raise ModelError(
                    f"table {self.name!r} has {what} of shape {np.shape(array)}, but {shape[0]} row labels and "
                    f"{shape[1]} column labels: give as many labels as numbers"
                )

    def without(self, hidden: Collection[str]) -> Self | None:
        """Return the table without what it says of some columns of the data, None where nothing is left."""
        if self.column in hidden:
            return None
        kept = [
            np.array([are != Labels.COLUMNS or label not in hidden for label in labels], bool)
            for labels, are in ((self.rows, self.rows_are), (self.columns, self.columns_are))
        ]
        if not all(k.any() for k in kept):
            return None
        rows, columns = (
            tuple(label for label, keep in zip(labels, k, strict=True) if keep)
            for labels, k in zip((self.rows, self.columns), kept, strict=True)
        )
        errors = None if self.errors is None else self.errors[np.ix_(*kept)]
        return replace(self, rows=rows, columns=columns, values=self.values[np.ix_(*kept)], errors=errors)

    def numbered(self) -> Self:
        """Return the table with numbers in place of the names of categories."""
        rows, columns = (
            numbered(labels, "category") if are == Labels.CATEGORIES else labels
            for labels, are in ((self.rows, self.rows_are), (self.columns, self.columns_are))
        )
        return replace(self, rows=tuple(rows), columns=tuple(columns))

    def as_dict(self) -> dict[str, Any]:
        """Return the table ready for JSON: None where a number is missing or infinite."""
        out = {"name": self.name, "title": self.title, "rows": list(self.rows), "columns": list(self.columns)}
        errors = {} if self.errors is None else {"errors": _finite(self.errors)}
        return {**out, "values": _finite(self.values), **errors, "note": self.note}


def numbered(values: Sequence[Any], word: str) -> list[str]:
    """Return as many names made of a word and a number as there are values.

    >>> numbered(["Ada", "Grace"], "category")
    ['category 1', 'category 2']
    """
    return [f"{word} {i}" for i in range(1, len(values) + 1)]


def part_names(noun: str, count: int) -> tuple[str, ...]:
    """Return what the parts of a model are called in its tables.

    >>> part_names("state", 2)
    ('state 0', 'state 1')
    """
    return tuple(f"{noun} {k}" for k in range(count))


def _finite(values: Array) -> list[list[float | None]]:
    return [[float(x) if np.isfinite(x) else None for x in row] for row in values]
