"""Reading delimited text through pyarrow, with messages that say where and never what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from unseen.arrow.damage import check_whole, explained, in_its_encoding
from unseen.arrow.dialect import Dialect, dialect_of, text_stream
from unseen.arrow.libraries import library, pa, pc
from unseen.arrow.place import Place
from unseen.arrow.texts import Left, TextTable
from unseen.core.reading import Reading
from unseen.errors import DataError

#: bytes of text per batch, and of the longest line
BLOCK = 4 << 20


def delimited(place: Place, asked: Reading, known: Sequence[str] = ()) -> TextTable:
    """A text file as a table; ``known`` are names of columns that it has, if it has a header.

    Raises
    ------
    DataError
        Empty, no text, or duplicated names. When it is read: rows of different length, a quote that is not closed,
        damage; it says in which line.
    """
    return _table(dialect_of(place, asked, known))


def _table(dialect: Dialect) -> TextTable:
    def cells(left: Left, raw: bool, skip_bad: bool) -> Iterator[list[Any]]:
        yield from _cells(dialect, left, raw, skip_bad)

    def recoded() -> TextTable:
        encoding = in_its_encoding(dialect)
        spelling = replace(dialect.spelling, encoding=encoding)
        return _table(replace(dialect, spelling=spelling, notes=(f"read as {encoding}", *dialect.notes)))

    return TextTable(
        dialect.place,
        dialect.names,
        dialect.header or dialect.names,
        cells,
        dialect.notes,
        dialect.spelling,
        recoded=recoded if dialect.encoding.startswith("utf-8") else None,
    )


def _cells(dialect: Dialect, left: Left, raw: bool, skip_bad: bool) -> Iterator[list[Any]]:
    stream, below = text_stream(dialect)
    with closing(below):
        try:
            for batch in _reader(stream, dialect, raw, left if skip_bad else None):
                yield _without_headers(batch, dialect, left).columns
        except (MemoryError, DataError):
            raise
        except (pa.ArrowException, OSError, EOFError, UnicodeError) as error:
            raise explained(dialect, str(error), BLOCK) from None
    if not raw:
        check_whole(dialect, below, left.rows + left.headers + left.uneven)


def _reader(stream: Any, dialect: Dialect, raw: bool, left: Left | None) -> Iterator[Any]:
    pacsv = library("pyarrow.csv")

    def uneven(row: Any) -> str:
        left.uneven += 1  # type: ignore[union-attr]
        return "skip"

    names, how = [f"{j}" for j in range(len(dialect.names))], dialect.spelling
    yield from pacsv.open_csv(
        stream,
        pacsv.ReadOptions(column_names=names, skip_rows=dialect.skip, block_size=BLOCK, use_threads=left is None),
        pacsv.ParseOptions(
            delimiter=how.delimiter,
            quote_char=how.quote,
            escape_char=how.escape or False,
            double_quote=not how.escape,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,
            invalid_row_handler=None if left is None else uneven,
        ),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[] if raw else [""],
            strings_can_be_null=not raw,
            quoted_strings_can_be_null=not raw,
        ),
    )


def _without_headers(batch: Any, dialect: Dialect, left: Left) -> Any:
    """The rows that do not repeat the header, as joined files have it."""
    header = dialect.header
    if not header or header[0] == "" or not pc.any(pc.equal(batch.column(0), header[0])).as_py():
        return batch
    same = pa.array([True] * len(batch))
    for column, cell in zip(batch.columns, header, strict=True):
        same = pc.and_(same, pc.equal(pc.fill_null(column, ""), cell))
    left.headers += same.true_count
    return batch.filter(pc.invert(same))
