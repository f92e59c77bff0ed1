"""Rows of text files as they are written there, with new columns beside them or holes filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from unseen.arrow.libraries import pa, pc
from unseen.arrow.notation import spelled
from unseen.arrow.output import is_lines, is_text
from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, NUMBER
from unseen.core.reading import Notation
from unseen.core.stats import Array

FALSE_TRUE = ("false", "true")
Fills = Mapping[str, tuple[Array, Array]]


def rows_of(source: Any, path: Path) -> RawRows | ObjectRows | None:
    """The rows of a source as they go to a file cell by cell: text to text, JSON to JSON; None where they do not."""
    if getattr(source, "objects", None) is not None and is_lines(path):
        return ObjectRows(source)
    return RawRows(source) if hasattr(source, "raw") and is_text(path) else None


def raw_schema(source: Any) -> Any:
    """The columns of a text source as they are named there, all text."""
    return pa.schema([(name, pa.string()) for name in source.raw_names])


class RawRows:
    """The rows of a text source in their order, handed out a few at a time."""

    def __init__(self, source: Any) -> None:
        self._names = list(source.arrow_schema.names)
        self._batches, self._rest = source.raw(), pa.schema([(n, pa.string()) for n in self._names]).empty_table()

    def take(self, rows: int) -> list[Any]:
        """The columns of the next rows."""
        while self._rest.num_rows < rows:
            self._rest = pa.concat_tables([self._rest, pa.Table.from_batches([next(self._batches)])])
        taken, self._rest = self._rest.slice(0, rows), self._rest.slice(rows)
        return list(taken.columns)

    def beside(self, new: Any, schema: Any) -> Any:
        """The next rows, and the columns of a table beside them."""
        return pa.table([*self.take(new.num_rows), *new.columns], schema=schema)

    def completed(self, fills: Any, schema: Any, number: int) -> Any:
        """The next rows, with the cells of a table in place of theirs where it has any; ``number`` is the draw's."""
        columns = self.take(fills.num_rows)
        for name in fills.column_names:
            j = self._names.index(name)
            columns[j] = pc.coalesce(fills.column(name), columns[j])
        if len(schema) > len(columns):
            columns.insert(0, pa.repeat(pa.scalar(number, schema.field(0).type), fills.num_rows))
        return pa.table(columns, schema=schema)


class ObjectRows:
    """The objects of a source of JSON in their order, with new keys in them."""

    def __init__(self, source: Any) -> None:
        self._objects, self._notations = source.objects(), source.notations

    def beside(self, new: Any, schema: Any) -> list[dict[str, Any]]:
        """The next objects, and the columns of a table as keys of theirs."""
        return [row | more for row, more in zip(islice(self._objects, new.num_rows), new.to_pylist(), strict=True)]

    def completed(self, fills: Any, schema: Any, number: int) -> list[dict[str, Any]]:
        """The next objects, with the cells of a table in place of what is null in them or not there."""
        rows = list(islice(self._objects, fills.num_rows))
        for row, cells in zip(rows, fills.to_pylist(), strict=True):
            for name, cell in cells.items():
                if cell is not None:
                    _put(row, name, cell if self._notations[name].kind == CATEGORY else json.loads(cell))
        drawn = schema.names[0] if len(schema) > len(self._notations) else ""
        return [{drawn: number, **row} for row in rows] if drawn else rows


def _put(row: dict[str, Any], name: str, value: Any) -> None:
    """Set a key; one with points in it is inside objects unless the row has it as it is."""
    key, point, rest = name.partition(".")
    if name in row or not point or not isinstance(row.get(key, {}), dict):
        row[name] = value
    else:
        _put(row.setdefault(key, {}), rest, value)


def fills_as_text(fills: Fills, rows: int, names: Sequence[str], notations: Mapping[str, Notation]) -> Any:
    """A table of the cells that fill holes, spelled as their columns are, null elsewhere."""
    columns = []
    for name in names:
        cells = np.full(rows, None, object)
        if name in fills:
            where, values = fills[name]
            how = notations[name]
            if how.kind == BOOLEAN and values.dtype != object:
                cells[where] = [(how.truths or FALSE_TRUE)[int(v >= 0.5)] for v in values]
            elif how.kind in (INTEGER, NUMBER) and values.dtype != object:
                cells[where] = spelled(values, how)
            else:
                cells[where] = [str(v) for v in values]
        columns.append(pa.array(cells, pa.string()))
    return pa.table(columns, names=list(names))
