"""Reading delimited text through pyarrow, with messages that say where and never what."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unseen.arrow.columns import names_once
from unseen.arrow.files import first_bytes
from unseen.errors import DataError

#: bytes of text per batch
BLOCK = 8 << 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """A file, the character between its cells, and the names in its header."""

    path: Path
    delimiter: str
    names: tuple[str, ...]


def dialect_of(path: Path) -> Dialect:
    """The header of a delimited file.

    Raises
    ------
    DataError
        No such file, empty, not text, duplicated names, or numbers where the names should be.
    """
    name = path.name
    if not first_bytes(path):
        raise DataError(f"{name!r} is empty: it holds no bytes at all")
    try:
        opener: Any = gzip.open if name.lower().endswith(".gz") else open
        with opener(path, "rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as lines:
            first = lines.readline()
            tabbed = name.lower().endswith((".tsv", ".tsv.gz"))
            delimiter = "\t" if tabbed else max(",;\t", key=first.count)
            header = next(csv.reader(_from(first, lines), delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{name!r} is not UTF-8 text: save it as UTF-8") from None
    except (OSError, EOFError):
        raise DataError(f"{name!r} cannot be decompressed: it is not gzip, or it was cut short") from None
    if not any(header):
        raise DataError(f"{name!r} has no header: its first line must name the columns")
    if all(_numeric(cell) for cell in header):
        raise DataError(f"the first line of {name!r} holds numbers: put the names of the columns there")
    names_once(header, f" in {name!r}")
    return Dialect(path, delimiter, tuple(header))


def batches(dialect: Dialect, types: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """Record batches of a file; without ``types`` every column is text."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    kinds = dict.fromkeys(dialect.names, pa.string()) if types is None else types
    with _explained(dialect) as bad, pa.input_stream(str(dialect.path)) as stream:
        options = _options(dialect, kinds, bad, use_threads=False)
        reader = pacsv.open_csv(stream, **options)
        for batch in reader:
            _refuse(dialect, bad)
            yield batch
        _refuse(dialect, bad)


def whole_table(dialects: Sequence[Dialect], types: Mapping[str, Any]) -> Any:
    """All files as one table in memory."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    tables = []
    for dialect in dialects:
        with _explained(dialect) as bad, pa.input_stream(str(dialect.path)) as stream:
            table = pacsv.read_csv(stream, **_options(dialect, types, bad, use_threads=True))
            tables.append(table.select(list(types)))
    return pa.concat_tables(tables)


def _options(dialect: Dialect, types: Mapping[str, Any], bad: list[int], use_threads: bool) -> dict[str, Any]:
    import pyarrow.csv as pacsv

    def uneven(row: Any) -> str:
        bad.append(row.number or 0)
        return "skip"

    plain = pacsv.ConvertOptions().null_values
    return {
        "read_options": pacsv.ReadOptions(block_size=BLOCK, use_threads=use_threads),
        "parse_options": pacsv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=True, invalid_row_handler=uneven
        ),
        "convert_options": pacsv.ConvertOptions(
            column_types=dict(types),
            null_values=[*plain, *(f" {v}" for v in plain)],
            strings_can_be_null=True,
        ),
    }


def _refuse(dialect: Dialect, bad: list[int]) -> None:
    if bad:
        where = f" (first in data row {bad[0] - 1:,})" if bad[0] else ""
        raise DataError(
            f"{dialect.path.name!r} has rows with more or fewer cells than the header{where}: quote cells that "
            "hold the delimiter, and complete rows that are cut short"
        )


@contextmanager
def _explained(dialect: Dialect) -> Iterator[list[int]]:
    """pyarrow's messages quote the cells they stumble on: ours do not."""
    import pyarrow as pa

    bad: list[int] = []
    name = dialect.path.name
    try:
        yield bad
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        _refuse(dialect, bad)
        if "UTF8" in str(error) or "UTF-8" in str(error):
            raise DataError(f"{name!r} is not UTF-8 text: save it as UTF-8") from None
        if name.lower().endswith(".gz") and isinstance(error, OSError):
            raise DataError(f"{name!r} cannot be decompressed: it was cut short or damaged") from None
        raise DataError(
            f"{name!r} cannot be read as delimited text: it may have a quote that is not closed, or have changed "
            "while it was read"
        ) from None


def _from(first: str, lines: Any) -> Iterator[str]:
    yield first
    yield from lines


def _numeric(cell: str) -> bool:
    try:
        float(cell)
        return True
    except ValueError:
        return False
