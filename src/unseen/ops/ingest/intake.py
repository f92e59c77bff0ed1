"""The batch of one retrain: the newest partitions, up to the one that was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from unseen.core.reading import NoColumn, Reading
from unseen.errors import DataError, UnseenError
from unseen.ops.checked import Memory
from unseen.ops.config import Settings
from unseen.ops.ingest.partitions import Partition, identified, listed, reading
from unseen.ops.record import Batch
from unseen.ops.registry.excluding import excluded, found_wrong

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
    #: rows of each partition
    sizes: tuple[int, ...] = ()
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
        try:
            with reading("the batch"):
                return opened([p.path for p in self.partitions], self.read, unit=self.unit)
        finally:  # files that changed are the reason for whatever was wrong with them
            for partition in self.partitions:
                partition.unchanged()

    def by_partition(self) -> tuple[Any, ...]:
        """A source of each partition alone, as new data will come.

        What a model says of a unit sharpens with its rows: a user of two months is no measure of one of a month.
        """
        return tuple(map(self.alone, self.partitions))

    def alone(self, partition: Partition) -> Any:
        """The rows of one partition, those of a unit together."""
        with reading(repr(partition.name)):
            source = opened(partition.path, self.read, unit=self.unit)
        partition.unchanged()
        return source

    def open(self, partition: Partition) -> Any:
        """The rows of one partition; the one that was opened last stays open."""
        name = partition.name
        if name not in self._open:
            self._open.clear()
            with reading(repr(name)):
                try:
                    self._open[name] = _alone(partition.path, self.read)
                except (UnseenError, OSError, MemoryError):
                    raise
                except Exception as error:  # readers of third parties quote cells: only their class may be said
                    raise DataError(f"{name!r} cannot be read: {type(error).__name__}") from None
        return self._open[name]

    def close(self) -> None:
        """Let go of the partition that is open."""
        self._open.clear()


def opened(data: Any, read: Reading | None, **cuts: Any) -> Any:
    """The source of files, read as ``data.read`` says: what has types, too."""
    from unseen.sources import open_source

    return open_source(data, read=read, **cuts)[0]


def units_in(source: Any, column: str) -> int:
    """How many units (sequences, items, users) the rows of a source belong to."""
    found: set[Any] = set()
    for part in source.manifest():
        cells = source.read(part, (column,)).columns[column]
        values = cells.values if cells.observed is None else cells.values[cells.observed]
        found.update(cells.categories[i] if cells.categories else i for i in set(values.tolist()))
    return len(found)


def _alone(path: Path, read: Reading) -> Any:
    """One file; of columns that it lacks nothing can be said, and the gate tells that they are missing."""
    try:
        return opened(path, read, block_rows=CHUNK)
    except NoColumn as error:
        return opened(path, read.only(error.columns), block_rows=CHUNK)


def take_in(settings: Settings, until: str | None = None) -> Intake:
    """The newest ``data.window`` partitions up to ``until``, a partition's name; its ending may be left out.

    Partitions that `unseen exclude` named are passed over. The batch's id is the same for the same partitions wherever
    they lie and whatever they are called.

    Raises
    ------
    DataError
        There are no partitions, two have one name, or none is called ``until``.
    ReadError
        A file or folder cannot be read at the moment.
    RegistryError
        The log, which says what is left out, was altered.
    """
    out = excluded(settings)
    with reading(f"data.path {settings.data.path!r}"):
        paths = listed(settings, out)
    if until is not None and (asked := [name for name in out if until in (name, name.partition(".")[0])]):
        raise DataError(
            f"{asked[0]!r} is left out ({out[asked[0]]}): `unseen exclude {settings.name} {asked[0]} --undo` "
            "takes it in again"
        )
    end = len(paths) if until is None else _position([p.name for p in paths], until) + 1
    chosen, left_out = _window(settings, paths[:end], paths)
    names, prints = tuple(p.name for p in chosen), tuple(p.id for p in chosen)
    batch = Batch(id=batch_id(chosen), partitions=names, rows=0, fingerprints=prints, left_out=left_out | out)
    intake = Intake(chosen, batch, settings.model.unit, settings.data.read.reading())
    memory = Memory.of(settings)
    sizes = tuple(_rows(intake, partition, memory) for partition in chosen)
    return replace(intake, batch=batch.model_copy(update={"rows": sum(sizes)}), sizes=sizes)


def _window(
    settings: Settings, paths: Sequence[Path], all_paths: Sequence[Path]
) -> tuple[tuple[Partition, ...], dict[str, str]]:
    """The newest of some paths and those before it that are not set aside, and why others are."""
    aside, most = found_wrong(settings), settings.data.window or len(paths)
    found = identified(settings, paths if aside else paths[-most:], all_paths)
    chosen = tuple(p for p in found if p.id not in aside or p is found[-1])[-most:]
    return chosen, {p.name: aside[p.id].why for p in found[found.index(chosen[0]) : -1] if p.id in aside}


def _position(names: Sequence[str], until: str) -> int:
    """Which file is meant by a name, with or without its ending."""
    if until in names:
        return names.index(until)
    stems = [i for i, name in enumerate(names) if name.startswith(until + ".")]
    if len(stems) == 1:
        return stems[0]
    nearest = get_close_matches(until, names, n=1, cutoff=0.0)[0]
    trouble = "names more than one partition" if stems else "is no partition"
    raise DataError(f"{until!r} {trouble}; the nearest name is {nearest!r}, and the newest is {names[-1]!r}")


def batch_id(partitions: Sequence[Partition]) -> str:
    """The identity of the rows of some partitions, wherever they lie and whatever they are called."""
    return hashlib.sha256("\n".join(sorted(p.id for p in partitions)).encode()).hexdigest()


def _rows(intake: Intake, partition: Partition, memory: Memory) -> int:
    """Rows of a partition; none of one that cannot be read, of which the gate will tell."""
    known = memory.rows(partition.id)
    if known is None:
        with suppress(DataError):
            known = sum(part.rows for part in intake.open(partition).manifest())
    return known or 0
