"""A file wherever it is: on this machine, in an object store, behind anything that fsspec knows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from unseen.errors import DataError


@dataclass(frozen=True, slots=True)
class Place:
    """One file of a filesystem of pyarrow, as it was when it was found: its size in bytes and time of change.

    ``keys`` are the columns that the names of its folders say (``year=2023/carrier=AA``), as text.
    """

    path: str
    #: what a user is told it is called: a path, or a URI without what is secret in it
    shown: str
    size: int
    modified: int
    keys: tuple[tuple[str, str], ...] = ()
    #: None: a file of this machine
    filesystem: Any = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.shown.replace("\\", "/").rstrip("/").rpartition("/")[2]

    @property
    def local(self) -> bool:
        return self.filesystem is None

    def open(self) -> Any:
        """The bytes of the file, for reading anywhere in it.

        Raises
        ------
        DataError
            It has gone, has changed since it was found, or may not be read.
        """
        import pyarrow as pa

        if _stat(self.path, self.shown, self.filesystem) != (self.size, self.modified):
            raise DataError(f"{self.name!r} was changed while it was being read: start again")
        try:
            return pa.OSFile(self.path) if self.local else self.filesystem.open_input_file(self.path)
        except (OSError, pa.ArrowException) as error:
            raise DataError(_refused(self.shown, error)) from None

    def head(self, count: int) -> bytes:
        """Its first bytes."""
        with self.open() as file:
            return bytes(file.read(count))


def at(
    path: str | os.PathLike[str], keys: tuple[tuple[str, str], ...] = (), shown: str = "", store: Any = None
) -> Place:
    """The file at a path of this machine, or of a filesystem of pyarrow.

    Raises
    ------
    DataError
        There is none, it is no file, or it may not be looked at.
    """
    given = os.fspath(path)
    return Place(given, shown or given, *_stat(given, shown or given, store), keys, store)


def _stat(path: str, shown: str, store: Any) -> tuple[int, int]:
    try:
        if store is None:
            found = os.stat(path)
            return found.st_size, found.st_mtime_ns
        info = store.get_file_info(path)
    except OSError as error:
        raise DataError(_refused(shown, error)) from None
    if not info.is_file:
        raise DataError(f"there is no file {shown!r}")
    return info.size, info.mtime_ns or 0


def _refused(shown: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {shown!r}"
    if isinstance(error, PermissionError):
        return f"{shown!r} cannot be opened: permission denied"
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
    return f"{shown!r} cannot be opened: {reason}"
