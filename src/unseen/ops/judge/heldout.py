"""The rows that judge: a share of the newest partition, never trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from unseen.core.block import Block
from unseen.core.encoding import Encoded
from unseen.core.source import Part, Source, how_read, input_places
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.search.holdout import SPLIT_STEP, Share, Split

# a search by held-out rows splits the training rows again, maybe with the same seed: its draws must not be these
JUDGE_STEP = SPLIT_STEP - 1
#: units that are drawn together; the place of a unit in its partition decides, never the blocks it is read in
CHUNK = 16_384


class HoldOut:
    """A share of the units (rows, or sequences, items, users) of the newest partition, drawn by the seed alone.

    A unit is held out with all of its rows, those in older partitions among them, so that nothing of it is trained on.
    Its place in the newest partition, where its first row there stands, decides: the same units are held out whatever
    the engine, the size of the blocks, the columns of the model, and the older partitions that rows are read with.

    Parameters
    ----------
    source : all partitions, the newest one last
    newest_path : file (or folder) of the newest partition; None takes all of the source for it
    share : of the units of that partition, between 0 and 1
    seed : of the draw

    Raises
    ------
    DataError
        The newest partition is too small to hold anything out, or is not the end of the source.
    ModelError
        A share that is not between 0 and 1.

    >>> from unseen.sources.arrays import Arrays
    >>> source = Arrays(np.zeros((10, 1)))
    >>> int(HoldOut(source, share=0.2).mask(source.manifest()[0]).sum())
    2
    """

    def __init__(
        self, source: Source, newest_path: str | Path | None = None, share: float = 0.2, seed: int = 0
    ) -> None:
        self.source, self.split = source, Split(share, seed, JUDGE_STEP)
        parts = source.manifest()
        begins = np.cumsum([0, *(p.rows for p in parts)]).tolist()
        first_row = 0 if newest_path is None else begins[-1] - _rows(Path(newest_path), source)
        if first_row < 0:
            raise DataError("the newest partition has more rows than all of the data that is read: start again")
        self._begins = {p.id: begin - first_row for p, begin in zip(parts, begins, strict=False)}
        self._units: dict[int, Array] | None = None
        self._count = begins[-1] - first_row
        if source.unit is not None or getattr(source, "whole", False):
            self._units = self._drawn_units({p.id: _units(source, p, self._begins[p.id], first_row) for p in parts})
        if not sum(self.split.count(min(CHUNK, self._count - a)) for a in range(0, self._count, CHUNK)):
            what = "sequences" if getattr(source, "whole", False) else "rows"
            what = what if source.unit is None else f"units ({source.unit})"
            raise DataError(
                f"no {what} can be held out: the newest partition has {self._count:,} of its own, and at least one of "
                "two must be left to train on; make partitions larger"
            )

    def mask(self, part: Part) -> Array:
        """The held-out rows of one block, (rows,) bool, in the order of the source."""
        if self._units is not None:
            return self._units[part.id]
        begin = self._begins[part.id]
        return self._drawn(begin, begin + part.rows)

    def training(self, encoded: Encoded | Share) -> Sequence[Block]:
        """The blocks without the rows that judge."""
        return Share(encoded, self, held=False)

    def held(self, encoded: Encoded | Share) -> Sequence[Block]:
        """The rows that judge, in the order of the source where the encoding keeps it."""
        return Share(encoded, self, held=True)

    def _drawn(self, begin: int, end: int) -> Array:
        """Which units are held out, by their place in the newest partition; those before it never are."""
        out = np.zeros(end - begin, bool)
        for start in range(max(begin, 0) // CHUNK * CHUNK, end, CHUNK):
            chunk = self.split.rows(start // CHUNK, min(CHUNK, self._count - start))
            a, b = max(start, begin), min(start + len(chunk), end)
            out[a - begin : b - begin] = chunk[a - start : b - start]
        return out

    def _drawn_units(self, blocks: Mapping[int, tuple[Array, Array]]) -> dict[int, Array]:
        """The held-out rows of each block, from the first new row and the length of each unit in it."""
        firsts = np.concatenate([first for first, _ in blocks.values()])
        new = np.flatnonzero(firsts >= 0)
        self._count = len(new)
        held = np.zeros(len(firsts), bool)
        held[new[np.argsort(firsts[new], kind="stable")]] = self._drawn(0, self._count)
        cuts = np.cumsum([len(first) for first, _ in blocks.values()])[:-1]
        pieces = np.split(held, cuts)
        return {id: np.repeat(some, of) for (id, (_, of)), some in zip(blocks.items(), pieces, strict=True)}


def _units(source: Source, part: Part, begin: int, first_row: int) -> tuple[Array, Array]:
    """Of each unit of a block the place in the newest partition of its first row there, -1 without any, and its rows.

    ``begin`` is the place of the block's own first row, negative where it is older.
    """
    offsets = source.read(part, ()).offsets
    assert offsets is not None
    lengths = np.diff(offsets)
    known = input_places(source, part)
    places = np.arange(begin, begin + part.rows) if known is None else known - first_row
    firsts = np.full(len(lengths), -1)
    some = lengths > 0
    nothing = np.iinfo(np.int64).max
    if some.any():
        found = np.minimum.reduceat(np.where(places >= 0, places, nothing), offsets[:-1][some])
        firsts[some] = np.where(found == nothing, -1, found)
    return firsts, lengths


def _rows(path: Path, source: Source) -> int:
    """The rows of the files of a partition."""
    from unseen.arrow.rowgroups import RowGroups
    from unseen.sources.files import listed, open_files

    files = listed([path])
    if isinstance(source, RowGroups) and [Path(p.path).resolve() for p in files] != [
        p.resolve() for p in source.paths[-len(files) :]
    ]:
        raise DataError(f"the newest partition {path.name!r} is not the last of the files that are read")
    read, known = how_read(source)
    return sum(part.rows for part in open_files(path, read=read, known=known).manifest())
