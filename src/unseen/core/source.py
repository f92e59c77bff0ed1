"""Where blocks come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from unseen.core.block import Field, Frame
from unseen.core.lazy import Lazy
from unseen.core.reading import Notation, Reading
from unseen.core.stats import Array


@dataclass(frozen=True, slots=True)
class Part:
    """One block of a source before it is read: its id, rows, and where it lives (file, row group, range)."""

    id: int
    rows: int
    where: tuple[str | int, ...] = ()


class Source(Protocol):
    """Columns and blocks of some data; nothing is read before `read`.

    A source that puts rows of one unit side by side has ``places(part)``, too: where the rows of a block stood in its
    input, (rows,), or None where all stand as they did.

    A source may say more of where its rows are: ``shared`` is True where another process can read its blocks, too,
    once it has the source; ``engine`` names the engine that `auto` takes, where memory or disk is no question; and
    one whose blocks lie in a cluster has ``lying(numbers)`` and ``meets(id, frame)`` (`unseen.sources.spark`).
    """

    #: the column that names the unit (sequence, user), or None when each row is a unit
    unit: str | None

    def schema(self) -> tuple[Field, ...]:
        """Columns in order, with their kinds."""
        ...

    def manifest(self) -> tuple[Part, ...]:
        """The blocks in order; cut between units only."""
        ...

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        """One block's columns."""
        ...

    def fingerprint(self) -> dict[str, str | int]:
        """What identifies the data: rows, content hash, format. Never a path's secret part, never a value."""
        ...


class Nowhere:
    """A source without a block: what blocks are of that travel to another one (`Frames.over`)."""

    unit: str | None = None

    def schema(self) -> tuple[Field, ...]:
        return ()

    def manifest(self) -> tuple[Part, ...]:
        return ()

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        raise IndexError(part.id)

    def fingerprint(self) -> dict[str, str | int]:
        return {"format": "nowhere", "rows": 0}


class Frames(Lazy[Frame]):
    """The blocks of a source as a lazy sequence, so that an engine can sum over them."""

    def __init__(self, source: Source, columns: Sequence[str]) -> None:
        self.source, self.columns, self.parts = source, tuple(columns), source.manifest()

    def __len__(self) -> int:
        return len(self.parts)

    def over(self, source: Source) -> Frames:
        """The same columns of another source."""
        return Frames(source, self.columns)

    def at(self, index: int) -> Frame:
        return self.source.read(self.parts[index], self.columns)


def how_read(source: Source) -> tuple[Reading, Mapping[str, Notation]]:
    """What was said of how a source is to be read, and how its columns were found to be written if it is text."""
    return getattr(source, "reading", Reading()), getattr(source, "notations", {})


def missing_in(source: Source) -> Mapping[str, int]:
    """Cells without a value in columns that no model reads, where the source counted them."""
    found: Mapping[str, int] = getattr(source, "missing", {})
    return found


def told_of(source: Source) -> tuple[str, ...]:
    """What a user should know of how a source was read: headers that were found, rows and files that are left out."""
    told = (*getattr(source, "named", ()), *getattr(source, "told", ()), *getattr(source, "skipped", ()))
    return tuple(dict.fromkeys(told))


def unit_missing(unit: str, missing: int) -> str:
    """What is said of rows that name no unit."""
    return (
        f"unit column {unit!r} is missing in {missing:,} rows: it has to say of every row which unit (sequence, item, "
        "user) it belongs to; fill it in, or leave those rows out"
    )


def no_unit(unit: str) -> str:
    """What is said of data without its unit column."""
    return f"there is no column {unit!r} to tell the units (sequences, items, users) apart"


def no_names(unit: str, why: str) -> str:
    """What is said of a unit column that holds what cannot be compared."""
    return f"unit column {unit!r} cannot tell units apart: {why}"


def grouping(unit: Array) -> Array | None:
    """The order in which rows of one unit stand together, (n,), or None where they do.

    Units come in the order of their first rows, and the rows of a unit keep theirs.

    >>> grouping(np.array(["b", "a", "b", "a"])).tolist()
    [0, 2, 1, 3]
    """
    runs = int((unit[1:] != unit[:-1]).sum()) + 1
    names, first, codes = np.unique(unit, return_index=True, return_inverse=True)
    if runs == len(names) or not len(unit):
        return None
    appearance = np.empty(len(names), np.int64)
    appearance[np.argsort(first)] = np.arange(len(names))
    return np.argsort(appearance[codes], kind="stable")


def input_places(source: Source, part: Part) -> Array | None:
    """Where the rows of a block stand in the data as it was given, (rows,); None where blocks follow its order."""
    places = getattr(source, "places", None)  # a source that groups nothing need not say so
    found: Array | None = None if places is None else places(part)
    return found


def in_input_order(parts: Sequence[Array], places: Sequence[Array | None]) -> Array:
    """What was found of the rows of each block, (rows, ...), one after the other in the order of the input."""
    values: Array = np.concatenate(parts)
    known = [p for p in places if p is not None]
    if not known:
        return values
    out = np.empty_like(values)
    out[np.concatenate(known)] = values
    return out


def cut(
    rows: int, block_rows: int | None = None, unit: Array | None = None, whole: bool = False
) -> list[tuple[int, int, Array | None]]:
    """Row ranges of blocks, cut between units only: (start, stop, unit offsets inside the block or None).

    Rows of one ``unit`` stand together.

    Without ``block_rows`` the blocks are even, at most 16,384 rows, and a multiple of eight in number as soon as
    there is more than one, so that two, four or eight workers end together.
    """
    size = max(1, block_rows or _even(rows))
    if unit is None and not whole:
        return [(a, min(a + size, rows), None) for a in range(0, rows, size)] or [(0, 0, None)]
    if whole or unit is None:
        return [(0, rows, np.array([0, rows]))]
    starts = np.append(np.flatnonzero(np.concatenate([[True], unit[1:] != unit[:-1]])), rows) if rows else [0]
    blocks, first = [], 0
    for i in range(1, len(starts)):
        if starts[i] - starts[first] >= size or i == len(starts) - 1:
            offsets = np.asarray(starts[first : i + 1]) - starts[first]
            blocks.append((int(starts[first]), int(starts[i]), offsets))
            first = i
    return blocks or [(0, 0, np.array([0]))]


def _even(rows: int, most: int = 16_384) -> int:
    pieces = -(-rows // most)
    return -(-rows // (8 * -(-pieces // 8))) if pieces > 1 else rows
