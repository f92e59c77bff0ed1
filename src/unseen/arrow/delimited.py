"""Reading delimited text through pyarrow, with messages that say where and never what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from unseen.arrow.damage import check_whole, explained
from unseen.arrow.dialect import Dialect, text_stream
from unseen.arrow.hive import MISSING
from unseen.arrow.libraries import pa, pc
from unseen.arrow.place import Place
from unseen.arrow.spelled import Spelling
from unseen.errors import DataError

#: bytes of text per batch, and of the longest line
BLOCK = 4 << 20


@dataclass
class Left:
    """What reading a file left out: rows of another length where that was asked for, and repeated headers."""

    uneven: int = 0
    headers: int = 0
    rows: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Delimited:
    """A text file as a table of text."""

    dialect: Dialect

    @property
    def place(self) -> Place:
        return self.dialect.place

    @property
    def names(self) -> tuple[str, ...]:
        return self.dialect.columns()

    @property
    def written_names(self) -> tuple[str, ...]:
        return (*(self.dialect.header or self.dialect.names), *(key for key, _ in self.place.keys))

    @property
    def notes(self) -> tuple[str, ...]:
        return self.dialect.notes

    @property
    def about(self) -> Mapping[str, str]:
        return {}

    @property
    def spelling(self) -> Spelling:
        return self.dialect.spelling

    def batches(self, left: Left | None = None, *, raw: bool = False, skip_bad: bool = False) -> Iterator[Any]:
        """Record batches of the file, every column as text: see `batches`."""
        return batches(self.dialect, left, raw=raw, skip_bad=skip_bad)


def batches(dialect: Dialect, left: Left | None = None, *, raw: bool = False, skip_bad: bool = False) -> Iterator[Any]:
    """Record batches of a file, every column as text, those that its folders' names say at the end.

    Cells of nothing are null; where they are ``raw`` nothing is.

    Raises
    ------
    DataError
        Rows of different length, a quote that is not closed, damage; it says in which line.
    """
    left = left if left is not None else Left()
    stream, below = text_stream(dialect)
    handler = _counting(left) if skip_bad else None
    with closing(below):
        try:
            for batch in _reader(stream, dialect, raw, handler):
                batch = _without_headers(batch, dialect, left)
                left.rows += batch.num_rows
                yield _with_keys(batch, dialect)
        except MemoryError:
            raise
        except DataError:
            raise
        except (pa.ArrowException, OSError, EOFError, UnicodeError) as error:
            raise explained(dialect, str(error), BLOCK) from None
    if not raw:
        check_whole(dialect, below, left.rows + left.headers + left.uneven)


def _reader(stream: Any, dialect: Dialect, raw: bool, handler: Callable[[Any], str] | None) -> Iterator[Any]:
    import pyarrow.csv as pacsv

    names = [f"{j}" for j in range(len(dialect.names))]
    yield from pacsv.open_csv(
        stream,
        pacsv.ReadOptions(column_names=names, skip_rows=dialect.skip, block_size=BLOCK, use_threads=handler is None),
        pacsv.ParseOptions(
            delimiter=dialect.between,
            quote_char=dialect.quote,
            escape_char=dialect.escape or False,
            double_quote=not dialect.escape,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,
            invalid_row_handler=handler,
        ),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[] if raw else [""],
            strings_can_be_null=not raw,
            quoted_strings_can_be_null=not raw,
        ),
    )


def _counting(left: Left) -> Callable[[Any], str]:
    def uneven(row: Any) -> str:
        left.uneven += 1
        return "skip"

    return uneven


def _without_headers(batch: Any, dialect: Dialect, left: Left) -> Any:
    """The rows that do not repeat the header, as joined files have it."""
    if not dialect.header or dialect.header[0] == "" or not batch.num_rows:
        return batch
    same = pc.equal(batch.column(0), dialect.header[0])
    if not pc.any(same).as_py():
        return batch
    for j, cell in enumerate(dialect.header[1:], 1):
        same = pc.and_kleene(same, pc.equal(pc.fill_null(batch.column(j), ""), cell))
    same = pc.fill_null(same, False)
    found = pc.sum(same).as_py() or 0
    left.headers += found
    return batch.filter(pc.invert(same)) if found else batch


def _with_keys(batch: Any, dialect: Dialect) -> Any:
    known = [None if value in ("", MISSING) else value for _, value in dialect.place.keys]
    keys = [pa.repeat(pa.scalar(value, pa.string()), batch.num_rows) for value in known]
    return pa.record_batch([*batch.columns, *keys], names=list(dialect.columns()))
