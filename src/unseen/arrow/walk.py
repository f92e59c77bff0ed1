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
    files = [path for path, folder in _listed(root, ("**", "*")).items() if not folder]
    return [p for path in files if known(path) or known(path, LOOSE) for p in one(path, skipped)]


def globbed(pattern: str, skipped: list[str] | None) -> list[Place]:
    """The files that a pattern means, and those in the folders that it means, by name."""
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if MAGIC.search(part))
    root = Path(*parts[:fixed])
    found = _listed(root, parts[fixed:]) if root.is_dir() else {}
    inside = [p for path, folder in found.items() for p in (walked if folder else one)(path, skipped)]
    return list({os.path.normpath(p.path): p for p in inside}.values())


def _listed(root: str | Path, parts: Sequence[str]) -> dict[str, bool]:
    """What matches below a folder, by name, and whether it is a folder."""
    try:
        found = {os.path.normpath(e.path): e.is_dir() for e in matches(root, parts)}
    except OSError as error:
        raise DataError(f"folder {error.filename!r} cannot be listed: {os.strerror(error.errno or 5)}") from error
    return dict(sorted(found.items(), key=lambda entry: Path(entry[0]).parts))


def matches(
    folder: str | Path, parts: Sequence[str], seen: set[tuple[int, int]] | None = None
) -> Iterator[os.DirEntry[str]]:
    """What lies below a folder and matches the parts of a pattern; unlike in `glob`, no error is swallowed."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        seen = set() if seen is None else seen
        inode_and_device = os.stat(folder)[1:3]
        if inode_and_device in seen:  # a link to a folder that was here already, or around it
            return
        seen.add(inode_and_device)
        yield from matches(folder, rest or ("*",))
    with os.scandir(folder) as entries:
        for entry in entries:
            if hidden([entry.name]) and not part.startswith(entry.name[0]):
                continue
            if part == "**":
                if entry.is_dir():
                    yield from matches(entry.path, parts, seen)
            elif fnmatchcase(entry.name, part):
                if not rest:
                    yield entry
                elif entry.is_dir():
                    yield from matches(entry.path, rest)


def one(path: str, skipped: list[str] | None = None) -> list[Place]:
    """The file at a path, with what its folders' names say; where it is none, ``skipped`` is told if it is given."""
    try:
        return [at(path, keys_of(Path(path).parts[:-1]))]
    except DataError as error:
        if skipped is None:
            raise
        skipped.append(f"{os.path.basename(path)!r} is left out: {error}")
        return []
