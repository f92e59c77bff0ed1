"""Rows put into another order in bounded memory.

Where each row goes is known before any is moved, so no runs need to be merged: one pass deals rows out to temporary
files, each of which holds an even range of the new order and fits into memory; each is then sorted and handed on.

Source: Knuth (1998), The Art of Computer Programming 3, section 5.4.9 (distribution).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from unseen.arrow.libraries import pa
from unseen.arrow.output import no_space
from unseen.core.stats import Array

#: rows are sorted in memory in parts of about so many bytes, as Arrow counts them
PART_BYTES = 256 << 20
#: temporary files that are open at the same time; more rows than they hold within bounds make them larger
MOST_PARTS = 256
#: the column of a grouped copy that says where a row stood
PLACE = "(place)"
#: rows of a part that are handed on at a time
HANDED = 131_072


def reorder(pieces: Iterable[tuple[Any, Array]], rows: int, write: Callable[[Any], Any]) -> None:
    """Hand the rows of some tables to ``write`` in another order.

    Parameters
    ----------
    pieces : Arrow tables of one schema, each with the new positions of its rows, (n,), which together are 0 to rows - 1
    rows : the number of rows of all tables together

    Raises
    ------
    RunError
        No space left for the temporary files.

    >>> import pyarrow as pa
    >>> reorder([(pa.table({"x": [10, 20, 30]}), np.array([2, 0, 1]))], 3, lambda t: print(t["x"].to_pylist()))
    [20, 30, 10]
    """
    what = "a temporary copy of rows in another order (its place is set by TMPDIR)"
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder, no_space(what):
        parts = _Parts(Path(folder), rows)
        try:
            for table, places in pieces:
                parts.deal(table, places)
        finally:
            parts.close()
        for part in parts.ranges():
            write(part)


def taken(table: Any, rows: Array) -> Any:
    """Some rows of a table in an order, (n,); text in a layout that Arrow cannot pick from is laid out anew."""
    for i, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type):
            large = field.with_type(pa.large_string())
            table = table.set_column(i, large, table.column(i).cast(large.type))
    return table.take(pa.array(rows))


class _Parts:
    """Temporary files, each for an even range of new positions."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows, self.count = folder, rows, 0
        self._writers: dict[int, Any] = {}

    def deal(self, table: Any, places: Array) -> None:
        """Append rows to the files their new positions belong to."""
        if not table.num_rows:
            return
        if not self.count:
            whole = (table.nbytes / table.num_rows + 8) * self.rows
            self.count = int(min(max(1, -(-whole // PART_BYTES)), MOST_PARTS))
        table = table.append_column(PLACE + "?", pa.array(places, pa.int64()))
        parts = places * self.count // max(self.rows, 1)
        order = np.argsort(parts, kind="stable")
        for chosen in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1):
            part, some = int(parts[chosen[0]]), taken(table, chosen)
            if part not in self._writers:
                self._writers[part] = pa.ipc.new_stream(self.folder / str(part), some.schema)
            self._writers[part].write_table(some)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def ranges(self) -> Iterable[Any]:
        """The rows of each file in their new order, some at a time; the files are removed as they are read."""
        for part in sorted(self._writers):
            path = self.folder / str(part)
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                table = reader.read_all()
            path.unlink()
            order = np.argsort(table.column(table.num_columns - 1).to_numpy())
            table = table.remove_column(table.num_columns - 1)
            for start in range(0, len(order), HANDED):
                yield taken(table, order[start : start + HANDED])
