"""Files in object stores and behind other addresses: pyarrow's own filesystems, else those that fsspec knows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from unseen.arrow.hive import keys_of
from unseen.arrow.libraries import library, pa
from unseen.arrow.place import Place, refused, stamp
from unseen.errors import DataError

#: what marks a pattern
MAGIC = re.compile(r"[*?[]")

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
#: filesystems of pyarrow itself; what it was built without is asked of fsspec
_OWN = ("s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs")


def scheme_of(given: str) -> str:
    """``s3`` of ``s3://bucket``; empty for a path."""
    found = _ADDRESS.match(given)
    return found[1].lower() if found else ""


def spelled(given: str | os.PathLike[str]) -> str:
    """What was given as text; a `Path` made of an address has lost a slash.

    >>> from pathlib import Path
    >>> spelled(Path("s3://bucket/x.csv")), spelled("a//b")
    ('s3://bucket/x.csv', 'a//b')
    """
    text = os.fspath(given)
    lost = None if isinstance(given, str) else re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)", text)
    return f"{lost[1]}:{'//' if lost[1].lower() == 'file' else '/'}{text[lost.end(1) + 1 :]}" if lost else text


def hidden(parts: Sequence[str]) -> bool:
    """Whether a file or a folder on its way is hidden, as `.git` and `_SUCCESS` are; a key such as `_day=1` is not."""
    return any(p.startswith(".") or p.startswith("_") and "=" not in p for p in parts)


def stored(given: str, chosen: Callable[[list[Place], bool], list[Place]]) -> list[Place]:
    """The files that an address names: one, those below a prefix, or those that a pattern matches.

    ``chosen`` is asked which of the files of a folder, or else of a pattern, are data.

    Raises
    ------
    DataError
        There is nothing, it may not be read, or nothing here knows such addresses.
    """
    shown = _shown(given)
    try:
        store, root, path = _store(given)
        info = store.get_file_info(path)
        if info.is_file:
            return [_place(store, info, path, shown)]
        pattern: list[str] = []
        if info.type.name == "NotFound" and (magic := MAGIC.search(path, len(root))):
            cut = path.rfind("/", 0, magic.start())
            path, pattern = path[:cut], path[cut + 1 :].split("/")
            shown = shown[: shown.rfind("/", 0, MAGIC.search(shown).start())]  # type: ignore[union-attr]
        found = _below(store, path, shown, pattern)
        if not found and root and store.get_file_info(root).type.name == "NotFound":
            raise DataError(f"there is no bucket {root!r}: its name is what follows {scheme_of(given)}://")
    except (OSError, pa.ArrowException) as error:
        raise DataError(refused(shown, error)) from None
    if not found:
        raise DataError(f"there is no file {_shown(given)!r}, and none below it")
    return chosen(found, not pattern)


def _below(store: Any, path: str, shown: str, pattern: list[str]) -> list[Place]:
    found = []
    for info in store.get_file_info(library("pyarrow.fs").FileSelector(path, recursive=True, allow_not_found=True)):
        below = info.path[len(path) :].strip("/")
        parts = below.split("/")
        wanted = not pattern or any(_matches(parts[: i + 1], pattern) for i in range(len(parts)))
        if info.is_file and wanted and not hidden(parts):
            found.append(_place(store, info, info.path, f"{shown.rstrip('/')}/{below}"))
    return sorted(found, key=lambda p: p.path.split("/"))


def _place(store: Any, info: Any, path: str, shown: str) -> Place:
    folders = shown[len(scheme_of(shown)) + 3 :].split("/")[:-1]
    return Place(path, shown, *stamp(info), keys_of(folders), store)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path matches a pattern, both cut at the slashes; ``**`` stands for any folders.

    >>> _matches(["a", "b", "c.csv"], ["**", "*.csv"]), _matches(["a", "c.csv"], ["*.csv"])
    (True, False)
    """
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _store(given: str) -> tuple[Any, str, str]:
    """The filesystem of an address, its root (the bucket), and the path in it."""
    systems = library("pyarrow.fs").FileSystem
    scheme = scheme_of(given)
    if scheme in _OWN:
        host, slash, rest = given[len(scheme) + 3 :].partition("/")
        # a question mark may stand for a character of a name; pyarrow's options are words with values
        rest, options = re.fullmatch(r"(.*?)((?:\?[a-z_]+=.*)?)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
        if not host and scheme.startswith(("s3", "g", "abfs")):  # which would be all buckets
            raise _no_address(given)
        try:
            kind = "s3" if scheme.startswith("s3") else scheme
            store, root = systems.from_uri(f"{kind}://{host}{slash if scheme == 'hdfs' else ''}{options}")
            return store, root, f"{root.rstrip('/')}/{rest}".rstrip("/")
        except pa.ArrowNotImplementedError:
            pass
        except pa.ArrowInvalid:
            raise _no_address(given) from None
    return _behind_fsspec(given, scheme)


def _no_address(given: str) -> DataError:
    return DataError(
        f"{_shown(given)!r} is no address of a store: it is {scheme_of(given)}://bucket/folder, where a key in front "
        "of @ has its special characters escaped, and options such as region come last"
    )


def _behind_fsspec(given: str, scheme: str) -> tuple[Any, str, str]:
    fs = library("pyarrow.fs")
    why = "needs fsspec: pip install 'unseen[stores]'"
    try:
        from fsspec.core import url_to_fs

        why = f"needs the package by which fsspec reads {scheme}: install it"
        store, path = url_to_fs(given)
    except ImportError:
        raise DataError(f"{_shown(given)!r} {why}") from None
    except ValueError:
        raise DataError(f"{_shown(given)!r} is no address that fsspec knows: {scheme}:// means nothing to it") from None
    return fs.PyFileSystem(fs.FSSpecHandler(store)), "", path


def _shown(given: str) -> str:
    """An address without passwords, keys and what else its options say.

    >>> _shown("s3://key:sec/ret@bucket/x.csv?region=here"), _shown("https://host/x.csv?token=secret")
    ('s3://bucket/x.csv', 'https://host/x.csv')
    """
    scheme = scheme_of(given)
    rest = given[len(scheme) + 3 :]
    # a key that was not escaped may hold any character
    rest = re.sub(r"^([^@:/?]*):.*@", r"\1@" if scheme.startswith("abfs") else "", rest, flags=re.DOTALL)
    if not scheme.startswith("abfs"):
        rest = re.sub(r"^[^@/?]*@", "", rest)
    options = r"\?[a-z_]+=.*" if scheme in _OWN else r"[?#].*"
    return f"{scheme}://{re.sub(options, '', rest, flags=re.DOTALL).rstrip('/')}"
