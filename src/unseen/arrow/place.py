"""A file wherever it is: on this machine, in an object store, behind anything that fsspec knows."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import Any

from unseen.arrow.libraries import pa
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
        return self.called.rpartition("/")[2]

    @property
    def called(self) -> str:
        """Its name, from the first folder on that says a key: in such folders many files have one name.

        >>> Place("", "data/year=2023/a.csv", 1, 0, (("year", "2023"),)).called
        'year=2023/a.csv'
        """
        parts = self.shown.replace("\\", "/").rstrip("/").split("/")
        first = next((i for i, part in enumerate(parts) if "=" in part), -1) if self.keys else -1
        return "/".join(parts[first:])

    @property
    def local(self) -> bool:
        return self.filesystem is None

    def unchanged(self) -> None:
        """Make sure that it is still the file that was found.

        Raises
        ------
        DataError
            It has gone, has changed, or may not be looked at any more.
        """
        if _stat(self.path, self.shown, self.filesystem) != (self.size, self.modified):
            raise DataError(f"{self.called!r} was changed while it was being read: start again")

    def open(self) -> Any:
        """The bytes of the file, for reading anywhere in it; refused if it has gone, has changed or may not be read."""
        self.unchanged()
        try:
            if self.local:  # a name may be bytes that are no text
                return pa.OSFile(os.fsencode(self.path) if os.name == "posix" else self.path)
            return self.filesystem.open_input_file(self.path)
        except (OSError, pa.ArrowException) as error:
            raise DataError(refused(self.shown, error)) from None

    def head(self, count: int) -> bytes:
        """Its first bytes."""
        try:
            with self.open() as file:
                return bytes(file.read(count))
        except (OSError, pa.ArrowException) as error:
            raise DataError(refused(self.shown, error)) from None


def at(path: str | os.PathLike[str], keys: tuple[tuple[str, str], ...] = ()) -> Place:
    """The file at a path of this machine.

    Raises
    ------
    DataError
        There is none, it is no file, or it may not be looked at.
    """
    given = os.fspath(path)
    return Place(given, given, *_stat(given, given, None), keys)


def on_disk(data: Any) -> bool:
    """Whether some data is named by a path, or several."""
    many = data if isinstance(data, (list, tuple)) else [data]
    return bool(many) and all(isinstance(p, (str, os.PathLike)) for p in many)


def places_of(paths: Any) -> list[Place]:
    """The files at one path or several, of which some may be places already."""
    many = [paths] if isinstance(paths, (str, os.PathLike, Place)) else paths
    return [p if isinstance(p, Place) else at(p) for p in many]


def stamp(info: Any) -> tuple[int, int]:
    """Size and time of change as a store says them; some list the time in finer steps than they tell it of one file."""
    return info.size or 0, (info.mtime_ns or 0) // 1_000_000_000


def refused(shown: str, error: Exception) -> str:
    """One sentence on why something cannot be opened, without what the system or a store said in its own words."""
    if isinstance(error, FileNotFoundError):
        return f"there is no file {shown!r}"
    if isinstance(error, PermissionError):
        return f"{shown!r} cannot be opened: permission denied"
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else _of_a_store(str(error))
    return f"{shown!r} cannot be opened: {reason or type(error).__name__}"


def _stat(path: str, shown: str, store: Any) -> tuple[int, int]:
    if "\0" in path:
        raise DataError("a path holds a null character: there is no such file")
    try:
        if store is not None:
            info = store.get_file_info(path)
            if not info.is_file:
                raise FileNotFoundError
            return stamp(info)
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(21, "")
    except (OSError, pa.ArrowException) as error:
        if store is None and isinstance(error, FileNotFoundError) and os.path.islink(path):
            raise DataError(f"{shown!r} is a link to a file that is not there") from None
        raise DataError(refused(shown, error)) from None
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f"{shown!r} is a pipe or a device, which can be read only once: write it to a file")
    return found.st_size, found.st_mtime_ns


#: what pyarrow's stores write into their errors, and what it means
_SAID = {
    "NO_SUCH_BUCKET": "there is no such bucket",
    "NETWORK_CONNECTION": "the store does not answer (AWS_ENDPOINT_URL and AWS_REGION say where it is)",
    "ACCESS_DENIED": "the store refuses the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)",
    "INVALID_ACCESS_KEY_ID": "the store does not know the access key (AWS_ACCESS_KEY_ID, or AWS_PROFILE)",
    "SIGNATURE_DOES_NOT_MATCH": "the store does not accept the secret key (AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)",
}
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")  # fmt: skip


def _of_a_store(said: str) -> str:
    known = [meaning for word, meaning in _SAID.items() if word in said]
    if known[:1] and "credentials" not in known[0] or "AWS Error" not in said:
        return "".join(known[:1])
    if not any(map(os.environ.get, _CREDENTIALS)) and not os.path.exists(os.path.expanduser("~/.aws/credentials")):
        return "no credentials were found (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
    return known[0] if known else "the store reports an error of its own: try again later"
