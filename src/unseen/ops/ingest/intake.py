"""The batch of one retrain: the newest partitions, up to the one that was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from unseen.core.reading import Reading
from unseen.errors import DataError, UnseenError
from unseen.ops.config import Settings
from unseen.ops.ingest.listing import listed
from unseen.ops.ingest.partitions import Partition, identified
from unseen.ops.ingest.reading import reading
from unseen.ops.ingest.state import Memory
from unseen.ops.places import Places
from unseen.ops.record import Batch
from unseen.ops.registry.excluding import excluded

#: rows that are checked at a time
CHUNK = 65_536


@dataclass(frozen=True)
class Intake:
    """Partitions in order, what identifies their rows, and, once they passed the gate, the source of all of them.

    ``unit`` names the column that says which rows belong together: those of several partitions then do, too.
    """

    partitions: tuple[Partition, ...]
    batch: Batch
    unit: str | None = None
    #: how the files are read, where they do not say so themselves
    read: Reading = Reading()
    #: partitions that somebody left out, and why
    left_out: Mapping[str, str] = field(default_factory=dict)
    _open: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def newest(self) -> Partition:
        return self.partitions[-1]

    @cached_property
    def source(self) -> Any:
        """The rows of all partitions, opened when first asked for.

        Raises
        ------
        DataError
            A partition cannot be read, or not together with the others.
        ReadError
            The system could not read them at the moment, or one was changed since it was hashed.
        """
        from unseen.sources.files import open_files

        try:
            with reading("the batch"):
                source = open_files([p.path for p in self.partitions], unit=self.unit, read=self.read)
        finally:  # files that changed are the reason for whatever was wrong with them
            for partition in self.partitions:
                partition.unchanged()
        return source

    def by_partition(self) -> tuple[Any, ...]:
        """Sources of all rows in which units are those of a partition alone, as new data will come.

        What a model says of a unit sharpens with its rows: a user of two months is no measure of one of a month.
        """
        if self.unit is None:
            return (self.source,)
        from unseen.sources.files import open_files

        found = []
        for partition in self.partitions:
            with reading(repr(partition.name)):
                found.append(open_files(partition.path, unit=self.unit, read=self.read))
            partition.unchanged()
        return tuple(found)

    def open(self, partition: Partition) -> Any:
        """The rows of one partition; the one that was opened last stays open."""
        if partition.name not in self._open:
            self._open.clear()
            self._open[partition.name] = _opened(partition, self.read)
        return self._open[partition.name]

    def close(self) -> None:
        """Let go of the partition that is open."""
        self._open.clear()


def take_in(settings: Settings, until: str | None = None) -> Intake:
    """The newest ``data.window`` partitions up to ``until``, a partition's name; its ending may be left out.

    Partitions that `unseen exclude` named are passed over.

    The batch's id is the same for the same partitions wherever they lie and whatever they are called.

    Raises
    ------
    DataError
        There are no partitions, two have one name, or none is called ``until``.
    ReadError
        A file or folder cannot be read at the moment.
    RegistryError
        The log, which says what is left out, was altered.
    """
    left_out = excluded(settings)
    with reading(f"data.path {settings.data.path!r}"):
        paths = listed(settings, left_out)
    if until is not None and (out := [name for name in left_out if until in (name, name.partition(".")[0])]):
        raise DataError(f"{out[0]!r} is left out ({left_out[out[0]]}): `unseen exclude --undo` takes it in again")
    end = len(paths) if until is None else _position(paths, until) + 1
    start = 0 if settings.data.window is None else max(0, end - settings.data.window)
    chosen = identified(settings, paths[start:end], paths)
    memory = Memory(Places.of(settings))
    batch = Batch(id=_id(chosen), partitions=tuple(p.name for p in chosen), rows=0)
    intake = Intake(chosen, batch, settings.model.unit, settings.data.read.reading(), left_out)
    rows = sum(_rows(intake, partition, memory) for partition in chosen)
    return replace(intake, batch=batch.model_copy(update={"rows": rows}))


def _position(paths: Sequence[Path], until: str) -> int:
    """Which file is meant by a name, with or without its ending."""
    names = [p.name for p in paths]
    if until in names:
        return names.index(until)
    stems = [i for i, name in enumerate(names) if name.startswith(until + ".")]
    if len(stems) == 1:
        return stems[0]
    nearest = get_close_matches(until, names, n=1, cutoff=0.0)[0]
    trouble = "names more than one partition" if stems else "is no partition"
    raise DataError(f"{until!r} {trouble}; the nearest name is {nearest!r}, and the newest is {names[-1]!r}")


def _id(partitions: Sequence[Partition]) -> str:
    return hashlib.sha256("\n".join(sorted(p.id for p in partitions)).encode()).hexdigest()


def _rows(intake: Intake, partition: Partition, memory: Memory) -> int:
    """Rows of a partition; none of one that cannot be read, of which the gate will tell."""
    known = memory.rows(partition.id)
    if known is None:
        with suppress(DataError):
            known = sum(part.rows for part in intake.open(partition).manifest())
    return known or 0


def _opened(partition: Partition, read: Reading) -> Any:
    from unseen.sources.files import open_files

    with reading(repr(partition.name)):
        try:
            return open_files(partition.path, block_rows=CHUNK, read=read)
        except (UnseenError, OSError, MemoryError):
            raise
        except Exception as error:  # readers of third parties quote cells: their class is all that may be said
            raise DataError(f"{partition.name!r} cannot be read: {type(error).__name__}") from None
