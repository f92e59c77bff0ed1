"""Arrow files (Feather) as what Parquet files are to those who read them: groups of rows, here record batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unseen.arrow.columns import names_once
from unseen.arrow.files import refuse_other
from unseen.arrow.libraries import pa
from unseen.arrow.place import Place
from unseen.errors import DataError


@dataclass(frozen=True, slots=True)
class ArrowFile:
    """A file as it was when it was opened: rows per record batch, and the schema."""

    place: Place
    groups: tuple[int, ...]
    schema: Any
    hollow: frozenset[str] = frozenset()

    def open(self, text: Sequence[str] = (), columns: Sequence[str] = ()) -> Any:
        """A reader of some columns, or of all; ``text`` names columns to read as dictionaries."""
        return _Reader(self.place, [self.schema.get_field_index(c) for c in columns], text)


def opened_arrow(place: Place) -> ArrowFile:
    """What an Arrow file says of itself; of its cells, those of the narrowest column are read, to count them.

    Raises
    ------
    DataError
        There is no such file, it is empty, not an Arrow file, cut short or damaged.
    """
    try:
        with place.open() as file, pa.ipc.open_file(file) as reader:
            schema = reader.schema
        with _Reader(place, [_narrowest(schema)] if len(schema) else [], ()) as narrow:
            groups = tuple(narrow.batch(i).num_rows for i in range(narrow.count))
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        refuse_other(place, b"ARROW1", "Feather")
        raise DataError(
            f"{place.called!r} starts as a Feather file but cannot be read to its end: it was probably cut short while "
            "it was written or copied; make it again"
        ) from None
    names_once(schema.names, f" in {place.called!r}")
    return ArrowFile(place, groups, schema)


class _Reader:
    """Record batches by their number, with the methods of a reader of Parquet that are used here."""

    def __init__(self, place: Place, fields: Sequence[int], text: Sequence[str]) -> None:
        # read, not mapped into memory: a mapped file that is cut short ends the whole process
        self._file = place.open()
        self._reader = pa.ipc.open_file(self._file, options=pa.ipc.IpcReadOptions(included_fields=list(fields)))
        self._text = text

    @property
    def count(self) -> int:
        return int(self._reader.num_record_batches)

    def batch(self, number: int) -> Any:
        batch = self._reader.get_batch(number)
        coded = pa.dictionary(pa.int32(), pa.string())
        for i, field in enumerate(batch.schema):
            if field.name in self._text and field.type != coded:
                batch = batch.set_column(i, field.name, batch.column(i).cast(pa.string()).dictionary_encode())
        return batch

    def read_row_groups(self, groups: Sequence[int], columns: Sequence[str], use_threads: bool) -> Any:
        return pa.Table.from_batches([self.batch(g) for g in groups]).select(list(columns))

    def iter_batches(
        self, size: int, groups: Sequence[int], columns: Sequence[str], use_threads: bool
    ) -> Iterator[Any]:
        yield from (self.batch(g).select(list(columns)) for g in groups)

    def close(self, force: bool = True) -> None:
        self._file.close()

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *trouble: object) -> None:
        self.close()


def _narrowest(schema: Any) -> int:
    def width(type_: Any) -> int:
        try:
            return int(type_.bit_width)
        except ValueError:
            return 1 << 10

    return min(range(len(schema)), key=lambda i: width(schema.field(i).type))
