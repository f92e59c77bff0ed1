"""Parquet files, and Arrow files (Feather) as what those are: what is in them, and groups of rows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from unseen.arrow.columns import names_once
from unseen.arrow.libraries import pa, pq
from unseen.arrow.place import Place
from unseen.errors import DataError

#: bytes read ahead of the decoder: a column chunk is never in memory as a whole
BUFFER = 1 << 18
#: files that are looked at at the same time where a store takes its time for every answer
AT_ONCE = 16

Looked = TypeVar("Looked")


@dataclass(frozen=True, slots=True)
class GroupFile:
    """A file as it was when it was opened: rows per row group or record batch, Arrow schema, columns of nulls.

    ``open(text, columns)`` is a reader of its own for the calling thread; ``text`` names columns to read as
    dictionaries. It can be pickled, and opens the file where it arrives.
    """

    place: Place
    groups: tuple[int, ...]
    schema: Any
    hollow: frozenset[str]
    open: Callable[[Sequence[str], Sequence[str]], Any]


def opened(place: Place) -> GroupFile:
    """The footer of a Parquet file.

    Raises
    ------
    DataError
        There is no such file, it is empty, not Parquet, cut short, or its footer is damaged.
    """
    try:
        with place.open() as raw, pq.ParquetFile(raw, pre_buffer=False) as file:
            meta, schema = file.metadata, file.schema_arrow
            groups = tuple(meta.row_group(g).num_rows for g in range(meta.num_row_groups))
            hollow = _hollow(meta)
    except (pa.ArrowException, OSError) as error:
        raise _no_such(place, error, b"PAR1", "Parquet", "its footer is missing or damaged: it") from None
    names_once(schema.names, f" in {place.called!r}")
    return GroupFile(place, groups, schema, hollow, partial(_parquet, place))


def _parquet(place: Place, text: Sequence[str], columns: Sequence[str]) -> Any:
    # what a store sends, it should send in few long pieces
    options = {"pre_buffer": not place.local, "buffer_size": BUFFER if place.local else 0}
    return pq.ParquetFile(place.open(), read_dictionary=list(text) or None, **options)


def opened_arrow(place: Place) -> GroupFile:
    """What an Arrow file says of itself; of its cells, those of the narrowest column are read, to count them.

    Raises
    ------
    DataError
        There is no such file, it is empty, not an Arrow file, cut short or damaged.
    """
    try:
        with place.open() as file, pa.ipc.open_file(file) as reader:
            schema = reader.schema
        with closing(_Batches(place, [_narrowest(schema)] if len(schema) else [], ())) as narrow:
            groups = tuple(narrow.batch(i).num_rows for i in range(narrow.count))
    except (pa.ArrowException, OSError) as error:
        raise _no_such(place, error, b"ARROW1", "Feather", "cannot be read to its end: it") from None
    names_once(schema.names, f" in {place.called!r}")
    return GroupFile(place, groups, schema, frozenset(), partial(_arrow, place, schema))


def _arrow(place: Place, schema: Any, text: Sequence[str], columns: Sequence[str]) -> Any:
    return _Batches(place, [schema.get_field_index(c) for c in columns], text)


def _no_such(place: Place, error: Exception, magic: bytes, called: str, why: str) -> Exception:
    """What is said of a file that is not what its name says: that it is empty, something else, or damaged."""
    if isinstance(error, MemoryError):  # one of Arrow's is an ArrowException too, and says nothing about the file
        return error
    head = place.head(len(magic))
    if not head:
        return DataError(f"{place.called!r} is empty: it holds no bytes at all")
    if head != magic:
        told = "if it is text, give it a name that ends in .csv or .tsv"
        return DataError(f"{place.called!r} is not a {called} file: {told}")
    return DataError(
        f"{place.called!r} starts as a {called} file but {why} was probably cut short while it was written or copied; "
        "make it again"
    )


def each(
    places: Sequence[Place], look: Callable[[Place], Looked], skipped: list[str] | None = None
) -> dict[Place, Looked]:
    """What a first look at each file finds; with ``skipped``, files that are refused are told there and left out."""

    def told(place: Place) -> Looked | DataError:
        try:
            return look(place)
        except DataError as error:
            if skipped is None:
                raise
            return error

    with ThreadPoolExecutor(1 if all(p.local for p in places) else AT_ONCE) as pool:
        found = dict(zip(places, pool.map(told, places), strict=True))
    if skipped is not None:
        skipped += [f"{p.called!r} is left out: {x}" for p, x in found.items() if isinstance(x, DataError)]
    return {p: x for p, x in found.items() if not isinstance(x, DataError)}


def _hollow(meta: Any) -> frozenset[str]:
    """Columns that hold nulls only, as far as the footer says."""
    names = set()
    for j in range(meta.num_columns if meta.num_row_groups else 0):
        chunks = (meta.row_group(g).column(j) for g in range(meta.num_row_groups))
        if all(c.is_stats_set and c.statistics.null_count == c.num_values for c in chunks):
            names.add(meta.schema.column(j).path)
    return frozenset(names)


class _Batches:
    """Record batches by their number, with the methods of a reader of Parquet that are used here."""

    def __init__(self, place: Place, fields: Sequence[int], text: Sequence[str]) -> None:
        # read, not mapped into memory: a mapped file that is cut short ends the whole process
        self._file = place.open()
        self._reader = pa.ipc.open_file(self._file, options=pa.ipc.IpcReadOptions(included_fields=list(fields)))
        self.count, self._text = int(self._reader.num_record_batches), text

    def batch(self, number: int) -> Any:
        batch = self._reader.get_batch(number)
        coded = pa.dictionary(pa.int32(), pa.string())
        for i, field in enumerate(batch.schema):
            if field.name in self._text and field.type != coded:
                batch = batch.set_column(i, field.name, batch.column(i).cast(pa.string()).dictionary_encode())
        return batch

    def read_row_groups(self, groups: Sequence[int], columns: Sequence[str], use_threads: bool) -> Any:
        return pa.Table.from_batches([self.batch(g) for g in groups])

    def iter_batches(
        self, size: int, groups: Sequence[int], columns: Sequence[str], use_threads: bool
    ) -> Iterator[Any]:
        return map(self.batch, groups)

    def close(self, force: bool = True) -> None:
        self._file.close()


def _narrowest(schema: Any) -> int:
    def width(type_: Any) -> int:
        try:
            return int(type_.bit_width)
        except ValueError:
            return 1 << 10

    return min(range(len(schema)), key=lambda i: width(schema.field(i).type))
