"""The rows that judge: a share of every partition, never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseen.core.block import Block, Frame
from unseen.core.encoding import Encoded
from unseen.core.source import Part, Source, input_places
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.search.holdout import SPLIT_STEP, Choice, Share, Split

# a search by held-out rows splits the training rows again, maybe with the same seed: its draws must not be these
JUDGE_STEP = SPLIT_STEP - 1
#: units that are drawn together; the place of a unit in its partition decides, never the blocks it is read in
CHUNK = 16_384


class HoldOut:
    """A share of the units (rows, or sequences, items, users) of every partition, drawn by the seed alone.

    Which rows of a partition are held out depends on that partition and the seed, not on the other partitions that it
    is read with, nor on the engine, the size of the blocks, or the columns of the model: what judged once is never
    trained on, whatever the window. Rows are drawn by their place, units that a column names by that name, so that one
    that goes on in later partitions stays where it is. ``newest`` are the held-out units of the last partition.

    Parameters
    ----------
    source : all partitions, the newest one last
    sizes : rows of each partition in order; None takes all of the source for one
    share : of the units of each partition, between 0 and 1
    seed : of the draw

    Raises
    ------
    DataError
        The newest partition is too small to hold anything out, or the partitions have other rows than the source.
    ModelError
        A share that is not between 0 and 1.

    >>> from unseen.sources.arrays import Arrays
    >>> source = Arrays(np.zeros((10, 1)))
    >>> int(HoldOut(source, share=0.2).mask(source.manifest()[0]).sum())
    2
    """

    def __init__(self, source: Source, sizes: Sequence[int] | None = None, share: float = 0.2, seed: int = 0) -> None:
        self.source, self.split = source, Split(share, seed, JUDGE_STEP)
        parts = source.manifest()
        begins = np.cumsum([0, *(p.rows for p in parts)]).tolist()
        edges = np.cumsum([0, *([begins[-1]] if sizes is None else sizes)])
        if edges[-1] != begins[-1]:
            raise DataError("the partitions have other rows than the data that is read: start again")
        self._edges, self._begins = edges, {p.id: begin for p, begin in zip(parts, begins, strict=False)}
        self._units: dict[int, tuple[Array, Array]] | None = None
        self._count = self.newest_rows
        if source.unit is not None or getattr(source, "whole", False):
            self._units = self._drawn_units(parts)
        self._check()

    def mask(self, part: Part) -> Array:
        """The held-out rows of one block, whichever partition they are of, (rows,) bool, in the order of the source."""
        if self._units is not None:
            return self._units[part.id][0]
        begin = self._begins[part.id]
        return self._drawn(begin, begin + part.rows)

    @property
    def newest(self) -> Choice:
        """The held-out rows of the newest partition; units of it with all of their rows."""
        return _Newest(self)

    @property
    def newest_rows(self) -> int:
        """Rows of the newest partition, those that judge among them."""
        return int(self._edges[-1] - self._edges[-2])

    def newest_mask(self, part: Part) -> Array:
        if self._units is not None:
            return self._units[part.id][1]
        begin = self._begins[part.id]
        return self.mask(part) & (np.arange(begin, begin + part.rows) >= self._edges[-2])

    def newest_places(self, part: Part) -> Array:
        """The places (rows,) of a block's rows in the newest partition, below 0 where they are of another one."""
        begin = self._begins[part.id]
        return np.arange(begin, begin + part.rows) - int(self._edges[-2])

    def training(self, encoded: Encoded | Share) -> Sequence[Block]:
        """The blocks without the rows that judge."""
        return Share(encoded, self, held=False)

    def held(self, encoded: Encoded | Share) -> Sequence[Block]:
        """The rows of the newest partition that judge, in the order of the source where the encoding keeps it."""
        return Share(encoded, self.newest, held=True)

    def _check(self) -> None:
        if any(self.newest_mask(part).any() for part in self.source.manifest()):
            return
        what = "sequences" if getattr(self.source, "whole", False) else "rows"
        what = what if self.source.unit is None else f"units ({self.source.unit})"
        raise DataError(
            f"no {what} can be held out: the newest partition has {self._count:,} of its own, and at least one of "
            "two must be left to train on; make partitions larger"
        )

    def _drawn(self, begin: int, end: int) -> Array:
        """Which rows are held out, by their places in their own partitions."""
        out = np.zeros(end - begin, bool)
        for low, high in zip(self._edges[:-1].tolist(), self._edges[1:].tolist(), strict=True):
            a, b = max(begin, low), min(end, high)
            if a < b:
                out[a - begin : b - begin] = self._by_place(high - low, a - low, b - low)
        return out

    def _by_place(self, count: int, begin: int, end: int) -> Array:
        """Which of ``count`` units that stand in a row are held out, those from ``begin`` to ``end``."""
        out = np.zeros(end - begin, bool)
        for start in range(begin // CHUNK * CHUNK, end, CHUNK):
            chunk = self.split.rows(start // CHUNK, min(CHUNK, count - start))
            a, b = max(start, begin), min(start + len(chunk), end)
            out[a - begin : b - begin] = chunk[a - start : b - start]
        return out

    # ---- units of several rows

    def _drawn_units(self, parts: Sequence[Part]) -> dict[int, tuple[Array, Array]]:
        """Of each block the held-out rows, and those of them whose unit is of the newest partition."""
        found = [_units(self.source, part, self._begins[part.id], self._edges) for part in parts]
        home = np.concatenate([f.home for f in found])
        last = np.concatenate([f.last for f in found]) == len(self._edges) - 2
        self._count = int(last.sum())
        if self.source.unit is None:
            held = np.zeros(len(home), bool)
            for partition in np.unique(home):
                of = np.flatnonzero(home == partition)
                held[of] = self._by_place(len(of), 0, len(of))
        else:
            held = self._by_name(np.concatenate([f.names for f in found]), last)
        cuts = np.cumsum([len(f.home) for f in found])[:-1]
        pieces = zip(parts, found, np.split(held, cuts), np.split(held & last, cuts), strict=True)
        return {part.id: (np.repeat(all_, f.rows), np.repeat(new, f.rows)) for part, f, all_, new in pieces}

    def _by_name(self, names: Array, last: Array) -> Array:
        """Units whose name, scrambled with the seed, is below the share; of the newest ones at least one of two."""
        from pandas.util import hash_array

        keys = hash_array(names, hash_key=f"{self.split.seed % 10**16:016d}", categorize=False)
        held: Array = keys < np.uint64(min(self.split.share, 1.0) * 2.0**64)
        new = np.flatnonzero(last)
        if len(new) > 1 and not held[new].any():
            held[new[keys[new].argmin()]] = True
        elif held[new].all() and len(new):
            held[new[keys[new].argmax()]] = False
        return held


@dataclass(frozen=True, slots=True)
class _Newest:
    holdout: HoldOut

    def mask(self, part: Part) -> Array:
        return self.holdout.newest_mask(part)


@dataclass(frozen=True, slots=True)
class _Units:
    """Units of a block, (U,) each: the partitions of their first and last rows, their rows, and their names as text."""

    home: Array
    last: Array
    rows: Array
    names: Array


def _units(source: Source, part: Part, begin: int, edges: Array) -> _Units:
    frame = source.read(part, () if source.unit is None else (source.unit,))
    assert frame.offsets is not None
    rows = np.diff(frame.offsets)
    known = input_places(source, part)
    places = np.arange(begin, begin + part.rows) if known is None else known
    partitions = np.searchsorted(edges, places, side="right") - 1
    some = rows > 0
    home, last = np.full(len(rows), -1), np.full(len(rows), -1)
    starts = frame.offsets[:-1][some]
    if some.any():
        home[some] = np.minimum.reduceat(partitions, starts)
        last[some] = np.maximum.reduceat(partitions, starts)
    names = np.full(len(rows), "", object)
    if source.unit is not None:
        names[some] = _names(frame, source.unit, starts)
    return _Units(home, last, rows, names)


def _names(frame: Frame, unit: str, at: Array) -> Array:
    """The names of units as text that is the same however the column is stored."""
    column = frame.columns[unit]
    if column.categories:
        return np.array(column.categories, object)[column.values[at]]
    return np.array([f"{float(value):.17g}" for value in column.values[at]], object)
