"""Parquet files before they are read: what is in them, whether they belong together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unseen.arrow.columns import names_once
from unseen.errors import DataError

#: bytes read ahead of the decoder: a column chunk is never in memory as a whole
BUFFER = 1 << 18


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A file as it was when it was opened: rows per row group, Arrow schema, size and time, columns of nulls."""

    path: Path
    groups: tuple[int, ...]
    schema: Any
    stamp: tuple[int, int]
    hollow: frozenset[str] = frozenset()

    def open(self, text: Sequence[str] = ()) -> Any:
        """A reader of its own for the calling thread; ``text`` names columns to read as dictionaries.

        Raises
        ------
        DataError
            The file has changed since the first look at it.
        """
        import pyarrow.parquet as pq

        if _stamp(self.path) != self.stamp:
            raise DataError(f"{self.path.name!r} was changed while it was being read: start again")
        return pq.ParquetFile(self.path, read_dictionary=list(text) or None, pre_buffer=False, buffer_size=BUFFER)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        raise DataError(f"{path.name!r} has gone while it was being read") from None
    return found.st_size, found.st_mtime_ns


def opened(path: Path) -> ParquetFile:
    """The footer of a Parquet file.

    Raises
    ------
    DataError
        There is no such file, it is empty, not Parquet, cut short, or its footer is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    magic = first_bytes(path)
    if not magic:
        raise DataError(f"{path.name!r} is empty: it holds no bytes at all")
    if magic != b"PAR1":
        raise DataError(f"{path.name!r} is not a Parquet file: if it is text, give it a name that ends in .csv or .tsv")
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            meta, schema = file.metadata, file.schema_arrow
            groups = tuple(meta.row_group(g).num_rows for g in range(meta.num_row_groups))
            hollow = _hollow(meta)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        raise DataError(
            f"{path.name!r} starts as a Parquet file but its footer is missing or damaged: it was probably cut "
            "short while it was written or copied; make it again"
        ) from None
    names_once(schema.names, f" in {path.name!r}")
    return ParquetFile(path, groups, schema, _stamp(path), hollow)


def _hollow(meta: Any) -> frozenset[str]:
    """Columns that hold nulls only, as far as the footer says."""
    names = set()
    for j in range(meta.num_columns if meta.num_row_groups else 0):
        chunks = (meta.row_group(g).column(j) for g in range(meta.num_row_groups))
        if all(c.is_stats_set and c.statistics.null_count == c.num_values for c in chunks):
            names.add(meta.schema.column(j).path)
    return frozenset(names)


def first_bytes(path: Path, count: int = 4) -> bytes:
    """The first bytes of a file, or one sentence on why there are none."""
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except FileNotFoundError:
        raise DataError(f"there is no file {str(path)!r}") from None
    except PermissionError:
        raise DataError(f"{str(path)!r} cannot be opened: permission denied") from None
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be opened: {os.strerror(error.errno or 5)}") from None


def agree(files: Sequence[ParquetFile]) -> Any:
    """The schema that all files share, in the order of the first.

    Text may be plain or a dictionary, numbers may be of any width (a month with holes is often written as floating
    point where one without is whole numbers), and a column without any value agrees with every type.

    Raises
    ------
    DataError
        A column is missing from one file, or has another type there; both files are named.
    """
    import pyarrow as pa

    first = files[0]
    agreed = {f.name: (f, first.path.name) for f in first.schema}
    for other in files[1:]:
        here = {f.name: f for f in other.schema}
        for name in [*(n for n in agreed if n not in here), *(n for n in here if n not in agreed)]:
            has, lacks = (first, other) if name in agreed else (other, first)
            raise DataError(
                f"column {name!r} is in {has.path.name!r} but not in {lacks.path.name!r}: files that are read "
                "together need the same columns"
            )
        for name, (field, where) in agreed.items():
            if pa.types.is_null(field.type):
                agreed[name] = (here[name], other.path.name)
            elif is_number(field.type) and is_number(here[name].type):
                agreed[name] = (field.with_type(wider(field.type, here[name].type)), where)
            elif not pa.types.is_null(here[name].type) and plain(field.type) != plain(here[name].type):
                raise DataError(
                    f"column {name!r} is {field.type} in {where!r} and {here[name].type} in "
                    f"{other.path.name!r}: files that are read together need the same types"
                )
    return pa.schema([f for f, _ in agreed.values()], metadata=first.schema.metadata)


def is_number(type_: Any) -> bool:
    """Whether a type is whole numbers or floating point, of any width."""
    import pyarrow as pa

    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def wider(a: Any, b: Any) -> Any:
    """The narrowest type that holds the numbers of both."""
    import pyarrow as pa

    one, two = pa.schema([("x", a)]), pa.schema([("x", b)])
    return pa.unify_schemas([one, two], promote_options="permissive").field(0).type


def plain(type_: Any) -> Any:
    """The type without its layout: text is text, whether large, viewed or in a dictionary."""
    import pyarrow as pa

    from unseen.arrow.columns import is_text

    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    return pa.string() if is_text(inner) else inner
