"""Reading delimited text through pyarrow, with messages that say where and never what."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from unseen.arrow.dialect import Dialect, cells_of, close_up, tabbed
from unseen.arrow.hive import MISSING
from unseen.arrow.place import Place
from unseen.arrow.spelled import Spelling
from unseen.arrow.unpacked import Unpacked, likely, null_bytes, text_of
from unseen.errors import DataError

#: bytes of text per batch, and of the longest line
BLOCK = 8 << 20


class NotInEncoding(DataError):
    """Bytes that are none of the encoding that the first ones seemed to be in."""


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
    import pyarrow as pa

    left = left if left is not None else Left()
    stream, below = _text(dialect)
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
            raise _explained(dialect, str(error)) from None
    if not raw:
        if below.nulls and "16" not in dialect.encoding and "32" not in dialect.encoding:
            raise null_bytes(dialect.place, _first_null(dialect.place))
        _check_quotes(dialect, below, left)


def _text(dialect: Dialect) -> tuple[Any, Unpacked]:
    import pyarrow as pa

    stream, below = text_of(dialect.place, dialect.encoding)
    if dialect.blanks or dialect.spaced:
        plain = Plain(stream, tabbed if dialect.blanks else close_up)
        stream = pa.PythonFile(io.BufferedReader(plain, 1 << 20), mode="r")
    return stream, below


class Plain(io.RawIOBase):
    """Text whose lines are made such as readers know them."""

    def __init__(self, below: Any, made: Callable[[str], str]) -> None:
        self._below, self._made, self._rest, self._ready = below, made, b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._ready:
            piece = self._below.read(1 << 18)
            whole, newline, self._rest = (self._rest + piece).rpartition(b"\n") if piece else (self._rest, b"", b"")
            text = self._made((whole + newline).decode("utf-8", "surrogateescape"))
            self._ready = text.encode("utf-8", "surrogateescape")
            if not piece:
                break
        taken, self._ready = self._ready[: len(into)], self._ready[len(into) :]
        into[: len(taken)] = taken
        return len(taken)


def _reader(stream: Any, dialect: Dialect, raw: bool, handler: Callable[[Any], str] | None) -> Iterator[Any]:
    import pyarrow as pa
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
    import pyarrow.compute as pc

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
    import pyarrow as pa

    known = [None if value in ("", MISSING) else value for _, value in dialect.place.keys]
    keys = [pa.repeat(pa.scalar(value, pa.string()), batch.num_rows) for value in known]
    return pa.record_batch([*batch.columns, *keys], names=list(dialect.columns()))


# ---- what went wrong, and in which line


def _explained(dialect: Dialect, message: str) -> DataError:
    """pyarrow's messages quote the cells they stumble on: ours do not."""
    name = dialect.place.called
    if "UTF8" in message or "UTF-8" in message or "codec can't" in message:
        return NotInEncoding(
            f"{name!r} is not {dialect.encoding} text{_at(_undecodable(dialect))}: say what it is written in "
            "(encoding='latin-1'; --encoding latin-1)"
        )
    if "straddling" in message or "too large" in message:
        return DataError(
            f"{name!r} has a line of more than {BLOCK >> 20} MB: a quote may not be closed, or no line ends"
        )
    unclosed = _unclosed(dialect)
    if unclosed:
        return DataError(_quote(name, unclosed))
    if "Expected" in message:
        return DataError(
            f"{name!r} has rows with more or fewer cells than the header{_at(_uneven(dialect))}: quote cells that hold "
            "the delimiter, complete rows that are cut short, or leave such rows out (skip_bad=True; --skip-bad)"
        )
    return DataError(
        f"{name!r} cannot be read as delimited text: it may have a quote that is not closed, or have changed while it "
        "was read"
    )


def _at(line: int) -> str:
    return f" (first in line {line:,})" if line else ""


def _quote(name: str, line: int) -> str:
    return f"{name!r} has a quote in line {line:,} that is not closed: the rows behind it would be one cell; close it"


def _check_quotes(dialect: Dialect, below: Unpacked, left: Left) -> None:
    """Refuse a file in which a cell holds what looks like rows."""
    lines = below.lines - dialect.skip
    if len(dialect.names) > 1 and (below.quotes % 2 or lines > left.rows + left.headers + left.uneven + 1):
        line = _unclosed(dialect)
        if line:
            raise DataError(_quote(dialect.place.called, line))


def _first_null(place: Place) -> int:
    with Unpacked(place) as raw:
        return next((n for n, line in enumerate(io.BufferedReader(raw), 1) if 0 in line), 1)


def _lines(dialect: Dialect) -> Iterator[str]:
    stream, _ = _text(dialect)
    return io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")


def _unclosed(dialect: Dialect) -> int:
    """The first line with a quote that swallows lines which are rows by themselves, or 0."""
    seen: list[str] = []

    def watched() -> Iterator[str]:
        for line in _lines(dialect):
            seen.append(line)
            yield line

    reader = cells_of(watched(), dialect)
    width, before = len(dialect.names), 0
    numeric: list[bool] | None = None
    for row in reader:
        inside, begin = seen[1:], before + 1
        before = reader.line_num
        if begin > dialect.skip and not inside and len(row) == width and numeric is None:
            numeric = [_is_number(cell) for cell in row]
        if inside and begin > dialect.skip and any(_is_row(line, dialect, numeric) for line in inside):
            return begin
        seen.clear()
    return 0


def _is_row(line: str, dialect: Dialect, numeric: list[bool] | None) -> bool:
    """Whether a line is a row by itself: as many cells, and numbers where there were some."""
    if line.count(dialect.quote) % 2:
        return False
    cells: list[str] = next(cells_of(iter([line]), dialect), [])
    if len(cells) != len(dialect.names):
        return False
    return all(_is_number(c) or not c for c, n in zip(cells, numeric or (), strict=False) if n)


def _is_number(cell: str) -> bool:
    return cell.strip().lstrip("+-").replace(".", "", 1).replace(",", "", 1).isdigit()


def _uneven(dialect: Dialect) -> int:
    """The first line of another length than the header, or 0."""
    reader, begin = cells_of(_lines(dialect), dialect), 1
    for row in reader:
        if begin > dialect.skip and row and len(row) != len(dialect.names):
            return begin
        begin = reader.line_num + 1
    return 0


def _undecodable(dialect: Dialect) -> int:
    """The first line that is not in the encoding, or 0; of encodings of one byte a character there is none."""
    if dialect.encoding not in ("utf-8", "utf-8-sig"):
        return 0
    with Unpacked(dialect.place) as raw:
        for number, line in enumerate(io.BufferedReader(raw), 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 0


def in_its_encoding(dialect: Dialect, most: int = 1 << 20) -> str:
    """What a file is written in whose first bytes were ASCII and whose others are not.

    Raises
    ------
    DataError
        Some of its lines are UTF-8 and others are not.
    """
    lines: list[bytes] = []
    with Unpacked(dialect.place) as raw:
        for number, line in enumerate(io.BufferedReader(raw)):
            if not line.isascii():
                lines += [b"\n"] * (number - len(lines)) + [line]  # so that a line keeps its number
                if sum(map(len, lines)) > most:
                    break
    return likely(dialect.place, b"".join(lines))
