"""Row groups of files decoded to Arrow tables, by several threads at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from unseen.arrow.columns import is_text
from unseen.arrow.hive import key_array
from unseen.arrow.libraries import pa
from unseen.arrow.stream import BATCH, Readers, Streams
from unseen.errors import DataError

Piece = tuple[int, int, int, int]  # file, row group, first row, row after the last


class Decoder:
    """Reads pieces of files, and keeps nothing but a few open files.

    Parameters
    ----------
    files : each with ``place``, ``groups`` (rows of its row groups) and ``open(text, columns)``
    schema : the columns and types that all of them are read as
    keys : columns that are in no file, but said by the names of folders
    sizes : rows of a row group -> rows to decode at a time where it is read in parts
    """

    def __init__(self, files: Sequence[Any], schema: Any, keys: Any, sizes: Mapping[int, int]) -> None:
        self.files, self.schema, self.keys, self.sizes = files, schema, keys, sizes
        self._streams, self._readers = Streams(), Readers()

    def read(self, pieces: Sequence[Piece], columns: Sequence[str], coded: bool = False) -> Any:
        """The columns of some pieces as one table; ``coded`` reads text straight into dictionaries."""
        wanted = pa.schema([self.schema.field(c) for c in columns])
        if not coded:
            wanted = wanted.with_metadata(self.schema.metadata)
        text = [f.name for f in wanted if coded and is_text(f.type)]
        tables = [self._read_run(run, columns, text, coded) for run in self._runs(pieces)]
        if not tables:
            return wanted.empty_table()
        for i, field in enumerate(wanted):
            if field.name not in text and any(t.schema.field(i).type != field.type for t in tables):
                exact = not pa.types.is_floating(field.type)  # whole numbers beyond 2**53 lose digits in floating point
                tables = [t.set_column(i, field, t.column(i).cast(field.type, safe=exact)) for t in tables]
        table = pa.concat_tables(tables)
        return table if coded else table.replace_schema_metadata(wanted.metadata)

    def _runs(self, pieces: Sequence[Piece]) -> list[list[Piece]]:
        """Pieces that are read at once: whole row groups of one file, side by side."""
        runs: list[list[Piece]] = []
        for piece in pieces:
            if runs and self._whole(piece) and self._whole(runs[-1][-1]) and piece[0] == runs[-1][-1][0]:
                runs[-1].append(piece)
            else:
                runs.append([piece])
        return runs

    def _whole(self, piece: Piece) -> bool:
        file, group, start, stop = piece
        return start == 0 and stop == self.files[file].groups[group]

    def _read_run(self, run: list[Piece], columns: Sequence[str], text: Sequence[str], coded: bool = False) -> Any:
        """The columns of a run as one table, with those that the file's folders say."""
        entry, rows = self.files[run[0][0]], sum(stop - start for _, _, start, stop in run)
        keys = {name: self.keys.field(name) for name in columns if name in self.keys.names}
        own = tuple(c for c in columns if c not in keys)
        table = self._decoded(run, own, tuple(t for t in text if t not in keys)) if own else pa.table({})
        if not keys:
            return table
        cells = {name: key_array(entry.place, field, rows, coded) for name, field in keys.items()}
        return pa.table({c: cells[c] if c in cells else table.column(c) for c in columns})

    def _decoded(self, run: list[Piece], columns: tuple[str, ...], text: tuple[str, ...]) -> Any:
        file, group, start, stop = run[0]
        entry, key = self.files[file], (file, columns, text)
        with _explained(entry, group, run[-1][1]):
            if self._whole(run[0]):
                with self._readers.of(key, lambda: entry.open(text, columns)) as reader:
                    entry.place.unchanged()
                    table = reader.read_row_groups([p[1] for p in run], columns=list(columns), use_threads=False)
                return table.select(list(columns))
            size = self.sizes.get(entry.groups[group], BATCH)
            stream = self._streams.get((*key, group), lambda: _batches(entry, group, columns, text, size))
            batches = stream.take(start, stop)
            if stop == entry.groups[group]:
                self._streams.done((*key, group))
            return pa.Table.from_batches(batches).select(list(columns))


def _batches(entry: Any, group: int, columns: tuple[str, ...], text: tuple[str, ...], size: int) -> Iterator[Any]:
    reader = entry.open(text, columns)
    try:
        yield from reader.iter_batches(size, [group], list(columns), use_threads=False)
    finally:
        reader.close(force=True)


@contextmanager
def _explained(entry: Any, first: int, last: int) -> Iterator[None]:
    """Damage that shows only when the data is decoded, in one sentence."""
    try:
        yield
    except MemoryError:  # one of Arrow's is an ArrowException too, and says nothing about the file
        raise
    except (pa.ArrowException, OSError, StopIteration) as error:
        if isinstance(error, DataError):
            raise
        which = f"its row group {first}" if first == last else f"one of its row groups {first} to {last}"
        raise DataError(f"{entry.place.called!r} is damaged: {which} cannot be read; write the file again") from None
