"""Partitions: the files of the data, with the hash of their content as their identity."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unseen.ops.config import Settings
from unseen.ops.ingest.listing import listed
from unseen.ops.ingest.reading import ReadError, reading
from unseen.ops.ingest.state import Hashed, Hashes, Stamp, kept, recalled
from unseen.ops.places import Places

#: a file that was written so shortly before may be written again without its time changing: hashed anew next time
UNSETTLED = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Partition:
    """A file of rows: its name, where it lies, and the sha256 of its bytes; ``stamp`` is from when it was hashed."""

    name: str
    path: Path
    id: str
    stamp: Stamp = field(default=(0, 0, 0), compare=False)

    def unchanged(self) -> None:
        """Make sure that the file is still the one that was hashed.

        Raises
        ------
        ReadError
            It was written to, replaced or removed since.
        """
        with reading(repr(self.name)):
            now = stamp_of(self.path)
        if now != self.stamp:
            raise ReadError(f"{self.name!r} was changed while it was being read: run the same command again")


def partitions(settings: Settings) -> tuple[Partition, ...]:
    """Every file that ``data.path`` names, in the order of the names; only new and changed ones are hashed.

    Raises
    ------
    DataError
        There is no such file, or two have one name.
    ReadError
        A file or folder cannot be read at the moment.
    """
    with reading(f"data.path {settings.data.path!r}"):
        paths = listed(settings)
    return identified(settings, paths, paths)


def identified(settings: Settings, paths: Sequence[Path], all_paths: Sequence[Path]) -> tuple[Partition, ...]:
    """Partitions of some of the files; hashes of files that are not among ``all_paths`` are forgotten."""
    place = Places.of(settings).home / "hashes.json"
    before = recalled(place, Hashes)
    known = {name: before.files[name] for name in map(str, all_paths) if name in before.files}
    out = []
    for path in paths:
        with reading(repr(path.name)):
            stamp, settled = stamp_of(path), _settled(path)
            entry = known.get(str(path))
            if entry is None or entry.stamp != stamp:
                entry = Hashed(stamp=stamp, id=digest(path))
                if stamp_of(path) != stamp:
                    raise ReadError(f"{path.name!r} was written to while it was being read: wait until it is complete")
                known.pop(str(path), None)
                if settled:
                    known[str(path)] = entry
        out.append(Partition(path.name, path, entry.id, stamp))
    if known != before.files:
        kept(place, Hashes(files=known))
    return tuple(out)


def digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp_of(path: Path) -> Stamp:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _settled(path: Path) -> bool:
    return time.time_ns() - os.stat(path).st_mtime_ns > UNSETTLED
