"""Files of this machine below folders and behind patterns.

``skipped`` is told which files cannot be looked at; where there is none they are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from unseen.arrow.formats import LOOSE, known
from unseen.arrow.hive import keys_of
from unseen.arrow.place import Place, at
from unseen.arrow.stores import MAGIC, hidden
from unseen.errors import DataError


def walked(root: str, skipped: list[str] | None) -> list[Place]:
    """The files below a folder that may be data; one that cannot be listed is an error, since its rows would vanish."""

    def refuse(error: OSError) -> None:
        raise _unlisted(error) from error

    paths, seen = [], set()
    for folder, inside, names in os.walk(root, onerror=refuse, followlinks=True):
        mark = os.stat(folder)[1:3]
        if mark in seen:  # a link to a folder that was here already, or around it
            inside.clear()
            continue
        seen.add(mark)
        inside[:] = sorted(name for name in inside if not hidden([name]))
        paths += [os.path.join(folder, n) for n in names if not hidden([n]) and (known(n) or known(n, LOOSE))]
    return [p for path in sorted(paths, key=lambda p: Path(p).parts) for p in one(path, skipped)]


def globbed(pattern: str, skipped: list[str] | None) -> list[Place]:
    """The files that a pattern means, and those in the folders that it means, by name."""
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if MAGIC.search(part))
    root = Path(*parts[:fixed])
    try:
        found = {os.path.normpath(e.path): e.is_dir() for e in matches(root, parts[fixed:])} if root.is_dir() else {}
    except OSError as error:
        raise _unlisted(error) from error
    paths = sorted(found, key=lambda p: Path(p).parts)
    inside = [p for path in paths for p in (walked if found[path] else one)(path, skipped)]
    return list({os.path.normpath(p.path): p for p in inside}.values())


def matches(folder: str | Path, parts: Sequence[str]) -> Iterator[os.DirEntry[str]]:
    """What lies below a folder and matches the parts of a pattern; unlike in `glob`, no error is swallowed."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from matches(folder, rest or ("*",))
    with os.scandir(folder) as entries:
        for entry in entries:
            if hidden([entry.name]) and not part.startswith(entry.name[0]):
                continue
            if part == "**":
                if entry.is_dir(follow_symlinks=False):
                    yield from matches(entry.path, parts)
            elif fnmatchcase(entry.name, part):
                if not rest:
                    yield entry
                elif entry.is_dir():
                    yield from matches(entry.path, rest)


def _unlisted(error: OSError) -> DataError:
    return DataError(f"folder {error.filename!r} cannot be listed: {os.strerror(error.errno or 5)}")


def one(path: str, skipped: list[str] | None = None) -> list[Place]:
    """The file at a path, with what its folders' names say; where it is none, ``skipped`` is told if it is given."""
    try:
        return [at(path, keys_of(Path(path).parts[:-1]))]
    except DataError as error:
        if skipped is None:
            raise
        skipped.append(f"{os.path.basename(path)!r} is left out: {error}")
        return []
