"""What is wrong with a text file, and in which line: never which cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from unseen.arrow.dialect import Dialect, cells_of, text_stream
from unseen.arrow.place import Place
from unseen.arrow.unpacked import Unpacked, is_utf8, likely, not_in, null_bytes
from unseen.errors import DataError


class NotInEncoding(DataError):
    """Bytes that are none of the encoding that the first ones seemed to be in."""


def explained(dialect: Dialect, message: str, longest: int) -> DataError:
    """pyarrow's messages quote the cells they stumble on: ours do not."""
    name = dialect.place.called
    if "UTF8" in message or "UTF-8" in message or "codec can't" in message:
        # of encodings of one byte a character every line is in them
        line = 0 if not dialect.encoding.startswith("utf-8") else _first(dialect.place, lambda line: not is_utf8(line))
        return NotInEncoding(not_in(dialect.place, dialect.encoding, _at(line)))
    if "Could not skip" in message and dialect.place.size < longest:
        return DataError(f"{name!r} has no rows below its header")
    if "straddling" in message or "too large" in message or "out of sync" in message or "Could not skip" in message:
        return DataError(
            f"{name!r} has a line of more than {longest >> 20} MB: a quote may not be closed, or no line ends"
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


def check_whole(dialect: Dialect, below: Unpacked, rows: int) -> None:
    """Refuse a file that was read to its end, so many ``rows``, and holds NUL bytes, or a cell that looks like rows."""
    if below.nulls and "16" not in dialect.encoding and "32" not in dialect.encoding:
        raise null_bytes(dialect.place, _first(dialect.place, lambda line: 0 in line))
    lines = below.lines - dialect.skip
    if len(dialect.names) > 1 and (below.quotes % 2 or lines > rows + 1):
        line = _unclosed(dialect)
        if line:
            raise DataError(_quote(dialect.place.called, line))


def _first(place: Place, wrong: Callable[[bytes], bool]) -> int:
    """The first line of which something is true, or 0."""
    with Unpacked(place) as raw:
        return next((n for n, line in enumerate(io.BufferedReader(raw), 1) if wrong(line)), 0)


def _lines(dialect: Dialect) -> Iterator[str]:
    stream, _ = text_stream(dialect)
    return io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")


def _unclosed(dialect: Dialect) -> int:
    """The first line with a quote that is not closed before the end, or swallows lines which are rows, or 0."""
    inside: list[str] = []

    def watched() -> Iterator[str]:
        for line in _lines(dialect):
            inside.append(line)
            yield line

    reader = cells_of(watched(), dialect.spelling, strict=True)
    while True:
        inside.clear()
        begin, why = reader.line_num + 1, ""
        try:
            sound = len(next(reader)) == len(dialect.names)
        except StopIteration:
            return 0
        except csv.Error as error:
            sound, why = False, str(error)
        swallows = why.startswith("unexpected end") or any(_is_row(line, dialect) for line in inside[1:])
        if begin > dialect.skip and swallows and not sound:
            return begin


def _is_row(line: str, dialect: Dialect) -> bool:
    """Whether a line is a row by itself: as many cells, none of them open."""
    cells: list[str] = next(cells_of(iter([line]), dialect.spelling), [])
    return line.count(dialect.spelling.quote) % 2 == 0 and len(cells) == len(dialect.names)


def _uneven(dialect: Dialect) -> int:
    """The first line of another length than the header, or 0."""
    reader, begin = cells_of(_lines(dialect), dialect.spelling), 1
    for row in reader:
        if begin > dialect.skip and row and len(row) != len(dialect.names):
            return begin
        begin = reader.line_num + 1
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
