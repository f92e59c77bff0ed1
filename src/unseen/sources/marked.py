"""Tables with types of which a user says more: which cells are missing, which columns are text, numbers or dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unseen.arrow.notation import number_of
from unseen.core.block import CATEGORY, INTEGER, NUMBER, OTHER, Column, Field, Frame, label
from unseen.core.reading import Notation, Reading
from unseen.core.source import Part, Source
from unseen.core.stats import Array

NUMERIC = (INTEGER, NUMBER)
#: so many different numbers in text are no codes
MANY = 20


def with_numbers(source: Source, asked: Reading, known: Mapping[str, Notation]) -> Reading:
    """The reading of a typed table in which numbers stand as text: of columns that hold many and nothing else.

    Columns that are ``known`` were numbers, or were not, when a model was fitted.
    """
    parts, schema = source.manifest(), source.schema()
    asked = asked.only([f.name for f in schema]) if known else asked
    named = {*asked.text, *asked.number, *asked.date, *known}
    were = {name for name, how in known.items() if how.kind in NUMERIC}
    texts = [f.name for f in schema if f.kind == CATEGORY and (f.name not in named or f.name in were - {*asked.number})]
    if not parts or not texts or not parts[0].rows:
        return asked
    found = []
    for name, column in source.read(parts[0], texts).columns.items():
        cells = list(column.categories)
        if (len(cells) > MANY or (cells and name in were)) and len(_numbers_in(name, cells, Reading())) == len(cells):
            found.append(name)
    return replace(asked, number=(*asked.number, *found))


class Marked:
    """A source whose columns are taken for what a `Reading` says; all else is as the source has it."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._source, self.reading = source, reading
        self._fields = {f.name: f for f in source.schema()}
        reading.check([*self._fields])
        self._numbers = {n: self._as_numbers(n) for n in reading.number if self._fields[n].kind == CATEGORY}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def schema(self) -> tuple[Field, ...]:
        return tuple(map(self._field, self._fields.values()))

    def _field(self, field: Field) -> Field:
        if field.name in self.reading.date:
            return Field(field.name, OTHER, "said to be dates or times, which are not modelled")
        if field.name in self.reading.text and field.kind != OTHER:
            return replace(field, kind=CATEGORY)
        return Field(field.name, NUMBER, "numbers written as text") if field.name in self._numbers else field

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        return self._read(self._source.read(part, columns))

    def read_all(self, part: Part, columns: Sequence[str]) -> tuple[Frame, Any]:
        """A block's frame, and all of its columns as they came."""
        frame, table = self._source.read_all(part, columns)  # type: ignore[attr-defined]
        return self._read(frame), table

    def _read(self, frame: Frame) -> Frame:
        return replace(frame, columns={name: self._column(name, c) for name, c in frame.columns.items()})

    def _column(self, name: str, column: Column) -> Column:
        marks = self.reading.marks(name)
        if marks:
            column = _without(column, marks)
        if name in self.reading.text and not column.categories:
            return _as_text(column)
        if name in self._numbers and column.categories:
            return _as_numbers(column, self._numbers[name])
        return column

    def _as_numbers(self, name: str) -> dict[str, float]:
        """The numbers that the texts of a column are; those that are none are missing."""
        texts: dict[str, None] = {}
        for part in self._source.manifest():
            texts.update(dict.fromkeys(self._source.read(part, (name,)).columns[name].categories))
        return _numbers_in(name, list(texts), self.reading)


def _numbers_in(name: str, texts: list[str], reading: Reading) -> dict[str, float]:
    from unseen.arrow.typed import numbers_in  # which needs all that reads text

    return numbers_in(name, texts, reading)


def _without(column: Column, marks: Sequence[str]) -> Column:
    """The column with the cells that mean missing masked."""
    if column.categories:
        lower = {m.lower() for m in marks}
        missing = np.array([c.strip().lower() in lower for c in column.categories])[column.values]
    else:
        missing = np.isin(column.values, [n for m in marks if (n := number_of(m)) is not None])
    if not missing.any():
        return column
    observed: Array = ~missing if column.observed is None else column.observed & ~missing
    return replace(column, observed=observed)


def _as_text(column: Column) -> Column:
    distinct, codes = np.unique(column.values, return_inverse=True)
    return Column(codes.astype(np.int32), column.observed, tuple(label(float(v)) for v in distinct))


def _as_numbers(column: Column, numbers: dict[str, float]) -> Column:
    values = np.array([numbers.get(c, np.nan) for c in column.categories])[column.values]
    known = np.isfinite(values) if column.observed is None else column.observed & np.isfinite(values)
    return Column(np.where(known, values, 0.0), None if known.all() else known)
