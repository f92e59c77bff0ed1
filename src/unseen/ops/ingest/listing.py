"""The files that ``data.path`` names."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from unseen.arrow.formats import known
from unseen.arrow.walk import matches
from unseen.errors import DataError
from unseen.ops.config import Settings

_PATTERN = re.compile(r"[*?[]")
_DEEP = ("**", "*")


def listed(settings: Settings, left_out: Collection[str] = ()) -> list[Path]:
    """Data files in the order of their names, numbers in names by size; hidden ones are passed over.

    A folder that cannot be listed is an error, and so is a link to nothing: a partition that is silently left out
    would be worse. ``left_out`` names those that are to be.

    Raises
    ------
    DataError
        Nothing is there, two files have one name, or what has a name of one is no file that can be read.
    """
    given = (settings.folder.absolute() / Path(settings.data.path).expanduser()).absolute()
    found = {p for p in _named(given) if not p.is_relative_to(settings.home) and p.name not in left_out}
    for path in sorted(found):
        if not path.is_file():
            raise DataError(
                f"data.path: {path.name!r} is {_what(path)}: put the file there, remove the name, or leave it out with "
                f"`unseen exclude {settings.name} {path.name} --reason ...`"
            )
    if not found:
        raise DataError(
            f"data.path: {settings.data.path!r} names no data file; it is a file, a folder, or a pattern such as "
            f"data/*.parquet, relative to {settings.folder.absolute()}"
            + (f"; left out are {', '.join(sorted(left_out))}" if left_out else "")
        )
    paths = sorted(found, key=lambda p: (order(p.name), str(p)))
    for a, b in zip(paths, paths[1:], strict=False):
        if a.name == b.name:
            raise DataError(
                f"data.path: two files are called {a.name!r}, in {a.parent.name!r} and in {b.parent.name!r}: "
                "partitions are told apart by their names, so give each its own"
            )
    return paths


def names(settings: Settings) -> list[str]:
    """What could be partitions, in order: also what cannot be read."""
    given = (settings.folder.absolute() / Path(settings.data.path).expanduser()).absolute()
    return sorted({p.name for p in _named(given) if not p.is_relative_to(settings.home)}, key=order)


def order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts part-9 before part-10.

    >>> sorted(["part-10.csv", "part-9.csv"], key=order)
    ['part-9.csv', 'part-10.csv']
    """
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in _digits(name))


def _digits(name: str) -> list[str]:
    return [part for part in re.split(r"([0-9]+)", name) if part]


def _named(given: Path) -> Iterator[Path]:
    if given.is_file() or (not given.is_dir() and os.path.lexists(given)):
        yield given
        return
    if given.is_dir():
        yield from (p for p in _files(given, _DEEP) if known(p.name))
        return
    magic = next((i for i, part in enumerate(given.parts) if _PATTERN.search(part)), None)
    if magic is None or not (root := Path(*given.parts[:magic])).is_dir():
        return
    matched = set(_files(root, given.parts[magic:]))
    # a pattern that asks for other endings means it; one that also meets notes and checksums does not
    yield from [p for p in matched if known(p.name)] or matched


def _files(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    return (Path(entry.path) for entry in matches(folder, parts) if not entry.is_dir())


def _what(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "a link to nothing"
    return "a pipe" if path.is_fifo() else "no file that can be read"
