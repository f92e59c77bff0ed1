"""The memory of the judge: held-out rows of earlier partitions, kept beside the log, verified, never trained on."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.source import Part, Source
from unseen.core.stats import Array
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.config import Settings
from unseen.ops.judge.heldout import HoldOut
from unseen.ops.judge.metric import held_out_table
from unseen.ops.places import Places
from unseen.ops.record import Fact
from unseen.ops.registry.entry import EXCLUDED, PINNED, REMEMBERED, RETRAIN, ROLLED_BACK, Entry


class Kept(Fact):
    """Held-out rows of one partition: its name and id, which columns, how many rows, and a hash of their cells."""

    id: str
    name: str
    columns: tuple[str, ...]
    rows: int
    cells: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the log says of the memory: kept rows by partition in order, and which of them belong to which version."""

    kept: tuple[Kept, ...] = ()
    version: int | None = None
    pinned: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Remembered:
        kept: dict[str, Kept] = {}
        version, pinned = None, frozenset[str]()
        newest: dict[int, str] = {}
        for entry in entries:
            if entry.kind == REMEMBERED:
                facts = {**entry.facts, "name": entry.facts["partition"]}  # the name of a line is the model's
                found = Kept.model_validate({k: facts[k] for k in Kept.model_fields})
                kept.pop(found.id, None)
                kept[found.id] = found
            elif entry.kind == PINNED:
                version, pinned = entry.facts["version"], frozenset(entry.facts["partitions"])
                kept = {id: k for id, k in kept.items() if id in pinned}
            elif entry.kind == RETRAIN and entry.facts.get("version") is not None:
                newest.setdefault(entry.facts["version"], entry.facts.get("partition") or "")
            elif entry.kind == ROLLED_BACK and newest.get(entry.facts["from"]) not in pinned:
                # what the version that was taken back had learned from was not right, as far as anybody knows
                kept.pop(newest.get(entry.facts["from"], ""), None)
            elif entry.kind == EXCLUDED:
                kept = {id: k for id, k in kept.items() if k.name != entry.facts["partition"]}
        return cls(tuple(kept.values()), version, pinned)

    def reference(self) -> tuple[Kept, ...]:
        """The rows of the pinned version's partitions."""
        return tuple(k for k in self.kept if k.id in self.pinned)

    def recent(self, most: int, but: str) -> tuple[Kept, ...]:
        """Rows of the newest partitions since then, ``but`` those of the one that is judged."""
        return tuple(k for k in self.kept if k.id not in self.pinned and k.id != but)[-most:]


@dataclass(frozen=True, slots=True)
class Everything:
    """All rows of a block: those of a memory all judge."""

    def mask(self, part: Part) -> Array:
        return np.ones(part.rows, bool)


def place(places: Places, id: str) -> Path:
    """Where the rows of a partition are kept."""
    return places.memory / f"{id[:32]}.parquet"


def put_by(settings: Settings, name: str, id: str, source: Source, columns: Sequence[str]) -> Kept:
    """Keep the held-out rows of one partition, opened alone; the same partition gives the same rows.

    Raises
    ------
    RegistryError
        They cannot be written.
    """
    table = _held_out(settings, source, columns)
    _write(place(Places.of(settings), id), table)
    return Kept(id=id, name=name, columns=tuple(table.column_names), rows=table.num_rows, cells=_cells(table))


def recalled(settings: Settings, kept: Kept, partition: Callable[[], Source | None] = lambda: None) -> Any:
    """The kept rows as a source; where their file is gone or was altered, they are drawn again from their partition.

    ``partition`` opens it; None where its file is not there any more.

    Raises
    ------
    RegistryError
        They are not as the log says, and cannot be drawn again.
    """
    from unseen.sources import open_source

    path = place(Places.of(settings), kept.id)
    table, trouble = _read(path, kept)
    if trouble and (source := partition()) is not None:
        table = _held_out(settings, source, kept.columns)
        if _cells(table) == kept.cells:
            _write(path, table)
            trouble = None
    if trouble:
        raise RegistryError(
            f"the rows of {kept.name!r} that judge ({path}) {trouble}, and cannot be drawn again from the partition: "
            f"put a whole copy back, or begin a new memory with "
            f'unseen pin {settings.name} --reason "..."'
        )
    return open_source(table, unit=settings.model.unit)[0]


def _read(path: Path, kept: Kept) -> tuple[Any, str | None]:
    """The rows in a file, and what is wrong with them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        return None, "are gone"
    except (OSError, pa.ArrowException) as error:
        return None, f"cannot be read ({type(error).__name__})"
    return table, None if _cells(table) == kept.cells else "were altered"


def _write(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    files.write(path, buffer.getvalue())


def _cells(table: Any) -> str:
    """A hash of names and cells, whatever the file around them."""
    from pandas.util import hash_pandas_object

    digest = hashlib.sha256("\0".join(table.column_names).encode())
    if table.num_columns:
        digest.update(hash_pandas_object(table.to_pandas(), index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _held_out(settings: Settings, source: Source, columns: Sequence[str]) -> Any:
    """The held-out rows of a partition, with some of its columns."""
    rules, unit = settings.validate_, settings.model.unit
    table = held_out_table(source, HoldOut(source, None, rules.share, rules.seed))
    names = [name for name in table.column_names if name in columns or name == unit]
    return _some(table.select(names), settings.memory.rows, unit)


def _some(table: Any, most: int, unit: str | None) -> Any:
    """The first rows, units whole."""
    if table.num_rows <= most:
        return table
    if unit is None:
        # places were drawn at random, and rows of one time stand together: some of all times
        return table.take(np.linspace(0, table.num_rows - 1, most).astype(np.int64))
    names = table.column(unit).to_numpy(zero_copy_only=False)
    ends = np.flatnonzero(names[1:] != names[:-1]) + 1
    return table.slice(0, int(ends[ends <= most].max(initial=ends[0] if len(ends) else table.num_rows)))
