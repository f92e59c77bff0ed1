"""Tables written to disk whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from unseen.arrow.formats import LINES
from unseen.arrow.libraries import pa, pq
from unseen.arrow.spelled import TABBED, TEXT, Spelling, TextTables, packed_file, packing
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
def table_writer(path: Path, schema: Any, how: Spelling | None = None) -> Iterator[Any]:
    """A function that takes tables and appends them to a file, of the format that the ending of its name says.

    The rows go to a temporary file in the same folder, which takes the name when all is on disk. After an error or
    an interrupt the temporary file is gone and whatever had the name before is untouched. ``how`` is how text is
    written.

    Raises
    ------
    RunError
        An unknown ending, a folder that is not there, a type that the format cannot hold, or no space left.
    """
    ending, packed = packing(path.name)
    if not (is_text(path) or is_lines(path) or ending in (".parquet", ".pq", ".feather", ".arrow") and not packed):
        raise RunError(
            f"cannot write {path.name!r}: give it a name that ends in .parquet, .feather, .csv, .tsv, .txt or .jsonl, "
            "text also with .gz, .zst or .bz2 behind that"
        )
    with no_space(repr(path.name)):
        handle, name = _temporary(path)
        try:
            with os.fdopen(handle, "wb") as file:
                writer = _writer(path, file, schema, how or Spelling())
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


def _writer(path: Path, file: Any, schema: Any, how: Spelling) -> Any:
    ending, packed = packing(path.name)
    if is_lines(path):
        return JsonLines(file, packed)
    if is_text(path):
        for field in schema:
            if pa.types.is_nested(field.type) or "binary" in str(field.type):
                what = "nested values" if pa.types.is_nested(field.type) else "bytes"
                raise RunError(f"column {field.name!r} holds {what}, which CSV cannot: write a .parquet file")
        tabbed = ending in TABBED or how.delimiter == " "
        return TextTables(file, schema, packed, replace(how, delimiter="\t") if tabbed else how)
    try:
        return pq.ParquetWriter(file, schema) if ending in (".parquet", ".pq") else pa.ipc.new_file(file, schema)
    except pa.ArrowException:
        raise RunError(
            f"{path.name!r} cannot be written: a column has a type that this format cannot hold; leave it out of the "
            "input, or write .parquet"
        ) from None


def is_lines(path: Path) -> bool:
    """Whether a file of that name is written as JSON, an object a line."""
    return packing(path.name)[0] in LINES


def is_text(path: Path) -> bool:
    """Whether a file of that name is written as delimited text."""
    return packing(path.name)[0] in TEXT


class JsonLines:
    """A writer of tables as one JSON object a line."""

    def __init__(self, file: Any, packed: str) -> None:
        self._out = packed_file(file, packed)

    def write_table(self, table: Any) -> None:
        some = table if isinstance(table, list) else table.to_pylist()
        rows = (json.dumps(row, ensure_ascii=False, default=str, allow_nan=False) for row in _finite(some))
        self._out.write("".join(f"{row}\n" for row in rows).encode())

    def close(self) -> None:
        self._out.close()


def _finite(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """JSON has no word for numbers that are none."""
    for row in rows:
        yield {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


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
