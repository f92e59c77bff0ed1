"""Tables written to disk whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from unseen.core.disk import sync, umask
from unseen.errors import RunError

FULL = {errno.ENOSPC: "no space left", errno.EDQUOT: "disk quota exceeded", errno.EFBIG: "file size limit reached"}


@contextmanager
def no_space(what: str) -> Iterator[None]:
    """Turn the operating system's errors while ``what`` is written into a `RunError` of one sentence."""
    try:
        yield
    except OSError as error:
        reason = FULL.get(error.errno or 0) or (os.strerror(error.errno) if error.errno else "the disk failed")
        raise RunError(f"{reason} while writing {what}: nothing was left behind") from None


@contextmanager
def table_writer(path: Path, schema: Any) -> Iterator[Any]:
    """A function that takes tables and appends them to a Parquet or CSV file, by the ending of its name.

    The rows go to a temporary file in the same folder, which takes the name when all is on disk. After an error or
    an interrupt the temporary file is gone and whatever had the name before is untouched.

    Raises
    ------
    RunError
        An unknown ending, a folder that is not there, a type that CSV cannot hold, or no space left.
    """
    make = _maker(path, schema)
    with no_space(repr(path.name)):
        handle, name = _temporary(path)
        try:
            with os.fdopen(handle, "wb") as file:
                writer = _made(make, file, path)
                try:
                    yield writer.write_table
                    writer.close()
                except BaseException:
                    _abandon(writer)
                    raise
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
            with suppress(OSError):
                sync(path.parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


def _maker(path: Path, schema: Any) -> Any:
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    ending = path.name.lower()
    if ending.endswith((".parquet", ".pq")):
        return lambda file: pq.ParquetWriter(file, schema)
    if not ending.endswith(".csv"):
        raise RunError(f"cannot write {path.name!r}: give it a name that ends in .parquet or .csv")
    for field in schema:
        if pa.types.is_nested(field.type) or "binary" in str(field.type):
            what = "nested values" if pa.types.is_nested(field.type) else "bytes"
            raise RunError(f"column {field.name!r} holds {what}, which CSV cannot: write a .parquet file")
    return lambda file: CsvTables(pacsv, file, schema)


def _made(make: Any, file: Any, path: Path) -> Any:
    import pyarrow as pa

    try:
        return make(file)
    except pa.ArrowException:
        raise RunError(
            f"{path.name!r} cannot be written: a column has a type that this format cannot hold; leave it out of the "
            "input, or write .parquet"
        ) from None


class CsvTables:
    """pyarrow's CSV writer with dictionaries written as the text they stand for."""

    def __init__(self, pacsv: Any, file: Any, schema: Any) -> None:
        self.schema = plain_schema(schema)
        self._writer = pacsv.CSVWriter(file, self.schema)

    def write_table(self, table: Any) -> None:
        self._writer.write_table(table.cast(self.schema))

    def close(self) -> None:
        self._writer.close()


def plain_schema(schema: Any) -> Any:
    """The schema with dictionaries replaced by their values, and text in a layout that the writer knows."""
    import pyarrow as pa

    fields = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema]
    fields = [f.with_type(pa.large_string()) if pa.types.is_string_view(f.type) else f for f in fields]
    return pa.schema(fields)


def _temporary(path: Path) -> tuple[int, str]:
    if path.is_dir():
        raise RunError(f"cannot write {str(path)!r}: it is a folder; give the name of a file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except FileNotFoundError:
        raise RunError(f"there is no folder {str(path.parent)!r} to write to: make it first") from None
    # mkstemp keeps the file to its owner; an output has the permissions that open() would have given it
    os.chmod(name, 0o666 & ~umask())
    return handle, name


def _abandon(writer: Any) -> None:
    """Let go of a writer whose file is about to be removed, whatever it says."""
    with suppress(Exception):
        writer.close()
    if hasattr(writer, "is_open"):
        writer.is_open = False
