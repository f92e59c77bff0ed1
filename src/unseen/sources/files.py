"""Paths to sources: a file, several files or a folder, by the endings of their names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unseen.core.reading import Notation, Reading
from unseen.errors import DataError

PARQUET = (".parquet", ".pq")
TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def open_files(
    data: str | Path | Sequence[str | Path],
    *,
    unit: str | None = None,
    whole: bool = False,
    block_rows: int | None = None,
    read: Reading | Mapping[str, Any] | None = None,
    known: Mapping[str, Notation] | None = None,
) -> Any:
    """The source of one path or several; folders stand for the data files in them, sorted by name.

    ``read`` is what a user says of how files are written, ``known`` how the columns were that a model was fitted to.

    Raises
    ------
    DataError
        Nothing there, an unknown format, or Parquet and CSV mixed.
    """
    paths = listed([data] if isinstance(data, (str, os.PathLike)) else list(data))
    twice = [p for i, p in enumerate(paths) if any(p.samefile(o) for o in paths[:i])]
    if twice:
        raise DataError(f"{twice[0]} is given twice: its rows would count twice (row weights say so: --weights)")
    formats = {format_of(p) for p in paths}
    if len(formats) > 1:
        raise DataError("Parquet and CSV files cannot be read together: give files of one format")
    if formats == {"parquet"}:
        from unseen.sources.parquet import Parquet

        return Parquet(paths, unit=unit, whole=whole, block_rows=block_rows)
    from unseen.sources.csv import Csv

    return Csv(paths, unit=unit, whole=whole, block_rows=block_rows, read=read, known=known)


def listed(data: Sequence[str | Path]) -> list[Path]:
    """Files in the given order, folders replaced by the data files in them (hidden ones left out)."""
    paths = []
    for given in map(Path, data):
        if not given.is_dir():
            paths.append(given)
            continue
        inside = [
            p
            for p in sorted(given.rglob("*"))
            if p.name.endswith((*PARQUET, *TEXT)) and p.is_file() and not _hidden(p.relative_to(given))
        ]
        if not inside:
            raise DataError(f"folder {str(given)!r} holds no file that ends in {', '.join((*PARQUET, *TEXT))}")
        paths += inside
    return paths


def format_of(path: Path) -> str:
    """``parquet`` or ``csv``, by the name, else by the first bytes."""
    from unseen.arrow.files import first_bytes

    name = path.name.lower()
    if name.endswith(PARQUET):
        return "parquet"
    if name.endswith(TEXT):
        return "csv"
    if first_bytes(path) == b"PAR1":
        return "parquet"
    raise DataError(f"cannot tell the format of {path.name!r}: give it a name that ends in .parquet, .csv or .tsv")


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)
