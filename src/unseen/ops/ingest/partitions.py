"""Partitions: the files that ``data.path`` names, with the hash of their content as their identity."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from unseen.arrow.formats import known
from unseen.arrow.walk import matches
from unseen.errors import DataError, OpsError
from unseen.ops.checked import Stamp, kept, recalled
from unseen.ops.config import Settings
from unseen.ops.files import sha256
from unseen.ops.places import Places
from unseen.ops.record import Fact

_PATTERN = re.compile(r"[*?[]")
#: a file that was written so shortly before may be written again without its time changing: hashed anew next time
UNSETTLED = 2_000_000_000


class Hashed(Fact):
    """The content of a file as it was at some stamp."""

    stamp: Stamp
    id: str


class Hashes(Fact):
    """Contents of files by their paths."""

    files: dict[str, Hashed] = {}


@dataclass(frozen=True, slots=True)
class Partition:
    """A file of rows: its name, where it lies, and the sha256 of its bytes; ``stamp`` is from when it was hashed."""

    name: str
    path: Path
    id: str
    stamp: Stamp = field(default=(0, 0, 0), compare=False)

    def unchanged(self) -> None:
        """Make sure that the file is still the one that was hashed, else raise ReadError."""
        with reading(repr(self.name)):
            now = stamp_of(self.path)
        if now != self.stamp:
            raise ReadError(f"{self.name!r} was changed while it was being read: run the same command again")


def partitions(settings: Settings, left_out: Collection[str] = ()) -> tuple[Partition, ...]:
    """Every file that ``data.path`` names, in the order of the names; only new and changed ones are hashed.

    Raises
    ------
    DataError, ReadError
        As of `listed`; a file or folder cannot be read at the moment.
    """
    with reading(f"data.path {settings.data.path!r}"):
        paths = listed(settings, left_out)
    return identified(settings, paths, paths)


def identified(settings: Settings, paths: Sequence[Path], all_paths: Sequence[Path]) -> tuple[Partition, ...]:
    """Partitions of some of the files; hashes of files that are not among ``all_paths`` are forgotten."""
    place = Places.of(settings).home / "hashes.json"
    before = recalled(place, Hashes)
    remembered = {name: before.files[name] for name in map(str, all_paths) if name in before.files}
    out = []
    for path in paths:
        with reading(repr(path.name)):
            stamp = stamp_of(path)
            settled = time.time_ns() - stamp[1] > UNSETTLED
            entry = remembered.get(str(path))
            if entry is None or entry.stamp != stamp:
                entry = Hashed(stamp=stamp, id=sha256(path))
                if stamp_of(path) != stamp:
                    raise ReadError(f"{path.name!r} was written to while it was being read: wait until it is complete")
                remembered.pop(str(path), None)
                if settled:
                    remembered[str(path)] = entry
        out.append(Partition(path.name, path, entry.id, stamp))
    if remembered != before.files:
        kept(place, Hashes(files=remembered))
    return tuple(out)


def stamp_of(path: Path) -> Stamp:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


# ---- which files


def listed(settings: Settings, left_out: Collection[str] = ()) -> list[Path]:
    """Data files in the order of their names, numbers in names by size; hidden ones are passed over.

    A folder that cannot be listed is an error, and so is a link to nothing: a partition that is silently left out
    would be worse. ``left_out`` names those that are to be.

    Raises
    ------
    DataError
        Nothing is there, two files have one name, or what has a name of one is no file that can be read.
    """
    every = _named(settings)
    paths = [p for p in every if p.name not in left_out]
    for path in sorted(paths):
        if not path.is_file():
            raise DataError(
                f"data.path: {path.name!r} is {_what(path)}: put the file there, remove the name, or leave it out with "
                f"`unseen exclude {settings.name} {path.name} --reason ...`"
            )
    if every and not paths:
        these = f"all {len(every)} are" if len(every) > 1 else f"{every[0].name} is"
        raise DataError(
            f"no partition is left to learn from: {these} left out; `unseen exclude {settings.name} {every[-1].name} "
            "--undo` takes it in again"
        )
    if not paths:
        raise DataError(
            f"data.path: {settings.data.path!r} names no data file; it is a file, a folder, or a pattern such as "
            f"data/*.parquet, relative to {settings.folder.absolute()}"
        )
    for a, b in pairwise(paths):
        if a.name == b.name:
            raise DataError(
                f"data.path: two files are called {a.name!r}, in {a.parent.name!r} and in {b.parent.name!r}: "
                "partitions are told apart by their names, so give each its own"
            )
    return paths


def names(settings: Settings) -> list[str]:
    """What could be partitions, in order: also what cannot be read."""
    return list(dict.fromkeys(p.name for p in _named(settings)))


def order(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts part-9 before part-10.

    >>> sorted(["part-10.csv", "part-9.csv"], key=order)
    ['part-9.csv', 'part-10.csv']
    """
    parts = [part for part in re.split(r"([0-9]+)", name) if part]
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _named(settings: Settings) -> list[Path]:
    """What ``data.path`` means outside of the state folder, in order."""
    given = (settings.folder.absolute() / Path(settings.data.path).expanduser()).absolute()
    outside = (path for path in set(_meant(given)) if not path.is_relative_to(settings.home))
    return sorted(outside, key=lambda path: (order(path.name), str(path)))


def _meant(given: Path) -> list[Path]:
    if given.is_file() or (not given.is_dir() and os.path.lexists(given)):
        return [given]
    if given.is_dir():
        return [path for path in _files(given, ("**", "*")) if known(path.name)]
    magic = next((i for i, part in enumerate(given.parts) if _PATTERN.search(part)), None)
    if magic is None or not (root := Path(*given.parts[:magic])).is_dir():
        return []
    matched = _files(root, given.parts[magic:])
    # a pattern that asks for other endings means it; one that also meets notes and checksums does not
    return [path for path in matched if known(path.name)] or matched


def _files(folder: Path, parts: Sequence[str]) -> list[Path]:
    return [Path(entry.path) for entry in matches(folder, parts) if not entry.is_dir()]


def _what(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "a link to nothing"
    return "a pipe" if path.is_fifo() else "no file that can be read"


# ---- what can pass, told from what is wrong with the data


class ReadError(OpsError, OSError):
    """The system could not read a partition just now; it says nothing about the rows, and waiting may help."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Trouble of the system leaves as `ReadError` or `MemoryError`, even where a reader below made a `DataError` of it.

    What is wrong with the data itself stays a `DataError`.
    """
    try:
        yield
    except ReadError:
        raise
    except (DataError, OSError, MemoryError) as error:
        trouble = _trouble(error)
        if trouble is None:
            raise
        if isinstance(trouble, MemoryError):
            raise MemoryError(f"no memory left to read {what}") from None
        why = os.strerror(trouble.errno) if trouble.errno else type(trouble).__name__
        raise ReadError(f"{what} could not be read just now ({why}): the same command may read it") from trouble


def _trouble(error: BaseException) -> OSError | MemoryError | None:
    """The error of the system behind a sentence about it; pyarrow's about damaged content carry no number."""
    if isinstance(error, OSError | MemoryError):
        return error
    seen = error.__cause__ or error.__context__
    while seen is not None:
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno is not None):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
