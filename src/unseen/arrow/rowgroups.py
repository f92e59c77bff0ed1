"""Blocks of Parquet files, read when they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unseen.arrow.columns import fields_of, frame_of, is_text, readable, unit_codes
from unseen.arrow.digest import file_digest
from unseen.arrow.files import ParquetFile, agree, opened
from unseen.arrow.regroup import PLACE, reorder
from unseen.arrow.stream import BATCH, Streams
from unseen.core.block import EMPTY, Field, Frame
from unseen.core.source import Part, cut, grouping, no_unit
from unseen.core.stats import Array
from unseen.errors import DataError

#: a larger row group becomes several blocks, so that whatever is computed per row of a block stays small too
MOST_ROWS = 131_072
#: fewer row groups than this are cut evenly, so that several workers have something to do
FEW = 8
#: but not into smaller blocks than this
LEAST_ROWS = 8_192

Piece = tuple[int, int, int, int]  # file, row group, first row, row after the last


class RowGroups:
    """Parquet files as blocks: each read opens the file, decodes the columns of one block, and keeps nothing."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        unit: str | None = None,
        whole: bool = False,
        block_rows: int | None = None,
        fields: Sequence[Field] | None = None,
        broken: dict[str, str] | None = None,
    ) -> None:
        self.paths, self.unit, self.whole = tuple(paths), unit, whole
        self.broken = dict(broken or {})
        self._files = [opened(path) for path in self.paths]
        self._spool: tempfile.TemporaryDirectory[str] | None = None
        self.arrow_schema = agree(self._files)
        self.fields = tuple(self._fields() if fields is None else fields)
        self._batch: dict[int, int] = {}  # rows of a group -> rows to decode at a time
        self._look()
        self._blocks = [(b - a, self._pieces(a, b), offsets) for a, b, offsets in self._ranges(block_rows, whole)]

    def _look(self) -> None:
        """Where the row groups of the files begin."""
        self._streams = Streams()
        self._groups = [(f, g, n) for f, x in enumerate(self._files) for g, n in enumerate(x.groups) if n]
        self._begins = np.cumsum([0, *(n for _, _, n in self._groups)])
        self.rows = int(self._begins[-1])

    def _regroup(self, order: Array) -> None:
        """Go over to a temporary copy in which rows of one unit stand together, and each says where it stood."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        to = np.empty_like(order)
        to[order] = np.arange(self.rows)
        self._spool = tempfile.TemporaryDirectory(prefix="unseen-")
        path = Path(self._spool.name) / "grouped.parquet"
        schema = self.arrow_schema.append(pa.field(PLACE, pa.int64()))

        def pieces() -> Iterator[tuple[Any, Array]]:
            for start in range(0, self.rows, MOST_ROWS):
                stop = min(start + MOST_ROWS, self.rows)
                table = self._read_pieces(self._pieces(start, stop), self.arrow_schema.names)
                yield table.append_column(PLACE, pa.array(np.arange(start, stop))), to[start:stop]

        with pq.ParquetWriter(path, schema) as writer:
            reorder(pieces(), self.rows, lambda table: writer.write_table(table.cast(schema)))
        self._files = [opened(path)]
        self._look()

    def places(self, part: Part) -> Array | None:
        """Where the rows of a block stood before those of one unit were put together, or None where they were."""
        if self._spool is None:
            return None
        tables = [self._read_piece(p, (PLACE,), []) for p in self._blocks[part.id][1]]
        return np.concatenate([np.empty(0, np.int64), *(t.column(PLACE).to_numpy() for t in tables)])

    def _fields(self) -> list[Field]:
        hollow = frozenset.intersection(*(f.hollow for f in self._files))
        return [Field(f.name, EMPTY) if f.name in hollow else f for f in fields_of(self.arrow_schema)]

    # ---- where blocks begin and end

    def _ranges(self, block_rows: int | None, whole: bool) -> list[tuple[int, int, Array | None]]:
        if self.unit is None and not whole and block_rows is None:
            return self._even() or [(0, 0, None)]
        key = None
        if self.unit is not None:
            if self.unit not in self.arrow_schema.names:
                raise DataError(no_unit(self.unit))
            alone = self._read_pieces(self._pieces(0, self.rows), [self.unit])
            key = unit_codes(alone.column(self.unit), self.unit)
            if (order := grouping(key)) is not None:
                self._regroup(order)
                key = key[order]
        return cut(self.rows, block_rows, key, whole)

    def _even(self) -> list[tuple[int, int, Array | None]]:
        """Row groups as they are; a huge one, or too few of them, cut into even parts."""
        want = -(-FEW // len(self._groups)) if len(self._groups) < FEW and self._groups else 1
        cuts: list[tuple[int, int, Array | None]] = []
        for (_, _, rows), begin in zip(self._groups, self._begins[:-1], strict=True):
            size = -(-rows // max(-(-rows // MOST_ROWS), min(want, max(1, rows // LEAST_ROWS))))
            cuts += [(int(begin) + a, int(begin) + min(a + size, rows), None) for a in range(0, rows, size)]
            self._batch[rows] = size
        return cuts

    def _pieces(self, start: int, stop: int) -> tuple[Piece, ...]:
        """The parts of row groups that make up a range of rows."""
        first = int(np.searchsorted(self._begins, start, side="right")) - 1
        out = []
        for (file, group, rows), begin in zip(self._groups[first:], self._begins[first:].tolist(), strict=False):
            if begin >= stop:
                break
            out.append((file, group, max(0, start - begin), min(rows, stop - begin)))
        return tuple(out)

    # ---- the source

    def schema(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.name != self.unit)

    def manifest(self) -> tuple[Part, ...]:
        return tuple(
            Part(i, rows, (self.paths[p[0][0]].name, *p[0][1:]) if p else ())
            for i, (rows, p, _) in enumerate(self._blocks)
        )

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        readable(self.broken, columns)
        rows, pieces, offsets = self._blocks[part.id]
        if not columns:
            return Frame(part.id, rows, {}, offsets)
        return frame_of(self._read_pieces(pieces, columns, coded=True), part.id, columns, offsets)

    def table(self, part: Part) -> Any:
        """Every column of a block, in the types it came in."""
        return self._read_pieces(self._blocks[part.id][1], self.arrow_schema.names)

    def read_all(self, part: Part, columns: Sequence[str]) -> tuple[Frame, Any]:
        """A block's frame, and all of its columns as they came, decoded once."""
        readable(self.broken, columns)
        table = self.table(part)
        return frame_of(table, part.id, columns, self._blocks[part.id][2]), table

    def fingerprint(self) -> dict[str, str | int]:
        return {"format": "parquet", "rows": self.rows, **file_digest(self.paths)}

    # ---- reading

    def _read_pieces(self, pieces: Sequence[Piece], columns: Sequence[str], coded: bool = False) -> Any:
        """The columns of some pieces as one table; ``coded`` reads text straight into dictionaries."""
        import pyarrow as pa

        wanted = pa.schema([self.arrow_schema.field(c) for c in columns])
        if not coded:
            wanted = wanted.with_metadata(self.arrow_schema.metadata)
        text = [f.name for f in wanted if coded and is_text(f.type)]
        tables = [self._read_piece(p, tuple(columns), text) for p in pieces]
        if not tables:
            return wanted.empty_table()
        for i, field in enumerate(wanted):
            if field.name not in text and any(t.schema.field(i).type != field.type for t in tables):
                exact = not pa.types.is_floating(field.type)  # whole numbers beyond 2**53 lose digits in floating point
                tables = [t.set_column(i, field, t.column(i).cast(field.type, safe=exact)) for t in tables]
        table = pa.concat_tables(tables)
        return table if coded else table.replace_schema_metadata(wanted.metadata)

    def _read_piece(self, piece: Piece, columns: tuple[str, ...], text: list[str]) -> Any:
        import pyarrow as pa

        file, group, start, stop = piece
        entry = self._files[file]
        with _explained(entry, group):
            if start == 0 and stop == entry.groups[group]:
                with entry.open(text) as parquet:
                    table = parquet.read_row_group(group, columns=list(columns), use_threads=False)
                return table.select(list(columns))
            key = (file, group, columns, bool(text))
            size = self._batch.get(entry.groups[group], BATCH)
            stream = self._streams.get(key, lambda: _batches(entry, group, columns, text, size))
            batches = stream.take(start, stop)
            if stop == entry.groups[group]:
                self._streams.done(key)
            return pa.Table.from_batches(batches).select(list(columns))


def _batches(entry: ParquetFile, group: int, columns: tuple[str, ...], text: list[str], size: int) -> Iterator[Any]:
    with entry.open(text) as parquet:
        yield from parquet.iter_batches(size, [group], list(columns), use_threads=False)


@contextmanager
def _explained(entry: ParquetFile, group: int) -> Iterator[None]:
    """Damage that shows only when the data is decoded, in one sentence."""
    import pyarrow as pa

    try:
        yield
    except MemoryError:  # one of Arrow's is an ArrowException too, and says nothing about the file
        raise
    except (pa.ArrowException, OSError, StopIteration) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{entry.path.name!r} is damaged: its row group {group} cannot be read; write the file again"
        ) from None
