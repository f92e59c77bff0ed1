"""Rows of text files as they are written there, with new columns beside them or holes filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unseen.arrow.notation import spelled
from unseen.arrow.output import is_text
from unseen.arrow.spelled import Spelling
from unseen.core.block import BOOLEAN, INTEGER, NUMBER
from unseen.core.reading import Notation
from unseen.core.stats import Array

FALSE_TRUE = ("false", "true")
Fills = Mapping[str, tuple[Array, Array]]


def as_text(source: Any, path: Path) -> bool:
    """Whether the rows of a source go to a file cell by cell as they came: text to text."""
    return getattr(source, "raw", None) is not None and is_text(path)


def spelling(source: Any) -> Spelling:
    """How text beside that of a source is written."""
    found: Spelling = getattr(source, "spelling", None) or Spelling()
    return found


def raw_schema(source: Any) -> Any:
    """The columns of a text source as they are named there, all text."""
    import pyarrow as pa

    return pa.schema([(name, pa.string()) for name in source.raw_names])


class RawRows:
    """The rows of a text source in their order, handed out a few at a time."""

    def __init__(self, source: Any) -> None:
        self._batches = source.raw()
        self._rest: Any = None
        self._names = list(source.arrow_schema.names)

    def take(self, rows: int) -> list[Any]:
        """The columns of the next rows."""
        import pyarrow as pa

        parts: list[Any] = []
        while rows:
            if self._rest is None or not self._rest.num_rows:
                self._rest = next(self._batches)
            parts.append(self._rest.slice(0, rows))
            self._rest = self._rest.slice(len(parts[-1]))
            rows -= len(parts[-1])
        return [pa.chunked_array([p.column(j) for p in parts], pa.string()) for j in range(len(self._names))]

    def beside(self, new: Any, schema: Any) -> Any:
        """The next rows, and the columns of a table beside them."""
        import pyarrow as pa

        return pa.table([*self.take(new.num_rows), *new.columns], schema=schema)

    def completed(self, fills: Any, schema: Any, number: int) -> Any:
        """The next rows, with the cells of a table in place of theirs where it has any; ``number`` is the draw's."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = self.take(fills.num_rows)
        for name in fills.column_names:
            j = self._names.index(name)
            columns[j] = pc.coalesce(fills.column(name), columns[j])
        if len(schema) > len(columns):
            columns.insert(0, pa.repeat(pa.scalar(number, schema.field(0).type), fills.num_rows))
        return pa.table(columns, schema=schema)


def fills_as_text(fills: Fills, rows: int, names: Sequence[str], notations: Mapping[str, Notation]) -> Any:
    """A table of the cells that fill holes, spelled as their columns are, null elsewhere."""
    import pyarrow as pa

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
