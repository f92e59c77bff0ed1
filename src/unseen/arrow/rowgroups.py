"""Blocks of Parquet files, read when they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unseen.arrow.agreement import together
from unseen.arrow.columns import frame_of, readable, unit_codes
from unseen.arrow.digest import file_digest
from unseen.arrow.files import opened
from unseen.arrow.libraries import pa, pq
from unseen.arrow.place import Place, at, places_of
from unseen.arrow.regroup import PLACE, reorder
from unseen.arrow.stream import Decoder, Piece
from unseen.core.block import Field, Frame
from unseen.core.source import Part, cut, grouping, no_unit
from unseen.core.stats import Array
from unseen.errors import DataError

#: a larger row group becomes several blocks, so that whatever is computed per row of a block stays small too
MOST_ROWS = 131_072
#: fewer row groups than this are cut evenly, so that several workers have something to do
FEW = 8
#: but not into smaller blocks than this
LEAST_ROWS = 8_192


class RowGroups:
    """Parquet files as blocks: each read decodes the columns of one block, and keeps nothing but a few open files.

    What the names of a file's folders say (``year=2023``) is in columns of their own, after those of the files.
    ``skipped`` says which files were left out, and why.
    """

    FORMAT = "parquet"

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path | Place],
        *,
        unit: str | None = None,
        whole: bool = False,
        block_rows: int | None = None,
        fields: Sequence[Field] | None = None,
        broken: dict[str, str] | None = None,
        skip_bad: bool = False,
    ) -> None:
        self.unit, self.whole = unit, whole
        self.broken = dict(broken or {})
        self._spool: tempfile.TemporaryDirectory[str] | None = None
        found = together(places_of(paths), self.look, skip_bad)
        self.arrow_schema, self.skipped = found.schema, found.skipped
        self.files = tuple(f.place for f in found.files)
        self.paths = tuple(Path(p.path) for p in self.files)
        self.fields = tuple(found.fields() if fields is None else fields)
        self._look(found.files, found.schema, found.keys)
        self._blocks = [(b - a, self._pieces(a, b), offsets) for a, b, offsets in self._ranges(block_rows, whole)]

    @staticmethod
    def look(place: Place) -> Any:
        """What a file says of itself: rows of its groups, schema, columns of nulls."""
        return opened(place)

    def _look(self, files: Sequence[Any], schema: Any, keys: Any) -> None:
        """Where the row groups of the files begin."""
        self._batch: dict[int, int] = {}  # rows of a group -> rows to decode at a time
        self._decoder = Decoder(files, schema, keys, self._batch)
        self._groups = [(f, g, n) for f, x in enumerate(files) for g, n in enumerate(x.groups) if n]
        self._begins = np.cumsum([0, *(n for _, _, n in self._groups)])
        self.rows = int(self._begins[-1])

    def _regroup(self, order: Array) -> None:
        """Go over to a temporary copy in which rows of one unit stand together, and each says where it stood."""
        to = np.empty_like(order)
        to[order] = np.arange(self.rows)
        self._spool = tempfile.TemporaryDirectory(prefix="unseen-")
        path = Path(self._spool.name) / "grouped.parquet"
        schema = self.arrow_schema.append(pa.field(PLACE, pa.int64()))

        def pieces() -> Iterator[tuple[Any, Array]]:
            for start in range(0, self.rows, MOST_ROWS):
                stop = min(start + MOST_ROWS, self.rows)
                table = self._decoder.read(self._pieces(start, stop), self.arrow_schema.names)
                yield table.append_column(PLACE, pa.array(np.arange(start, stop))), to[start:stop]

        with pq.ParquetWriter(path, schema) as writer:
            reorder(pieces(), self.rows, lambda table: writer.write_table(table.cast(schema)))
        self._look([opened(at(path))], schema, pa.schema([]))

    @property
    def shared(self) -> bool:
        """Whether another process that sees the same files can read the blocks."""
        return self._spool is None

    def places(self, part: Part) -> Array | None:
        """Where the rows of a block stood before those of one unit were put together, or None where they were."""
        if self._spool is None:
            return None
        found: Array = self._decoder.read(self._blocks[part.id][1], [PLACE]).column(PLACE).to_numpy()
        return found

    # ---- where blocks begin and end

    def _ranges(self, block_rows: int | None, whole: bool) -> list[tuple[int, int, Array | None]]:
        if self.unit is None and not whole and block_rows is None:
            return self._even() or [(0, 0, None)]
        key = None
        if self.unit is not None:
            if self.unit not in self.arrow_schema.names:
                raise DataError(no_unit(self.unit))
            alone = self._decoder.read(self._pieces(0, self.rows), [self.unit])
            key = unit_codes(alone.column(self.unit), self.unit)
            if (order := grouping(key)) is not None:
                self._regroup(order)
                key = key[order]
        return cut(self.rows, block_rows, key, whole)

    def _even(self) -> list[tuple[int, int, Array | None]]:
        """Row groups as they are; a huge one, or too few of them, cut into even parts, and tiny ones joined.

        To read and to sum a block costs as much as some thousand rows do, however few it has.
        """
        few = len(self._groups) <= FEW
        want = -(-FEW // len(self._groups)) if len(self._groups) < FEW and self._groups else 1
        tiny = 0 if few else min(LEAST_ROWS, -(-self.rows // FEW))
        cuts: list[tuple[int, int, Array | None]] = []
        joining = False
        for (_, _, rows), begin in zip(self._groups, self._begins[:-1].tolist(), strict=True):
            if rows < tiny:
                start = cuts.pop()[0] if joining else begin
                cuts.append((start, begin + rows, None))
                joining = begin + rows - start < tiny
                continue
            joining = False
            size = -(-rows // max(-(-rows // MOST_ROWS), min(want, max(1, rows // LEAST_ROWS))))
            cuts += [(begin + a, begin + min(a + size, rows), None) for a in range(0, rows, size)]
            self._batch[rows] = size
        return cuts

    def _pieces(self, start: int, stop: int) -> tuple[Piece, ...]:
        """The parts of row groups that make up a range of rows."""
        first = int(np.searchsorted(self._begins, start, side="right")) - 1
        last = int(np.searchsorted(self._begins, stop, side="left"))
        groups = zip(self._groups[first:last], self._begins[first:last].tolist(), strict=True)
        return tuple((f, g, max(0, start - begin), min(rows, stop - begin)) for (f, g, rows), begin in groups)

    # ---- the source

    def schema(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.name != self.unit)

    def manifest(self) -> tuple[Part, ...]:
        blocks = enumerate(self._blocks)
        return tuple(Part(i, rows, (self.files[p[0][0]].name, *p[0][1:]) if p else ()) for i, (rows, p, _) in blocks)

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        readable(self.broken, columns)
        rows, pieces, offsets = self._blocks[part.id]
        if not columns:
            return Frame(part.id, rows, {}, offsets)
        return frame_of(self._decoder.read(pieces, columns, coded=True), part.id, columns, offsets)

    def table(self, part: Part) -> Any:
        """Every column of a block, in the types it came in."""
        return self._decoder.read(self._blocks[part.id][1], self.arrow_schema.names)

    def read_all(self, part: Part, columns: Sequence[str]) -> tuple[Frame, Any]:
        """A block's frame, and all of its columns as they came, decoded once."""
        readable(self.broken, columns)
        table = self.table(part)
        return frame_of(table, part.id, columns, self._blocks[part.id][2]), table

    def fingerprint(self) -> dict[str, str | int]:
        return {"format": self.FORMAT, "rows": self.rows, **file_digest(self.files)}
