"""Row groups of files decoded to Arrow tables: whole, or in ranges, to threads that ask for neighbouring ones."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from unseen.arrow.columns import is_text
from unseen.arrow.hive import key_array
from unseen.arrow.libraries import pa
from unseen.errors import DataError

Piece = tuple[int, int, int, int]  # file, row group, first row, row after the last

#: rows decoded at a time
BATCH = 131_072
#: row groups that are handed out at the same time
OPEN = 4
#: readers that are kept open for what is read next
IDLE = 8
#: bytes of their footers, which are several times larger in memory; beyond them one reader is kept
FOOTERS = 16 << 20


class Stream:
    """Decodes front to back, once as long as ranges are asked for in about their order.

    Of the threads that wait, the one that asks for the smallest row goes first; rows that were passed over are
    kept for two ranges' length. A range further back starts the decoding again: slower, never wrong.
    """

    def __init__(self, batches: Callable[[], Iterator[Any]]) -> None:
        self._batches = batches
        self._turn = threading.Condition()
        self._waiting: list[int] = []
        self._busy = False
        self._rewind()

    def take(self, start: int, stop: int) -> list[Any]:
        """Record batches of rows ``start`` to ``stop`` of the row group."""
        with self._turn:
            self._waiting.append(start)
            self._turn.wait_for(lambda: not self._busy and min(self._waiting) == start)
            self._busy = True
        try:
            return self._forward(start, stop)
        finally:
            with self._turn:
                self._waiting.remove(start)
                self._busy = False
                self._turn.notify_all()

    def _rewind(self) -> None:
        self._source: Iterator[Any] | None = None
        self._kept: deque[tuple[int, Any]] = deque()
        self._position = 0

    def _forward(self, start: int, stop: int) -> list[Any]:
        oldest = self._kept[0][0] if self._kept else self._position
        if start < oldest:
            self._rewind()
        if self._source is None:
            self._source = self._batches()
        while self._position < stop:
            batch = next(self._source)
            self._kept.append((self._position, batch))
            self._position += batch.num_rows
            while self._kept and self._kept[0][0] + self._kept[0][1].num_rows <= start - 2 * (stop - start):
                self._kept.popleft()
        return [
            batch.slice(max(0, start - first), min(stop, first + batch.num_rows) - max(start, first))
            for first, batch in self._kept
            if first < stop and first + batch.num_rows > start
        ]


class Decoder:
    """Reads pieces of files, by several threads at once, and keeps nothing but a few open files.

    Parameters
    ----------
    files : each with ``place``, ``groups`` (rows of its row groups) and ``open(text, columns)``
    schema : the columns and types that all of them are read as
    keys : columns that are in no file, but said by the names of folders
    sizes : rows of a row group -> rows to decode at a time where it is read in parts
    """

    def __init__(self, files: Sequence[Any], schema: Any, keys: Any, sizes: Mapping[int, int]) -> None:
        self.files, self.schema, self.keys, self.sizes = files, schema, keys, sizes
        self._closed()

    def _closed(self) -> None:
        self._lock = threading.Lock()
        self._streams: OrderedDict[Any, Stream] = OrderedDict()
        self._idle: deque[tuple[Any, Any]] = deque()

    def __reduce__(self) -> Any:
        """On its way to another process it has no file open."""
        return type(self), (self.files, self.schema, self.keys, self.sizes)

    def read(self, pieces: Sequence[Piece], columns: Sequence[str], coded: bool = False) -> Any:
        """The columns of some pieces as one table; ``coded`` reads text straight into dictionaries."""
        wanted = pa.schema([self.schema.field(c) for c in columns])
        if not coded:
            wanted = wanted.with_metadata(self.schema.metadata)
        text = [f.name for f in wanted if coded and is_text(f.type)]
        # whole row groups of one file are read at once
        runs = groupby(pieces, lambda p: (p[0], None if self._whole(p) else p))
        tables = [self._read_run([*run], columns, text) for _, run in runs]
        if not tables:
            return wanted.empty_table()
        for i, field in enumerate(wanted):
            if field.name not in text and any(t.schema.field(i).type != field.type for t in tables):
                exact = not pa.types.is_floating(field.type)  # whole numbers beyond 2**53 lose digits in floating point
                tables = [t.set_column(i, field, t.column(i).cast(field.type, safe=exact)) for t in tables]
        table = pa.concat_tables(tables)
        return table if coded else table.replace_schema_metadata(wanted.metadata)

    def _whole(self, piece: Piece) -> bool:
        file, group, start, stop = piece
        return start == 0 and stop == self.files[file].groups[group]

    def _read_run(self, run: list[Piece], columns: Sequence[str], text: Sequence[str]) -> Any:
        """The columns of a run as one table, with those that the file's folders say."""
        entry, rows = self.files[run[0][0]], sum(stop - start for _, _, start, stop in run)
        own = [c for c in columns if c not in self.keys.names]
        table = self._decoded(run, own, [t for t in text if t in own]) if own else pa.table({})
        if len(own) == len(columns):
            return table
        said = {c: key_array(entry.place, self.keys.field(c), rows) for c in columns if c not in own}
        return pa.table({c: said[c] if c in said else table[c] for c in columns})

    def _decoded(self, run: list[Piece], columns: list[str], text: list[str]) -> Any:
        file, group, start, stop = run[0]
        entry, key = self.files[file], (file, *columns, None, *text)
        try:
            if self._whole(run[0]):
                with self._reader(key, lambda: entry.open(text, columns)) as reader:
                    entry.place.unchanged()
                    table = reader.read_row_groups([p[1] for p in run], columns=columns, use_threads=False)
                return table.select(columns)
            return pa.Table.from_batches(self._part(entry, key, columns, text, run[0])).select(columns)
        except MemoryError:  # one of Arrow's is an ArrowException too, and says nothing about the file
            raise
        except (pa.ArrowException, OSError, StopIteration):  # damage that shows only when the data is decoded
            last = run[-1][1]
            which = f"its row group {group}" if group == last else f"one of its row groups {group} to {last}"
            said = f"{entry.place.called!r} is damaged: {which} cannot be read; write the file again"
            raise DataError(said) from None

    def _part(self, entry: Any, key: Any, columns: list[str], text: list[str], piece: Piece) -> list[Any]:
        """A range of a row group, of which a stream is kept until it has given its last rows."""
        _, group, start, stop = piece
        rows = entry.groups[group]

        def batches() -> Iterator[Any]:
            reader = entry.open(text, columns)
            try:
                yield from reader.iter_batches(self.sizes.get(rows, BATCH), [group], columns, use_threads=False)
            finally:
                reader.close(force=True)

        with self._lock:
            stream = self._streams.pop((key, group), None) or Stream(batches)
            self._streams[key, group] = stream
            while len(self._streams) > OPEN:
                self._streams.popitem(last=False)
        found = stream.take(start, stop)
        if stop == rows:
            with self._lock:
                self._streams.pop((key, group), None)
        return found

    @contextmanager
    def _reader(self, key: Any, make: Callable[[], Any]) -> Iterator[Any]:
        """One of the few readers that were used last, so that a footer is not parsed again for every block of its file.

        A reader belongs to one thread at a time, and one that met trouble is not used again.
        """
        with self._lock:
            kept = next((one for one in self._idle if one[0] == key), None)
            if kept is not None:
                self._idle.remove(kept)
        key, reader = kept or (key, make())
        yield reader
        with self._lock:
            self._idle.append((key, reader))
            while len(self._idle) > IDLE or len(self._idle) > 1 and sum(map(_footer, self._idle)) > FOOTERS:
                self._idle.popleft()[1].close(force=True)


def _footer(entry: tuple[Any, Any]) -> int:
    return int(getattr(getattr(entry[1], "metadata", None), "serialized_size", 0))
